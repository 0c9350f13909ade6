"""What a list of runs says: sizes, conditions, order, and the settings that differ."""

import pytest
import yaml
from made.runs import fake_run

from celltype_cli.core.messages import UserError
from celltype_cli.runs.listed import chosen, differing, in_words, listed, ordered, pair

CONFIG = {"dataset": {"_target_": "x", "cells": 10}, "model": {"width": 3}, "trainer": {"lr": 0.001}, "outputs": "here"}


def made(outputs, name, accuracy, config=CONFIG, **changes):
    folder = fake_run(outputs / "runs" / name, [accuracy], **{"per_class": 5} | changes)
    (folder.path / "config.yaml").write_text(yaml.safe_dump({**CONFIG, **config}))
    return folder


def relabelled(folder, **labels):
    facts = folder.facts()
    folder._json("run.json", {**facts, "labels": {**facts["labels"], **labels}})


@pytest.fixture
def three(tmp_path):
    """Two runs of one model that differ in a rate and in their place, and a larger one of another model."""
    made(tmp_path, "a-1", 0.5, {"trainer": {"lr": 0.01}, "outputs": "elsewhere"})
    made(tmp_path, "b-2", 1.0)
    other = made(tmp_path, "c-3", 0.25, {"model": {"trees": 500}, "trainer": {"scale": True}}, seed=1)
    relabelled(other, model="forest", trainer="sklearn")
    (other.path / "fold_0" / "model").mkdir()
    (other.path / "fold_0" / "model" / "weights").write_bytes(bytes(5000))
    (other.path / "fold_0" / "supervised-last.ckpt").write_bytes(bytes(3000))
    return listed(tmp_path)[0]


def names(runs):
    return [run.name for run in runs]


def test_conditions_are_settings_labels_or_the_state(three):
    assert names(chosen(three, ["model=forest"])) == ["c-3"]
    assert names(chosen(three, ["trainer.lr=1e-3"])) == ["b-2"]  # as a number
    assert names(chosen(three, ["seed=0", "status=finished"])) == ["a-1", "b-2"]
    assert names(chosen(three, ["model=m,forest", "seed=1"])) == ["c-3"]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("modle=forest", "modle is no setting of these runs; nearest: model"),
        ("model=forst", "no run has model=forst; nearest: forest; there are: forest, m"),
        ("status=running", "there are: finished"),
    ],
)
def test_conditions_that_fit_nothing_say_what_there_is(three, condition, said):
    with pytest.raises(UserError, match=said):
        chosen(three, [condition])


def test_order(three):
    assert names(ordered(three, "score")) == ["b-2", "a-1", "c-3"]
    assert names(ordered(three, "size"))[0] == "c-3"
    assert names(ordered(three[::-1], "name")) == ["a-1", "b-2", "c-3"]


def test_what_differs_is_compared_where_it_could_be_alike(three):
    assert differing(three) == ["model", "seed", "trainer.lr"]  # not trees, scale or width, nor outputs
    assert differing(three[1:]) == ["model", "seed"]
    assert differing(three[:1]) == []
    assert pair("model.layers", ["conv", "pool"]) == "model.layers=[conv,pool]"
    assert pair("trainer.patience", None) == "trainer.patience=null"


def test_sizes(three):
    sizes = three[2].bytes
    assert sizes["models"] == 5000 and sizes["checkpoints"] == 3000
    assert sizes["all"] > three[1].bytes["all"] > 0
    told = [in_words(n) for n in (0, 999, 1000, 12_400, 999_600, 2_500_000, 3e9)]
    assert told == ["0 B", "999 B", "1.0 kB", "12 kB", "1.0 MB", "2.5 MB", "3.0 GB"]
