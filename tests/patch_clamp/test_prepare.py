"""Cells of current-clamp recordings: what is kept of a recording, and the examples made of it."""

from dataclasses import replace

import numpy as np
import pytest

from celltype_cli.cells.cells import UNLABELLED, About, Axis
from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp import prepare, scalograms
from celltype_cli.patch_clamp.prepare import CLASSES, PatchedCell, axes, measure, to_cells
from celltype_cli.patch_clamp.recording import RecordedCell, Sweep

RATE, ONSET = 4000.0, 1000  # Hz; samples
NAN = float("nan")


def sweep(number, amplitude, *spikes, seconds=1.0):
    """A step from 0.25 s on, at -70 mV, with spikes of three samples at these samples after the onset."""
    voltage, current = np.full(6000, -70, np.float32), np.zeros(6000, np.float32)
    current[ONSET : ONSET + round(seconds * RATE)] = amplitude
    for spike in spikes:
        voltage[ONSET + spike - 1 : ONSET + spike + 2] = (-20, 30, -20)
    return Sweep(voltage, current, RATE, number)


def recorded(seconds=1.0):
    sweeps = (sweep(0, 50, seconds=seconds), sweep(1, 70, 600, seconds=seconds), sweep(2, 110, 40, 80, seconds=seconds))
    return RecordedCell("a", sweeps)


@pytest.fixture
def stand_in(monkeypatch):
    """In place of the features: the amplitudes chosen, what was asked for, and the sweeps at hand."""
    monkeypatch.setattr(
        prepare,
        "measured_features",
        lambda two, kind, sweeps: {
            f"rheobase {kind} (pA)": two.rheobase.step.amplitude_pA,
            f"hero {kind} (pA)": two.hero.step.amplitude_pA,
            "sweeps": float(len(sweeps)),
        },
    )


def test_measure_keeps_two_windows(stand_in):
    cell = measure(recorded(), label="Sst", group="m1", source="lab", features="long_square")
    assert (cell.cell_id, cell.label, cell.group, cell.source) == ("a", "Sst", "m1", "lab")
    assert cell.features == {"rheobase long_square (pA)": 70, "hero long_square (pA)": 110, "sweeps": 3}
    expected = np.zeros((2, 4800), np.float32)  # mV above the level at both ends; the onset is sample 400
    expected[0, 999:1002] = (50, 100, 50)
    expected[1, [439, 440, 441, 479, 480, 481]] = 2 * (50, 100, 50)
    assert np.array_equal(cell.windows, expected)


def test_measure_of_steps_of_half_a_second_without_features():
    cell = measure(recorded(seconds=0.5), features=None, duration_s=0.5)
    assert cell.features == {}
    assert cell.windows.shape == (2, 2800)
    assert np.argmax(cell.windows[0]) == 1000
    with pytest.raises(UserError, match="none of its 3 sweeps is a long square of 1 s"):
        measure(recorded(seconds=0.5), features=None)


def test_measure_says_why_a_cell_has_not_both_sweeps():
    one = replace(recorded(), sweeps=recorded().sweeps[:2])
    with pytest.raises(UserError, match="no spiking long square between 109 and 131 pA"):
        measure(one, features=None)
    near = RecordedCell("a", (*one.sweeps, sweep(5, 90, 100)))
    with pytest.raises(UserError, match="others that spike: 90 pA"):
        measure(near, features=None)
    assert measure(near, features=None, hero_pA=(10.0, 30.0)).windows.shape == (2, 4800)


# ------------------------------------------------------------------------------------------------------- from cells on

WINDOWS = np.random.default_rng(0).normal(size=(2, 4800)).astype(np.float32)
ONE = PatchedCell("a", "Sst", "m1", "lab", WINDOWS, {"tau (ms)": 12.5, "sag": NAN, "never": NAN})
TWO = PatchedCell("b", "", "", "", WINDOWS[::-1].copy(), {"tau (ms)": NAN, "ri (MOhm)": 150, "sag": 0.25})


def made(cells, tmp_path, about=None, inputs=("features",), **changes):
    settings = {"size": [6, 8], "cache": tmp_path, **changes}
    return to_cells(cells, about=about or About("toy", notes=("before",)), inputs=inputs, **settings)


def test_features_labels_and_groups(tmp_path):
    cells = made([ONE, TWO], tmp_path)
    assert cells.about.features == ("tau (ms)", "sag", "ri (MOhm)")
    expected = np.array([[12.5, NAN, NAN], [NAN, 0.25, 150]], np.float32)
    assert np.array_equal(cells.inputs["features"], expected, equal_nan=True)
    assert cells.inputs["features"].dtype == np.float32
    assert (cells.classes, cells.label.tolist()) == (CLASSES, [3, UNLABELLED])
    assert (cells.cell_id.tolist(), cells.group.tolist()) == (["a", "b"], ["m1", "b"])
    assert cells.source.tolist() == ["lab", ""]
    assert cells.about.notes[:2] == ("before", "features left out, measured of no cell (1): never")
    assert cells.about.notes[2] == "1 of 2 cells have no label and count for no score"
    assert cells.about.notes[3].startswith("the donor of 1 of 2 cells is unknown")
    assert list(tmp_path.iterdir()) == []


def test_scalograms(tmp_path):
    cells = made([ONE, TWO], tmp_path, inputs=["scalogram", "features"], size=[5, 9])
    images = cells.inputs["scalogram"]
    assert (images.shape, images.dtype) == ((2, 2, 5, 9), np.float32)
    assert isinstance(images, np.memmap)
    # A product of matrices may round otherwise where a window stands in another row.
    assert np.allclose(images[0], scalograms.scalogram(WINDOWS, size=(5, 9)), rtol=1e-5)
    assert np.allclose(images[1], images[0][::-1], rtol=1e-5)
    assert cells.about.axes == {"scalogram": axes(4800, [5, 9])}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("timesteps", "size", "first", "last"),
    [
        (4800, (180, 4800), (20.0, -100.0), (199.0, 1099.75)),  # nothing is resized: samples of 0.25 ms
        (4800, (90, 2400), (20.5, -99.875), (198.5, 1099.625)),  # a pixel is the mean of two
        (2800, (90, 700), (20.5, -99.625), (198.5, 599.375)),  # of the middle two of four
        (4800, (224, 48), (20.0, -87.625), (199.0, 1087.375)),  # more rows than there are: never beyond their ends
    ],
)
def test_axes_are_at_the_centres_of_pixels(timesteps, size, first, last):
    frequency, time = axes(timesteps, size)
    assert (frequency.name, frequency.unit, time.unit) == ("frequency", "Hz", "ms")
    assert (frequency.first, time.first) == pytest.approx(first)
    assert (frequency.last, time.last) == pytest.approx(last)
    assert isinstance(time, Axis)


def test_what_a_donor_note_needs(tmp_path):
    labelled = replace(TWO, label="Sst")
    simulated = made([ONE, labelled], tmp_path, about=About("toy", simulated=True), inputs=["scalogram"])
    assert simulated.about.notes == ()
    assert made([ONE], tmp_path, about=About("toy"), inputs=["scalogram"]).about.notes == ()


def test_which_cells_have_a_ramp_is_told_by_class(tmp_path):
    """Where those of one class have none, a model may tell the class by that."""
    ramp = {"threshold_v_ramp (mV)": -40.0}
    cells = [replace(ONE, cell_id=f"c{k}", label=label, features=ONE.features | (ramp if k < 2 else {}))
             for k, label in enumerate(["Pvalb", "Pvalb", "Pvalb", "Sst"])]  # fmt: skip
    told = "features of a ramp are known of 2 of 4 cells: Pvalb 2 of 3, Sst 0 of 1"
    assert told in made(cells, tmp_path).about.notes
    assert not [note for note in made(cells[:2], tmp_path).about.notes if "ramp" in note]


def test_sources_that_give_the_label_away_are_told(tmp_path):
    other = replace(TWO, label="Pvalb", group="m2", source="other lab")
    note = made([ONE, other], tmp_path).about.notes[-1]
    assert note.startswith("label and laboratory coincide: 2 of 2 cells")


def test_all_faults_at_once(tmp_path):
    cells = [replace(ONE, label="Pvlab"), ONE, replace(TWO, cell_id="", windows=WINDOWS[:, :2800])]
    with pytest.raises(UserError) as error:
        made(cells, tmp_path)
    said = str(error.value)
    assert "dataset toy cannot be used" in said
    assert "label 'Pvlab' is none of Pvalb, Excitatory, Vip/Lamp5, Sst; nearest: Pvalb; correct it" in said
    assert "cell a occurs 2 times" in said
    assert "the cell_id of 1 cells is empty" in said
    assert "windows differ in length (1.2 s in 2 cells, 0.7 s in 1 cells)" in said


@pytest.mark.parametrize(
    ("cells", "inputs", "message"),
    [
        ([], ["features"], "dataset toy cannot be used:\n  it holds no cell"),
        ([ONE], [], r"dataset\.inputs is empty; expected one or both of features, scalogram"),
        ([ONE], ["scalograms"], "dataset.inputs=scalograms is none of features, scalogram; nearest: scalogram"),
        ([replace(ONE, features={"sag": NAN})], ["features"], "no feature was measured of any of its 1 cells"),
        ([replace(ONE, features={"sag": np.inf})], ["features"], "cell a: features has 1 values that are not finite"),
    ],
)
def test_what_makes_no_examples(tmp_path, cells, inputs, message):
    with pytest.raises(UserError, match=message):
        made(cells, tmp_path, inputs=inputs)


def test_other_classes(tmp_path):
    cells = made([replace(ONE, label="L5 ET"), TWO], tmp_path, classes=["L4", "L5 ET"])
    assert (cells.classes, cells.label.tolist()) == (("L4", "L5 ET"), [1, UNLABELLED])
