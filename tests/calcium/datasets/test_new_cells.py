"""New cells are joined under names of their own, tested in every fold and never trained on."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from made.configs import compose

from celltype_cli.calcium.datasets import new_cells
from celltype_cli.calcium.recording import Recording
from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.runs.build import cells_of
from celltype_cli.splits import grouped, shuffled
from celltype_cli.splits.folds import LeakageError, checked
from celltype_cli.splits.wrapped import with_new

SHUFFLE = partial(shuffled.shuffle, n_splits=2, train=0.5, test=0.5, unit="cell", monitor=False)
GROUPED = partial(grouped.grouped_kfold, n_folds=2, valid_fraction=0)


def traces(label, classes, timesteps, *, first=0, rate=30.0, simulated=False):
    """Cells c0, c1 ... in animals a0, a1, a0 ...; the samples count up from `first`."""
    trace = first + np.arange(len(label) * timesteps, dtype="f4").reshape(len(label), timesteps)
    names = (*classes, "")  # UNLABELLED is the last
    entries = [Recording(f"c{i}", names[k], f"a{i // 2 % 2}", (trace[i],), rate) for i, k in enumerate(label)]
    about = About("lab", simulated=simulated, citation="Lab 2020", notes=("a note",), group="animal")
    return Recordings(entries, about, classes)


def join(**parts):
    """The cells of both, by the prepare that the dataset's config chooses; the samples count, as dF/F does not."""
    cfg = compose("data", "dataset=calcium_sim_new", "prepare.implausible=keep")
    return configs.build(cfg.prepare)(new_cells.load(**parts))


@pytest.fixture
def joined():
    known = traces([0, 1, 0, 1, 0, 1, 0, 1], ("PY", "PV"), 4)
    return join(known=known, new=traces([0, 0, UNLABELLED], ("PV",), 3, first=100, simulated=True))


def test_traces_are_cut_and_labels_follow_the_names_of_classes(joined):
    assert joined.classes == ("PY", "PV")
    assert joined.inputs["trace"].shape == (11, 1, 3)
    assert joined.inputs["trace"][1, 0].tolist() == [4, 5, 6]  # the second known trace is 4 5 6 7
    assert joined.inputs["trace"][9, 0].tolist() == [103, 104, 105]
    assert joined.label.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 1, 1, UNLABELLED]
    assert joined.source.tolist() == ["known"] * 8 + ["new"] * 3


def test_names_of_the_two_parts_differ(joined):
    assert joined.cell_id[[0, 8]].tolist() == ["known_c0", "new_c0"]
    assert {*joined.group} == {"known_a0", "known_a1", "new_a0", "new_a1"}
    assert joined.n_cells == 11


def test_the_result_says_what_it_is(joined):
    assert joined.about.name == "lab with new cells of lab"
    assert joined.about.simulated  # since a part of it is
    assert joined.about.citation == "Lab 2020"
    assert joined.about.group == "animal"
    assert joined.about.notes == (
        "a note",
        "3 new cells of lab (simulated) are tested only",
        "traces are cut to the shortest, 3 samples",
        "1 of 11 cells have no label and count for no score",
        "2 of 10 cells come from sources that hold one class only, where a score may measure the laboratory and not "
        "the cell type (new: PV (2))",
    )


def test_parts_that_do_not_agree_are_refused():
    known = traces([0, 1], ("PY", "PV"), 4)
    new = traces([0, 1], ("VIP", "PV"), 3, rate=7.5)
    with pytest.raises(UserError, match="dataset.new has the classes VIP, expected some of PY, PV"):
        new_cells.load(known=known, new=new)
    with pytest.raises(UserError) as error:
        new_cells.load(known=replace(known, entries=[], classes=None), new=replace(new, entries=[]))
    assert "dataset.known has no cells" in str(error.value)
    assert "dataset.new has no cells" in str(error.value)
    with pytest.raises(UserError, match=r"rates differ: 7.5 Hz in cell new_c0, 30 Hz in cell known_c0; set prepare\."):
        join(known=known, new=traces([1, 1], ("VIP", "PV"), 3, rate=7.5))
    unused = join(known=known, new=traces([1, 1], ("VIP", "PV"), 4, first=50))
    assert unused.label.tolist() == [0, 1, 1, 1]  # a class without cells does no harm


def test_other_kinds_of_recording_are_refused():
    class Sweeps:
        cell_id, label, group, source, file = "s1", "PV", "", "", ""

    known = traces([0, 1], ("PY", "PV"), 4)
    with pytest.raises(UserError, match="dataset.new takes calcium traces; lab gives others, the first cell s1"):
        new_cells.load(known=known, new=replace(known, entries=[Sweeps()]))


@pytest.mark.parametrize("split", [SHUFFLE, GROUPED], ids=["shuffle", "grouped"])
def test_new_cells_are_tested_in_every_fold_and_never_train(joined, split):
    folds = checked(joined, with_new(joined, split=split, source="new", seed=3))
    inner = [*split(joined[np.arange(8)], seed=3)]
    assert len(folds) == 2
    for fold, without in zip(folds, inner, strict=True):
        assert fold.train.tolist() == without.train.tolist()
        assert fold.test.tolist() == [*without.test.tolist(), 8, 9]  # row 10 has no label
        assert len(without.test) == 4
        assert "2 new rows are tested in every fold" in fold.note
        assert fold.shares == without.shares


def test_rows_keep_their_place_when_new_ones_stand_first(joined):
    turned = joined[np.arange(11)[::-1]]
    for fold in checked(turned, with_new(turned, split=GROUPED, source="new", seed=0)):
        assert {*turned.source[fold.train]} == {"known"}
        assert {1, 2} <= {*fold.test.tolist()}
        assert 0 not in fold.test


def test_watched_test_cells_include_the_new(joined):
    watched = partial(SHUFFLE, monitor=True)
    for fold in checked(joined, with_new(joined, split=watched, source="new", seed=0)):
        assert fold.monitored
        assert fold.valid.tolist() == fold.test.tolist()


def test_validation_is_of_known_cells(joined):
    known = traces([0, 1] * 8, ("PY", "PV"), 4)
    known = replace(known, entries=[replace(r, group=f"a{i // 2}") for i, r in enumerate(known.entries)])
    both = join(known=known, new=traces([0], ("PV",), 4, first=500))
    split = partial(grouped.grouped_kfold, n_folds=2, valid_fraction=0.25)
    for fold in checked(both, with_new(both, split=split, source="new", seed=0)):
        assert len(fold.valid) == 2
        assert {*both.source[fold.valid]} == {"known"}


def test_a_new_cell_of_a_known_animal_is_a_leak(joined):
    group = joined.group.copy()
    group[8] = "known_a0"
    leaking = replace(joined, group=group)
    with pytest.raises(LeakageError, match="group known_a0 has new and known rows"):
        [*with_new(leaking, split=SHUFFLE, source="new", seed=0)]  # though shuffle shares animals among known cells


def test_equal_traces_in_both_parts_are_a_leak():
    known = traces([0, 1] * 4, ("PY", "PV"), 4)
    both = join(known=known, new=known)
    with pytest.raises(LeakageError, match="of the copies .*identical values.* some are new and some known"):
        checked(both, with_new(both, split=SHUFFLE, source="new", seed=0))


def test_the_config_splits_so(joined):
    """With the options as shipped, random or with the known animals kept apart."""
    random, apart = (
        compose("train", "split=with_new_cells", *chosen).split
        for chosen in (["split.split.train=0.5", "split.split.test=0.5"],
                       ["split@split.split=grouped_kfold", "split.split.n_folds=2"])
    )  # fmt: skip
    assert len(checked(joined, configs.build(random)(joined, seed=0))) == 10
    for fold in checked(joined, configs.build(apart)(joined, seed=0)):
        assert {8, 9} <= {*fold.test.tolist()}
        assert not {*joined.group[fold.train]} & {*joined.group[fold.test]}


def test_two_simulated_laboratories_are_joined():
    """A small calcium_sim_new: names differ, the length is the shorter, the second laboratory is another one."""
    sizes = "{PY:2,PV:2,SOM:2,VIP:2}"
    cfg = compose("train", "dataset=calcium_sim_new", f"dataset.known.cells_per_class={sizes}",
                  "dataset.known.timesteps=200", "dataset.new.timesteps=150")  # fmt: skip
    parts = (cfg.dataset.new, cfg.dataset.known)
    assert parts[0].seed != parts[1].seed
    running = [part.running.on_s / (part.running.on_s + part.running.off_s) for part in parts]
    assert running[0] < running[1]
    data = cells_of(cfg)
    assert data.inputs["trace"].shape == (8 + 91 + 28, 1, 150)
    counts = {name: int((data.label[data.source == "new"] == c).sum()) for c, name in enumerate(data.classes)}
    assert counts == {"PY": 0, "PV": 28, "SOM": 91, "VIP": 0}
    assert not {*data.group[data.source == "new"]} & {*data.group[data.source == "known"]}
    assert data.about.simulated


def test_a_source_that_is_not_there_is_said(joined):
    for source, data in {"newer": joined, "known": joined[np.arange(8)]}.items():
        with pytest.raises(UserError, match=f"split.source={source}: .* has the sources 'known'"):
            [*with_new(data, split=SHUFFLE, source=source, seed=0)]
