"""How sorted units become rows: which inputs, from spikes or from finished histograms, and what is said of them."""

import numpy as np
import pytest
from hydra.utils import instantiate
from made.configs import REPOSITORY
from omegaconf import OmegaConf

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.core.messages import UserError
from celltype_cli.extracellular import acg, counts, features, prepare, waveforms
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
    assert cells.shapes == {
        "waveform": (1, 90),
        "correlogram": (1, 100),
        "isi": (1, 100),
        "features": (len(features.FEATURES),),
    }
    assert cells.about.of("features").columns == features.FEATURES
    assert cells.about.of("waveform").axes[0].first == -1
    assert cells.about.of("waveform").axes[0].last == pytest.approx(2, abs=0.04)
    assert all(about.models[0] == "units_forest" for about in cells.about.inputs.values())


def test_a_unit_of_counts_gives_the_inputs_of_the_same_unit_with_spikes():
    whole = unit("a")
    cells = prepared(whole, of_counts("b", whole))
    for name in ("waveform", "correlogram", "isi"):
        np.testing.assert_allclose(cells.inputs[name][0], cells.inputs[name][1], rtol=1e-6)
    table = cells.inputs["features"]
    missing = (*features.OF_SPIKES, *features.OF_NUMBERS)  # of a histogram that is no count
    only_spikes = [features.FEATURES.index(name) for name in missing]
    assert np.isfinite(table[0]).all()
    assert np.flatnonzero(np.isnan(table[1])).tolist() == only_spikes
    assert any("1 units without spike times" in note for note in cells.about.notes)


def test_features_come_in_two_parts_on_request_and_whole_counts_tell_as_much_as_spikes():
    whole = unit("a")
    raw = {"correlogram": counts.pairs(whole.spikes), "isi": counts.gaps(whole.spikes)}
    counted = unit("b", spikes=None, counts={name: values.astype(np.float32) for name, values in raw.items()})
    cells = prepared(whole, counted, inputs=["features", "waveform_features", "firing_features"])
    parts = [cells.inputs["waveform_features"], cells.inputs["firing_features"]]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), cells.inputs["features"])
    assert cells.about.of("firing_features").columns == features.FIRING
    of_spikes = len(features.OF_SPIKES)
    np.testing.assert_allclose(parts[1][0, of_spikes:], parts[1][1, of_spikes:], rtol=1e-6)
    assert np.isnan(parts[1][1, :of_spikes]).all()


def test_histograms_to_10_s_on_request_of_spikes_or_as_a_file_has_them():
    whole = unit("a")
    made = {"log_correlogram": 3 * counts.log_pairs(whole.spikes), "log_isi": counts.log_gaps(whole.spikes)}
    finished = unit("b", spikes=None, counts={name: values.astype(np.float32) for name, values in made.items()})
    cells = prepared(whole, finished, inputs=["waveform", "log_correlogram", "log_isi"])
    assert cells.shapes["log_isi"] == cells.shapes["log_correlogram"] == (1, 100)
    for name in made:
        np.testing.assert_allclose(cells.inputs[name][0], cells.inputs[name][1], rtol=1e-5)
        assert cells.inputs[name].sum(axis=-1) == pytest.approx(1)
        assert cells.about.of(name).models[0] == "units_logistic"
    with pytest.raises(UserError, match="neither spike times nor a finished log_isi"):
        prepared(of_counts("c", whole), inputs=["log_isi"])


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
    settings = {name: SETTINGS[name] for name in ("inputs", "before", "min_spikes", "quality", "unusable")}
    kept = prepare.pinned(settings, cells)
    assert kept["before"] == 1.5
    assert prepared(unit("c"), **kept).inputs["waveform"].argmin() == 45
    clash = prepared(unit("a", waveform=finished[None]), before=1.0)
    assert any("they do not compare" in note for note in clash.about.notes)


def test_waveform_rate_and_3d_autocorrelogram_can_be_seen():
    whole = unit("a", in_uv=True)
    cells = prepared(whole, of_counts("b", whole))
    waveform, rate, picture = cells.recorded("a")
    assert (picture.title, picture.unit) == ("3D autocorrelogram", "Hz")
    np.testing.assert_allclose(picture.values, 100 * acg.acg_3d(whole.spikes))
    assert [axis.last for axis in picture.axes] == [10, 3]
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


def test_units_that_fail_quality_control_are_left_out_and_say_why():
    long = np.cumsum(np.random.default_rng(0).exponential(0.1, size=4000) + 0.004)
    cells = prepared(unit("good", spikes=long), unit("short"), quality="c4")
    assert cells.cell_id.tolist() == ["good"]
    notes = " ".join(cells.about.notes)
    assert "cell short" in notes and "quality c4 asks for more than 180 s" in notes
    assert "missing spikes are not estimated (1 units)" in notes
    with pytest.raises(UserError, match="quality=best is text, expected one of none, light, c4"):
        prepared(unit(), quality="best")


def test_how_long_it_was_recorded_is_kept():
    cells = prepared(unit("a", duration=600.0), unit("b"))
    assert cells.conditions["recorded rate"].tolist() == [30_000, 30_000]
    assert cells.conditions["recorded length"][0] == 600 and np.isnan(cells.conditions["recorded length"][1])
    assert [*cells.about.conditions] == [*cells.conditions]
