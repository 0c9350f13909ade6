"""conf/paper/sts.yaml: published numbers and protocol are the paper's, and every row plans runs that compose."""

import pytest
import yaml
from made.configs import compose
from made.paper import load

from celltype_cli.core import configs
from celltype_cli.runs.settings import Settings
from celltype_cli.studies.papers import jobs as paper_jobs
from celltype_cli.studies.papers.paper import PROFILES

FILE = configs.folder() / "paper" / "sts.yaml"
RECORDED = ["dataset=sts_features", "dataset.path=somewhere"]


@pytest.fixture(scope="module")
def paper():
    return load(FILE)


@pytest.fixture
def shared(shared_data):
    file = shared_data.parent / "papers" / "sts.yaml"
    if not file.is_file():
        pytest.skip(f"the facts of the paper are not at {file}")
    return yaml.safe_load(file.read_text())


def plans(paper, extra=()):
    """Every run of the paper, quick and full, once."""
    return [job for profile in PROFILES for job in paper_jobs.plan_jobs(paper, profile=profile, extra=extra)]


def test_published_scores_are_the_papers(paper, shared):
    found = {
        (metric, row.model): mean
        for table in paper.tables
        for row in table.rows
        for metric, (mean, sd) in row.published.items()
        if sd is None
    }
    results = shared["results"]
    expected = {("weighted_f1", model): value / 100 for model, value in results["weighted_f1"].items()}
    expected["balanced_accuracy", "inception_v3"] = results["balanced_accuracy"]["inception_v3"] / 100
    assert found == pytest.approx(expected)


def test_classes_and_backbones_are_the_papers(paper, shared):
    assert list(paper.classes) == shared["classes"]
    assert set(shared["backbones"]) <= {row.model for row in paper.tables[0].rows}


@pytest.mark.parametrize("extra", [[], RECORDED], ids=["simulated", "recorded"])
def test_every_run_composes_and_binds(paper, extra):
    jobs = {job.overrides: job for job in plans(paper, extra)}
    assert len(jobs) >= 18
    for overrides in jobs:
        cfg = compose("train", *overrides)
        configs.check(cfg, Settings)
        assert ("sts_features" in cfg.dataset._target_) == bool(extra)


def test_quick_needs_no_download_and_full_takes_imagenet(paper):
    networks = [job for job in plans(paper) if "model=scalogram_cnn" in job.overrides]
    for job in networks:
        random = job.profile == "quick"
        if job.row.model.startswith("efficientnet_lite0"):  # a package brings its weights
            random = job.row.model.endswith("_random")
        assert ("model.pretrained=false" in job.overrides) == random
        assert "dataset=patch_sim" in job.overrides


def test_weights_are_all_that_imagenet_and_random_rows_differ_by(paper):
    jobs = [job for job in plans(paper) if job.row.model.startswith("efficientnet_lite0")]
    imagenet, random = ({j.overrides for j in jobs if ("random" in j.row.model) == end} for end in (False, True))
    assert {tuple(o for o in overrides if o != "model.pretrained=false") for overrides in random} == imagenet
    assert len(imagenet) == len(random) == 4


def test_the_paper_is_trained_for_a_fixed_time_on_all_training_cells(paper):
    """So no row needs validation cells, which random splits do not leave."""
    for job in plans(paper):
        if "model=scalogram_cnn" in job.overrides:
            assert {"trainer.patience=null", "trainer.keep=last"} <= set(job.overrides)


def test_recorded_cells_follow_the_published_lists_three_times_and_then_animals_apart(paper):
    jobs = paper_jobs.plan_jobs(paper, profile="quick", tables=["recorded"], extra=RECORDED)
    for job in jobs:
        split = {override for override in job.overrides if override.startswith("split")}
        three = {"split=repeated", "split.times=3"}
        apart = {"split=grouped_kfold", "split.n_folds=5", "split.valid_fraction=0"}
        assert split == (three if job.split == "published" else apart)


def test_transfer_tests_one_source_and_trains_on_the_other(paper):
    jobs = paper_jobs.plan_jobs(paper, profile="full", tables=["transfer"], extra=RECORDED)
    for job in jobs:
        tested = job.row.name.split(",")[0].split(" to ")[1]
        assert {"split=other_source", f"split.source={tested}"} <= set(job.overrides)
