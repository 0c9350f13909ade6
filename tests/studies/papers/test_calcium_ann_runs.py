"""conf/paper/calcium_ann.yaml: every row plans runs that compose, at full size and at the quick one."""

from dataclasses import replace

import pytest
from hydra.errors import ConfigCompositionException
from made.configs import compose, shipped
from made.paper import load
from made.paper_settings import settings
from omegaconf import OmegaConf

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.runs.identity import run_identity
from celltype_cli.runs.settings import Settings
from celltype_cli.studies.papers import jobs as paper_jobs
from celltype_cli.studies.papers import launch
from celltype_cli.studies.papers.paper import PROFILES

FILE = configs.folder() / "paper" / "calcium_ann.yaml"


@pytest.fixture(scope="module")
def paper():
    return load(FILE)


@pytest.fixture(scope="module")
def composed():
    """Composes overrides of `celltype train` as the command does."""
    return lambda overrides: compose("train", *overrides)


def test_tables_have_their_rows(paper):
    counts = {table.key: [sum(row.model == model for row in table.rows if row.default)
                          for model in ("cnn1d", "rnn", "lstm")] for table in paper.tables}  # fmt: skip
    assert counts == {
        "table1": [8, 9, 9], "epochs": [3, 3, 3], "recurrent_dropout": [0, 2, 2], "table2": [1, 0, 0],
        "table3": [4, 4, 4], "table4": [1, 1, 1], "table5": [3, 3, 3], "new_dataset": [1, 1, 1], "fig2": [1, 1, 1],
        "fig3": [1, 1, 1], "fig4": [1, 1, 1], "laboratory": [3, 0, 0],
    }  # fmt: skip
    others = {table.key: [row.model for row in table.rows if row.model not in ("cnn1d", "rnn", "lstm")]
              for table in paper.tables}  # fmt: skip
    assert others.pop("table4") == ["svm_linear", "svm_rbf", "svm_poly", "adaboost"]
    assert others.pop("fig3") == ["svm_rbf", "adaboost"]
    assert others.pop("laboratory") == ["noise_and_mean_floor"] * 3 + ["forest"] * 3
    assert not any(others.values())


def test_cascade_stands_beside_its_null_on_the_same_folds(paper):
    """On CASCADE alone; what makes a row the null holds against the user's own choice of a subset."""
    extra = ["dataset=cascade", "dataset.path=somewhere", "dataset.subset=slice3"]
    jobs = paper_jobs.plan_jobs(paper, profile="full", tables=["laboratory"], extra=extra)
    asked = {job.row.name: {o for o in job.overrides if o.startswith("dataset")} for job in jobs}
    everywhere = {"dataset=cascade", "dataset.path=somewhere", "dataset.subset=all"}
    assert asked == {
        "cell types, chosen subset": {*extra},
        "cell types, all laboratories": everywhere | {"dataset.null=null"},
        "laboratories": everywhere | {"dataset.null=fake_classes"},
    }
    folds = {tuple(o for o in job.overrides if o.startswith("split")) for job in jobs if job.split == "grouped"}
    assert len(folds) == 1
    with pytest.raises(UserError, match="the rows of laboratory run on one dataset only, dataset=cascade"):
        paper_jobs.plan_jobs(paper, profile="full", tables=["laboratory"])
    assert "laboratory" not in {
        job.table for job in paper_jobs.plan_jobs(paper, profile="full", extra=["dataset=traces"])
    }


def test_folders_are_those_of_a_direct_composition(paper, composed):
    """Settings of values are applied to a shared composition, which must be what Hydra itself composes."""
    jobs = [job for job in paper_jobs.plan_jobs(paper, profile="quick", extra=["seed=3"]) if job.split == "grouped"]
    with shipped():
        found = launch.folders(jobs)
    assert len({folder.path for folder in found.values()}) == len({job.overrides for job in jobs})
    for job in (jobs[0], next(job for job in jobs if "dataset.timesteps=250" in job.overrides), jobs[-1]):
        direct = OmegaConf.to_container(composed(job.overrides), resolve=True)
        assert found[job].path.name.endswith(run_identity(direct))
    with shipped(), pytest.raises(ConfigCompositionException, match="Could not override 'model.dpeth'"):
        launch.folders([replace(jobs[0], overrides=(*jobs[0].overrides, "model.dpeth=3"))])


def form(job):
    """What decides whether a run composes and binds: the options it chooses, its settings and their types."""
    found = settings(job).items()
    return tuple((key, type(value) if "." in key.partition("@")[0] else value) for key, value in found)


@pytest.mark.parametrize("extra", [[], ["dataset=cascade", "dataset.path=somewhere", "seed=3"]], ids=["paper", "user"])
def test_every_run_composes_and_binds(paper, composed, extra):
    jobs = [job for profile in PROFILES for job in paper_jobs.plan_jobs(paper, profile=profile, extra=extra)]
    if not extra:
        off = {row.name for table in paper.tables for row in table.rows if not row.default}
        jobs += [job for profile in PROFILES for job in paper_jobs.plan_jobs(paper, profile=profile, rows=[*off])]
    for job in {form(job): job for job in jobs}.values():
        cfg = composed(job.overrides)
        configs.check(cfg, Settings)
        split = cfg.split.split if job.table in ("new_dataset", "fig4") else cfg.split
        assert split._target_.endswith("shuffle" if job.split == "published" else "grouped_kfold"), job


def test_quick_keeps_the_ratios(paper):
    def by_row(key, setting):
        """Full over quick, of each row with the paper's split."""
        found = {profile: {(job.row.model, job.row.name): settings(job).get(setting) for job in
                           paper_jobs.plan_jobs(paper, profile=profile, tables=[key]) if job.split == "published"}
                 for profile in PROFILES}  # fmt: skip
        return [(full, found["quick"][row]) for row, full in found["full"].items()]

    for full, quick in by_row("table3", "split.train"):
        assert {c: n / 4 for c, n in full.items()} == pytest.approx(quick, abs=0.5)
    assert [quick for _, quick in by_row("table5", "dataset.timesteps")] == [250, 500, 1000] * 3
    epochs = by_row("epochs", "trainer.epochs")
    assert [full for full, _ in epochs] == [20, 60, 100] * 3
    assert [quick for _, quick in epochs] == [3, 9, 15] + [10, 30, 50] * 2
