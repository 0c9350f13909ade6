"""The examples made of what was measured of current-clamp recordings."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from made.configs import described

from celltype_cli.cells.about import About, Axis
from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp import prepare, scalograms, wide_scalograms
from celltype_cli.patch_clamp.measure import Found, Measured
from celltype_cli.patch_clamp.prepare import scalogram_input
from celltype_cli.patch_clamp.recording import CLASSES, Entry

NAN = float("nan")
WINDOWS = np.random.default_rng(0).normal(size=(2, 4800)).astype(np.float32)


def unread():
    raise AssertionError("what was measured is given")


def entry(name, label="", **known):
    return Entry(cell_id=name, label=label, **known, read=unread, made_of=name)


TOY = About("toy", notes=("before",), group="donor")
ONE = entry("a", "Sst", group="m1", source="lab"), Measured(WINDOWS, {"tau (ms)": 12.5, "sag": NAN, "never": NAN})
TWO = entry("b"), Measured(WINDOWS[::-1].copy(), {"tau (ms)": NAN, "ri (MOhm)": 150, "sag": 0.25})


def labelled(pair, **changes):
    return replace(pair[0], **changes), pair[1]


def measuring(pair, **features):
    return pair[0], replace(pair[1], features=features)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Makes cells of (entry, what was measured), with the settings of the shipped config but for the changes."""

    def made(*pairs, about=TOY, classes=CLASSES, left_out=(), **changes):
        asked = []
        found = Found([*pairs], [*left_out], Counter())
        monkeypatch.setattr(prepare, "measured", lambda *_, **settings: asked.append(settings) or found)
        settings = {"inputs": ["features"], "size": [6, 8], "cache": tmp_path} | changes
        entries = [entry for entry, _ in (*pairs, *left_out)]
        cells = configs.build(described("sweeps", **settings).prepare)(Recordings(entries, about, classes))
        made.asked = asked[-1]
        return cells

    return made


def test_features_labels_and_groups(made, tmp_path):
    cells = made(ONE, TWO)
    assert cells.about.of("features").columns == ("tau (ms)", "sag", "ri (MOhm)")
    expected = np.array([[12.5, NAN, NAN], [NAN, 0.25, 150]], np.float32)
    assert np.array_equal(cells.inputs["features"], expected, equal_nan=True)
    assert cells.inputs["features"].dtype == np.float32
    assert (cells.classes, cells.label.tolist()) == (CLASSES, [3, UNLABELLED])
    assert (cells.cell_id.tolist(), cells.group.tolist()) == (["a", "b"], ["m1", "b"])
    assert cells.source.tolist() == ["lab", ""]
    assert cells.about.notes[:2] == ("before", "features left out, measured of no cell (1): never")
    assert cells.about.notes[2] == "1 of 2 cells have no label and count for no score"
    assert cells.about.notes[3] == (
        "the donor of 1 of 2 cells is unknown: each is a group of its own, so that cells of one donor may stand on "
        "both sides of a split"
    )
    assert list(tmp_path.iterdir()) == []


def test_scalograms(made, tmp_path):
    cells = made(ONE, TWO, inputs=["scalogram", "features"], size=[5, 9])
    images = cells.inputs["scalogram"]
    assert (images.shape, images.dtype) == ((2, 2, 5, 9), np.float32)
    assert isinstance(images, np.memmap)
    # A product of matrices may round otherwise where a window stands in another row.
    assert np.allclose(images[0], scalograms.scalogram(WINDOWS, size=(5, 9)), rtol=1e-5)
    assert np.allclose(images[1], images[0][::-1], rtol=1e-5)
    assert cells.about.of("scalogram") == scalogram_input(4800, [5, 9])
    assert len(list(tmp_path.iterdir())) == 1


def test_what_is_measured_is_what_was_asked_for(made):
    notes = made(ONE, feature_set="all", duration_s=0.5, hero_pA=[30, 50]).about.notes
    assert "second sweeps 30 to 50 pA above the rheobase are not comparable with those of 39 to 61 pA" in notes
    assert made.asked == {"feature_set": "all", "duration_s": 0.5, "hero_pA": (30.0, 50.0), "implausible": "error"}
    made(ONE, inputs=["scalogram"])  # features take time
    assert made.asked == {"feature_set": None, "duration_s": 1.0, "hero_pA": (39.0, 61.0), "implausible": "error"}


def test_wide_scalograms(made):
    cells = made(ONE, TWO, inputs=["scalogram"], size=[5, 9], scalogram="wide")
    assert np.allclose(cells.inputs["scalogram"][0], wide_scalograms.scalogram(WINDOWS, size=(5, 9)), rtol=1e-5)
    frequency, time = cells.about.of("scalogram").axes
    assert (frequency.unit, frequency.first) == ("octaves above 20 Hz", 0.0)
    assert frequency.last == pytest.approx(np.log2(1600 / 20))
    assert time == scalogram_input(4800, [5, 9]).axes[1]
    other = made(ONE, TWO, inputs=["scalogram"], size=[5, 9])  # not found in the cache in its place
    assert not np.allclose(cells.inputs["scalogram"], other.inputs["scalogram"])


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
    about = scalogram_input(timesteps, size)
    frequency, time = about.axes
    assert (frequency.name, frequency.unit, time.unit) == ("frequency", "Hz", "ms")
    assert (frequency.first, time.first) == pytest.approx(first)
    assert (frequency.last, time.last) == pytest.approx(last)
    assert isinstance(time, Axis)
    assert about.channels == ("rheobase", "rheobase + 40 pA")


def test_what_a_donor_note_needs(made):
    two = labelled(TWO, label="Sst")
    about = About("toy", group="donor")
    assert made(ONE, labelled(two, group="m2", source="lab"), about=about, inputs=["scalogram"]).about.notes == ()
    [note] = made(ONE, labelled(two, source="lab"), about=about, inputs=["scalogram"]).about.notes
    assert note.startswith("the donor of 1 of 2 cells is unknown")


def test_which_cells_have_a_ramp_is_told_by_class(made):
    """Where those of one class have none, a model may tell the class by that."""
    with_ramp = {"tau (ms)": 12.5, "threshold_v_ramp (mV)": -40.0}
    pairs = [
        measuring(labelled(ONE, cell_id=f"c{k}", label=label), **(with_ramp if k < 2 else {"tau (ms)": 12.5}))
        for k, label in enumerate(["Pvalb", "Pvalb", "Pvalb", "Sst"])
    ]
    told = "features of a ramp are known of 2 of 4 cells: Pvalb 2 of 3, Sst 0 of 1"
    assert told in made(*pairs).about.notes
    assert not [note for note in made(*pairs[:2]).about.notes if "ramp" in note]


def test_sources_that_give_the_label_away_are_told(made):
    note = made(ONE, labelled(TWO, label="Pvalb", group="m2", source="other lab")).about.notes[-1]
    assert note.startswith("label and laboratory coincide: 2 of 2 cells")


def test_what_is_left_out_is_told_by_class_and_by_what_reasons_have_in_common(made, caplog):
    left_out = [
        (entry("c", "Sst", file="x/c.nwb"), "no spiking long square between 109 and 131 pA, which is ..."),
        (entry("d", "Pvalb", file="d.nwb"), "no spiking long square between 89 and 111 pA, which is ..."),
        (entry("e"), "/data/ephys_sweeps.json: is no list of sweeps"),
    ]
    cells = made(ONE, TWO, left_out=left_out)
    assert cells.about.notes[1] == (
        "3 of 5 recordings cannot be used and were left out (Pvalb 1, Sst 1, unlabelled 1): "
        "2: no spiking long square between ... and ... pA; 1: is no list of sweeps"
    )
    assert [message.split(": no ")[0] for message in caplog.messages] == [
        "left out: cell c (x/c.nwb)",
        "left out: cell d (d.nwb)",
        "left out: cell e: /data/ephys_sweeps.json: is no list of sweeps",
    ]


def test_all_faults_at_once(made):
    with pytest.raises(UserError) as error:
        made(labelled(ONE, label="Pvlab", file="one.nwb"), labelled(ONE, file="two.nwb"), labelled(TWO, cell_id=""))
    said = str(error.value)
    assert "dataset toy cannot be used" in said
    assert "cell a (one.nwb): its label 'Pvlab' is none of Pvalb, Excitatory, Vip/Lamp5, Sst; nearest: Pvalb" in said
    assert "correct it, or add it to dataset.classes" in said
    assert "cell a occurs 2 times (one.nwb, two.nwb)" in said
    assert "the cell_id of 1 cells is empty" in said


@pytest.mark.parametrize(
    ("pairs", "changes", "message"),
    [
        ([], {}, "dataset toy cannot be used:\n  it holds no recording"),
        ([ONE], {"scalogram": "wied"}, "scalogram=wied is text, expected one of published, wide; nearest: wide"),
        ([ONE], {"inputs": []}, r"prepare\.inputs is empty; expected one or both of features, scalogram"),
        ([ONE], {"inputs": ["scalograms"]}, "prepare.inputs=scalograms is none of features, .*; nearest: scalogram"),
        ([ONE], {"feature_set": "two_sweeps"}, "prepare.feature_set=two_sweeps is none of .*; nearest: two_sweep"),
        ([ONE], {"size": [64]}, r"size=\[64\] is out of range, expected a list"),
        ([ONE], {"unusable": "keep"}, "unusable=keep is text, expected one of drop, error"),
        ([ONE], {"duration_s": 0.0}, "duration_s=0.0 is out of range, expected a number above 0"),
        ([ONE], {"hero_pA": [61, 39]}, r"prepare.hero_pA=\[61, 39\] must be two rising numbers of pA"),
        ([measuring(ONE, sag=NAN)], {}, "no feature was measured of any of its 1 cells"),
        ([measuring(ONE, sag=np.inf)], {}, "cell a: features has 1 values that are not finite"),
    ],
)
def test_what_makes_no_examples(made, pairs, changes, message):
    with pytest.raises(UserError, match=message):
        made(*pairs, **changes)


def test_classes_of_the_dataset_or_those_that_occur(made):
    cells = made(labelled(ONE, label="L5 ET"), TWO, classes=("L4", "L5 ET"))
    assert (cells.classes, cells.label.tolist()) == (("L4", "L5 ET"), [1, UNLABELLED])
    cells = made(labelled(ONE, label="L5 ET"), labelled(TWO, label="Sst"), classes=None)
    assert (cells.classes, cells.label.tolist()) == (("Sst", "L5 ET"), [1, 0])
    assert made(TWO, classes=None).classes == ()


def test_rate_and_step_are_kept(made):
    cells = made(ONE, (TWO[0], replace(TWO[1], rate=20000.0, step=0.5)))
    assert cells.conditions["recorded rate"].tolist()[1:] == [20000] and cells.conditions["step"].tolist()[1:] == [0.5]
    assert [*cells.about.conditions] == [*cells.conditions]
