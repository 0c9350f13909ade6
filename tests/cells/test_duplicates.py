"""Copies are found by their values alone, whatever was done to them, and different cells are never taken for copies."""

import time
from dataclasses import replace

import numpy as np
import pytest
from made import configs

from celltype_cli.cells import alike
from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import Cells

RNG = np.random.default_rng(3)


def smooth(n, length):
    """Noise of which neighbouring samples go together."""
    return np.apply_along_axis(np.convolve, 1, RNG.normal(size=(n, length + 9)), np.ones(10) / 10, "valid")


def cells(cell_id=None, label=None, group=None, about=None, **inputs) -> Cells:
    n = len(next(iter(inputs.values())))
    return Cells(
        inputs,
        np.zeros(n, int) if label is None else np.array(label),
        np.array([f"c{k}" for k in range(n)]) if cell_id is None else np.array(cell_id),
        np.array([f"m{k}" for k in range(n)]) if group is None else np.array(group),
        ("PV", "SOM"),
        about or About("toy", group="animal", inputs={"features": Input(columns=tuple(f"f{k}" for k in range(12)))}),
    )


def found(made):
    """Each set of copies: its cells, and how they are alike."""
    return list(zip(made.copies.sets(made.cell_id), made.copies.how, strict=True))


TRACES = smooth(20, 300)
CHANGES = {
    "identical values": lambda x: x,
    "equal but for rounding": lambda x: x * (1 + 2e-7),
    "rescaled": lambda x: 0.01 * x + 5,
    "shifted by 1 sample": lambda x: np.append(x[1:], 7),
    "shifted by 20 samples": lambda x: np.append(RNG.normal(size=20), x[:-20]),
    "rescaled and shifted by 3 samples": lambda x: np.append(-2 * x[3:], [1, 0, 1]),
}


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_changed_copy_of_a_trace_is_found(how, dtype):
    trace = TRACES.copy()
    trace[7] = CHANGES[how](trace[3])
    expected = "identical values" if how == "equal but for rounding" and dtype == np.float32 else how
    [(ids, words)] = found(cells(trace=trace[:, None].astype(dtype)))
    assert ids == ["c3", "c7"] and (words == expected or dtype == np.float32 and words == how)


@pytest.mark.parametrize("shift", [1, 37, 150, 299])
def test_windows_of_a_copy_that_begins_later(shift):
    long = smooth(6, 2000)
    rows = [part[k : k + 300] for part in (*long, long[2, shift:]) for k in range(0, 1500, 300)]
    made = cells(np.repeat([f"c{k}" for k in range(7)], 5), trace=np.array(rows), group=np.repeat(range(7), 5))
    [(ids, words)] = found(made)
    assert ids == ["c2", "c6"] and "shifted" in words


def test_a_recording_that_was_aligned_and_filled_up_is_found():
    """Waveforms aligned at their trough, the last value held to the end: of the copy one sample fewer was recorded."""
    rng = np.random.default_rng(0)
    waves = rng.normal(size=(30, 1, 90)).cumsum(axis=2)
    copy = waves[0] + 0
    waves[0, :, 85:], copy[:, 84:] = waves[0, :, 84:85], copy[:, 83:84]
    assert list(alike.pairs(np.concatenate([waves, copy[None]]), np.arange(31), table=False)) == [
        (0, 30, "equal but for rounding")
    ]
    flat = np.zeros((2, 1, 90))
    flat[0, 0, 40:44], flat[1, 0, 40:44] = (1, 3, 2, 1), (2, 6, 4, 2)  # nearly nothing was recorded
    assert not list(alike.pairs(flat, np.arange(2), table=False))


def test_images_are_compared_along_time():
    image = np.stack([smooth(8, 80) for _ in range(6)])[:, None]
    image[4, ..., 2:] = 3 * image[1, ..., :-2]
    [(ids, words)] = found(cells(scalogram=image))
    assert ids == ["c1", "c4"] and words == "rescaled and shifted by 2 samples"


def test_tables_with_columns_that_were_not_measured():
    table = RNG.lognormal(size=(200, 12)) * 10.0 ** np.arange(-4, 8) / 100
    table[RNG.random(table.shape) < 0.2] = np.nan
    table[20], table[30], table[40] = table[2], table[3] * (1 + 2e-7), table[4] * 5 + 1
    table[50] = np.where(np.arange(12) == np.flatnonzero(np.isfinite(table[5]))[0], np.nan, table[5])  # another row
    assert found(cells(features=table)) == [
        (["c2", "c20"], "identical values"),
        (["c3", "c30"], "equal but for rounding"),
        (["c4", "c40"], "rescaled"),
    ]


def test_a_table_of_few_columns_is_compared_as_it_is():
    table = RNG.normal(size=(500, 3))
    table[9], table[8] = table[2] * (1 + 2e-7), 2 * table[1]
    few = replace(cells(features=RNG.normal(size=(500, 12))).about, inputs={"features": Input(columns=tuple("abc"))})
    assert found(cells(features=table, about=few)) == [(["c2", "c9"], "equal but for rounding")]


def test_the_same_spike_train_beside_another_waveform():
    spikes = (RNG.random((40, 500)) < 0.03).astype(np.float32)
    spikes[8, 4:] = spikes[3, :-4]
    spikes[9] = spikes[2]
    made = cells(train=spikes, waveform=RNG.normal(size=(40, 50)))
    assert found(made) == [
        (["c2", "c9"], "equal but for rounding in train"),
        (["c3", "c8"], "shifted by 4 samples in train"),
    ]


def test_silence_has_no_copies():
    trace = smooth(12, 300)
    trace[:4] = 0
    trace[4:8] = 0
    trace[[4, 5], 100] = 1  # one event
    silent = cells(trace=trace)
    assert not silent.copies
    assert silent.noted().about.notes == ("8 cells have rows that are equal because hardly anything varies in them",)
    assert not cells(value=np.repeat([[1.0], [2.0]], 5, axis=0)).copies  # a single number says nothing


def test_rows_of_one_cell_may_be_alike():
    trace = smooth(4, 300)
    trace[1] = trace[0]
    assert not cells(["a", "a", "b", "c"], group=["m", "m", "n", "o"], trace=trace).copies


def test_many_copies_are_one_set_and_parts_keep_what_was_found():
    trace = smooth(30, 100)
    trace[10:] = trace[0]
    made = cells(trace=trace)
    [(ids, _)] = found(made)
    assert ids == ["c0", *(f"c{k}" for k in range(10, 30))]
    part = made[np.array([0, 1, 12])]
    assert part.copies.code.tolist() == [0, -1, 0] and part.copies.sets(part.cell_id) == [["c0", "c12"]]
    assert part.linked_group[0] == part.linked_group[2] != part.linked_group[1]


def test_notes_name_copies_animals_and_labels_that_contradict():
    trace = smooth(6, 100)
    trace[3], trace[4] = trace[0], trace[1]
    made = cells(trace=trace, label=[0, 0, 0, 1, -1, 1], group=["m1", "m2", "m3", "m4", "m2", "m5"]).noted()
    assert made.about.notes == (
        "4 cells hold a recording that another holds too: c0 = c3 (identical values); c1 = c4 (identical values)",
        "where animals are kept apart, those with copies count as one: m1 + m4",
        "copies with different labels, of which one is wrong: c0 (PV) = c3 (SOM)",
    )
    assert not made[np.array([], int)].copies and not cells(trace=smooth(1, 100)).copies
    assert not cells(trace=trace)[np.array([], int)].copies
    clean = cells(trace=smooth(3, 100))
    assert clean.noted() is clean


def test_ten_thousand_traces_take_seconds():
    made = cells(trace=RNG.normal(size=(10_000, 480)).cumsum(axis=1))
    made.row_digests  # noqa: B018 - not what is timed
    begun = time.process_time()
    assert not made.copies
    assert time.process_time() - begun < 10  # 1.4 s on one core; others may be busy


def test_simulated_cells_are_different():
    assert not configs.cells("calcium_sim", timesteps=400, cells_per_class=60).copies


@pytest.mark.parametrize("feature_set", ["recipe", "two_sweep", "all"])
def test_real_cells_of_the_sts_paper_are_different(shared_data, feature_set):
    made = configs.cells("sts_features", path=shared_data / "patch_clamp" / "sts", feature_set=feature_set)
    assert not made.copies  # the excerpt lacks one of the pair


def test_real_traces_are_different(shared_data):
    file = shared_data / "calcium" / "cascade_celltypes.h5"
    made = configs.cells("traces", path=file, timesteps=480, sampling_rate=7.5, too_short="drop")
    assert len(made) > 2000 and not made.copies
    trace = made.inputs["trace"].copy()
    copied = np.flatnonzero(made.cell_id != made.cell_id[40])[-1]
    trace[copied, :, 5:] = 3 * trace[40, :, :-5] + 1
    [(ids, words)] = found(replace(made, inputs={"trace": trace}))
    assert len(ids) == 2 and words == "rescaled and shifted by 5 samples"


def test_the_pair_that_real_units_hold_is_found(shared_data):
    units = np.load(shared_data / "extracellular" / "cellexplorer" / "cellexplorer_ground_truth.npz")
    for name in ("waveform_z46", "acg_wide_hz", "isi_log", "features"):
        values = units[name]
        ids = np.flatnonzero(np.isfinite(values).all(axis=1)).astype(str)
        [(pair, words)] = found(cells(ids, trace=values[np.isfinite(values).all(axis=1)]))
        assert pair == ["14", "15"] and words == "identical values"
