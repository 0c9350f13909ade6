"""conf/paper/c4.yaml: figures of others are as they are known, and every row plans runs that compose."""

import pytest
import yaml
from made.configs import compose
from made.paper import load

from celltype_cli.core import configs
from celltype_cli.extracellular.features import FEATURES
from celltype_cli.models.fusion import CODED
from celltype_cli.runs.settings import Settings
from celltype_cli.studies.papers import jobs as paper_jobs
from celltype_cli.studies.papers.paper import PROFILES

FILE = configs.folder() / "paper" / "c4.yaml"
RECORDED = ["dataset=units", "dataset.path=somewhere"]


@pytest.fixture(scope="module")
def paper():
    return load(FILE)


@pytest.fixture
def shared(shared_data):
    file = shared_data.parent / "papers" / "c4.yaml"
    if not file.is_file():
        pytest.skip(f"the facts of the paper are not at {file}")
    return yaml.safe_load(file.read_text())


def of_others(paper, table, name, data):
    [table] = [one for one in paper.tables if one.key == table]
    return [other.scores for other in table.others if other.name == name and other.data.startswith(data)]


def test_figures_of_others_are_theirs(paper, shared):
    printed = shared["results"]["elsewhere"]["hull_random_5_fold_balanced_accuracy"]
    counted = shared["peers_measured"]
    assert of_others(paper, "units", "PhysMAP", "hull")[0]["balanced_accuracy"] == printed["PhysMAP"]
    of_nemo = [scores["balanced_accuracy"] for scores in of_others(paper, "units", "NEMO", "hull")]
    assert of_nemo == [printed["NEMO"], counted["hull_101_units"]["NEMO"]]
    for name, key in (("HIPPIE", "HIPPIE"), ("VAE", "VAE"), ("waveform and random forest", "waveform_forest")):
        [scores] = of_others(paper, "units", name, "hull")
        assert scores["balanced_accuracy"] == counted["hull_101_units"][key]
    [scores] = of_others(paper, "laboratories", "NEMO with MLP", "macaque to hull")
    known = counted["macaque_to_hull"]["NEMO_mlp"]
    assert scores == {"balanced_accuracy": known["balanced"], "accuracy": known["accuracy"]}
    [scores] = of_others(paper, "laboratories", "PhysMAP on autocorrelograms", "hull to macaque")
    assert scores["balanced_accuracy"] == counted["hull_to_macaque"]["PhysMAP_acg_only"]


def test_classes_are_the_papers(paper, shared):
    assert {*paper.classes} == {*shared["classes"]}


@pytest.mark.parametrize("extra", [[], RECORDED], ids=["simulated", "recorded"])
def test_every_run_composes_and_binds(paper, extra):
    jobs = [job for profile in PROFILES for job in paper_jobs.plan_jobs(paper, profile=profile, extra=extra)]
    plans = {job.overrides: job for job in jobs}
    assert len(plans) >= 18
    for overrides, job in plans.items():
        cfg = compose("train", *overrides)
        configs.check(cfg, Settings)
        assert ("simulator" in cfg.dataset._target_) != bool(extra)
        assert {*(cfg.trainer.get("columns") or ())} <= {*FEATURES}
        inputs = {*cfg.prepare.inputs}
        assert inputs & {*CODED} if job.row.model.startswith("fusion") else inputs >= {*cfg.trainer.inputs}
        if job.row.model.startswith("fusion") and not job.row.overrides:
            expected = ["waveform", "correlogram", "isi"] if extra else ["waveform", "acg", "layer"]
            assert [*cfg.prepare.inputs] == expected
