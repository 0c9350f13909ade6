"""How sorted units become rows: which inputs, from spikes or from finished histograms, and what is said of them."""

import numpy as np
import pytest
from hydra.utils import instantiate
from made.configs import REPOSITORY
from omegaconf import OmegaConf

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.core.messages import UserError
from celltype_cli.extracellular import counts, features, prepare, waveforms
from celltype_cli.extracellular.recording import Recording

SETTINGS = OmegaConf.load(REPOSITORY / "conf/prepare/units.yaml")


def spike(peak=40, n=82):
    t = (np.arange(n) - peak) / 30
    return (-80 * np.exp(-((t / 0.15) ** 2)) + 30 * np.exp(-(((t - 0.5) / 0.3) ** 2))).astype(np.float32)


def unit(cell="a", label="MLI", seed=0, n=3000, **changes):
    spikes = np.cumsum(np.random.default_rng(seed).exponential(0.03, size=n)) + 1
    given = {"waveform": spike()[None], "waveform_rate": 30_000.0, "spikes": spikes, "duration": np.nan}
    return Recording(cell, label, "r1", **{**given, "file": "u.npz", **changes})


def of_counts(cell, whole):
    """The same unit, as a file that holds no spikes has it."""
    right = {"correlogram": 40.0 * counts.correlogram(whole.spikes), "isi": 7 * counts.intervals(whole.spikes)}
    return unit(cell, spikes=None, counts={k: v.astype(np.float32) for k, v in right.items()})


def prepared(*entries, **changes):
    return instantiate(SETTINGS, **changes)(Recordings(entries, About("made up", group="recording")))


def test_default_inputs_and_what_they_are():
    cells = prepared(unit("a"), unit("b", seed=1, label="GoC"))
    assert cells.shapes == {"waveform": (1, 90), "correlogram": (1, 100), "isi": (1, 100), "features": (18,)}
    assert cells.about.of("features").columns == features.FEATURES
    assert cells.about.of("waveform").axes[0].first == -1
    assert cells.about.of("waveform").axes[0].last == pytest.approx(2, abs=0.04)
    assert all(about.models[0] == "forest" for about in cells.about.inputs.values())


def test_a_unit_of_counts_gives_the_inputs_of_the_same_unit_with_spikes():
    whole = unit("a")
    cells = prepared(whole, of_counts("b", whole))
    for name in ("waveform", "correlogram", "isi"):
        np.testing.assert_allclose(cells.inputs[name][0], cells.inputs[name][1], rtol=1e-6)
    table = cells.inputs["features"]
    only_spikes = [features.FEATURES.index(name) for name in features.OF_SPIKES]
    assert np.isfinite(table[0]).all()
    assert np.flatnonzero(np.isnan(table[1])).tolist() == only_spikes
    assert any("1 units without spike times" in note for note in cells.about.notes)


def test_acg_and_layer_on_request():
    cells = prepared(unit("a", layer="ML"), unit("b", seed=1), inputs=["acg", "layer"])
    assert cells.shapes == {"acg": (1, 10, 101), "layer": (4,)}
    assert cells.inputs["layer"].tolist() == [[0, 0, 0, 1], [1, 0, 0, 0]]
    assert "the layer of 1 of 2 units is unknown" in cells.about.notes
    with pytest.raises(UserError, match="holds no spike times, which acg is made of; leave acg out of prepare.inputs"):
        prepared(of_counts("c", unit()), inputs=["acg"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"waveform": np.full((2, 82), np.nan, np.float32)}, "all 164 values of its waveform are NaN"),
        ({"spikes": np.empty(0)}, "has 0 spikes; expected 100"),
        ({"spikes": None}, "neither spike times nor a finished correlogram"),
        ({"spikes": None, "counts": {"correlogram": np.zeros(100, np.float32)}}, "is empty"),
        ({"spikes": np.arange(200.0)}, "its correlogram is empty"),
    ],
)
def test_units_that_cannot_be_used_are_left_out_with_a_note_or_refused(changes, says):
    cells = prepared(unit("a"), unit("bad", **changes))
    assert cells.cell_id.tolist() == ["a"]
    assert any("1 units that cannot be used are left out" in note and says in note for note in cells.about.notes)
    with pytest.raises(UserError, match=says):
        prepared(unit("a"), unit("bad", **changes), unusable="error")
    with pytest.raises(UserError, match=says):
        prepared(unit("bad", **changes))


def test_finished_waveforms_set_where_all_have_their_peak_and_a_bundle_keeps_that():
    finished = waveforms.normalised(spike()[None], 30_000.0, before=1.5)
    cells = prepared(unit("a", waveform=finished[None]), unit("b", seed=1))
    np.testing.assert_array_equal(cells.inputs["waveform"][0, 0], finished)
    assert cells.inputs["waveform"].argmin(axis=-1).tolist() == [[45], [45]]
    assert any("peak after 1.5 ms" in note for note in cells.about.notes)
    settings = {name: SETTINGS[name] for name in ("inputs", "before", "min_spikes", "unusable")}
    kept = prepare.pinned(settings, cells)
    assert kept["before"] == 1.5
    assert prepared(unit("c"), **kept).inputs["waveform"].argmin() == 45
    clash = prepared(unit("a", waveform=finished[None]), before=1.0)
    assert any("they do not compare" in note for note in clash.about.notes)


def test_waveform_and_rate_can_be_seen():
    whole = unit("a", in_uv=True)
    cells = prepared(whole, of_counts("b", whole))
    waveform, rate = cells.recorded("a")
    assert [waveform.title, waveform.lines[0].unit, rate.title] == ["mean waveform", "uV", "firing rate"]
    assert waveform.axis.last == pytest.approx(81 / 30)
    assert rate.lines[0].values.mean() == pytest.approx(33, rel=0.1)  # intervals of 30 ms
    assert [panel.title for panel in cells.recorded("b")] == ["mean waveform"]


def test_unknown_and_empty_inputs_are_refused():
    with pytest.raises(UserError, match="prepare.inputs is empty"):
        prepared(unit(), inputs=[])
    with pytest.raises(UserError, match="waveform"):
        prepared(unit(), inputs=["wavefrom"])


def test_a_whole_file_gives_every_unit_and_finished_waveforms_as_they_are(shared_data):
    with np.load(shared_data / "extracellular/c4_cerebellum/hull.npz") as hull:
        data = {name: hull[name] for name in hull.files}
    entries = [
        unit(f"u{i}", str(data["label"][i]), waveform=data["waveform_norm90"][i][None], spikes=None,
             counts={"correlogram": data["acg_counts"][i][101:], "isi": data["isi_counts100"][i]})
        for i in range(103)
    ]  # fmt: skip
    cells = prepared(*entries)
    finished = [waveforms.is_finished(entry.waveform, 30_000.0) for entry in entries]
    assert (len(cells), sum(finished)) == (103, 87)  # the others have a positive peak, and are turned
    np.testing.assert_array_equal(cells.inputs["waveform"][finished, 0], data["waveform_norm90"][finished])
    assert (cells.inputs["waveform"].min(axis=(1, 2)) < -0.99).all()
