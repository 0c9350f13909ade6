"""Copies of units with errors of sorting: spikes lost, added and moved as said, counted anew; histograms alike."""

import numpy as np
import pytest
from made.configs import compose
from made.units import many, unit

from celltype_cli.core.messages import UserError
from celltype_cli.extracellular.altered import Altered, copies, flattened, with_errors
from celltype_cli.extracellular.rows import of_spikes
from celltype_cli.runs.build import build

ALL = ("waveform", "correlogram", "isi", "acg", "layer", "features")


def errors(number, **changes):
    return {"number": number, "lost": 0.1, "added": 0.1, "jitter": 0.002} | changes


def test_spikes_are_lost_added_and_moved_as_said():
    spikes = unit("a", n=20_000).spikes
    draws = np.random.default_rng(0)
    kept = with_errors(spikes, 0.1, 0.0, 0.0, draws)
    assert {*kept} < {*spikes} and len(kept) == pytest.approx(18_000, rel=0.02)
    moved = with_errors(spikes[::200], 0.0, 0.0, 0.002, draws)  # far apart: their order stays
    shift = moved - spikes[::200]
    assert 0.0019 < np.abs(shift).max() <= 0.002 and abs(shift.mean()) < 0.0005
    more = with_errors(spikes, 0.0, 0.1, 0.0, draws)
    assert len(more) == 22_000 and {*spikes} < {*more} and (np.diff(more) >= 0).all()
    foreign = [*({*more} - {*spikes})]
    assert np.histogram(foreign, 4, (0, 100))[0] == pytest.approx(500, rel=0.15)
    assert with_errors(spikes[:0], 0.1, 0.1, 0.1, draws).size == 0


def test_copies_are_counted_of_changed_spikes():
    one = unit("a", n=4000)
    made = copies(one, ALL, **errors(3))
    assert {name: values.shape for name, values in made.items()} == {
        "correlogram": (3, 1, 100), "isi": (3, 1, 100), "acg": (3, 1, 10, 101)}  # fmt: skip
    for name, values in made.items():
        assert values.dtype == np.float32
        assert len({values[k].tobytes() for k in range(3)} | {of_spikes(one, name).tobytes()}) == 4
    same = copies(one, ALL, **errors(2, lost=0.0, added=0.0, jitter=0.0))
    for name, values in same.items():
        assert (values == of_spikes(one, name)).all()


def test_the_draws_go_by_the_id_and_are_made_once():
    maker = Altered({name: unit(name) for name in "ab"}, ["isi"])
    asked = errors(2)
    again = Altered({"b": unit("b")}, ["isi"])
    np.testing.assert_array_equal(maker("b", **asked)["isi"], again("b", **asked)["isi"])
    assert maker("b", **asked) is maker("b", **asked)
    assert (maker("a", **asked)["isi"] != maker("b", **asked)["isi"]).any()


def test_it_says_which_units_are_changed_how():
    maker = Altered({"a": unit("a"), "b": unit("b"), "c": unit("c", spikes=None)}, ["isi"])
    assert str(maker) == "spikes of 2 units, finished histograms of 1 whose files hold no spikes"


def test_what_cannot_be_counted_of_a_copy_is_as_it_is():
    few = unit("a", n=3, spikes=np.array([1.0, 1.01, 50.0]))
    made = copies(few, ["isi"], **errors(20, lost=0.9, added=0.0, jitter=0.0))["isi"]
    assert np.isfinite(made).all() and (made == of_spikes(few, "isi")).all()


def test_a_finished_histogram_is_drawn_to_its_mean():
    shape = np.r_[np.zeros(50), np.ones(50)].astype("f4")
    one = unit("a", spikes=None, counts={"isi": shape})
    made = copies(one, ["waveform", "isi"], **errors(200))["isi"][:, 0]
    np.testing.assert_allclose(made.sum(axis=1), 1, rtol=1e-5)
    low = made[:, 0] * 100  # 0 as it is, and up to the mean times 0.21 / 1.21
    assert 0 <= low.min() < 0.02 and 0.15 < low.max() <= 0.21 / 1.21


def test_added_spikes_flatten_a_correlogram_as_said():
    """A share of 10 % foreign spikes, simulated: a histogram of lags is drawn to its mean by (2f + f^2) / (1 + f)^2."""
    rng = np.random.default_rng(0)
    train = np.cumsum(rng.gamma(20, 1 / 20, 400_000))  # regular, about 1 a second, so that the correlogram has waves
    edges = np.linspace(0.05, 10.05, 51)

    def histogram(spikes):
        found = sum(np.histogram(spikes[k:] - spikes[:-k], edges)[0] for k in range(1, 25))
        return (found / found.sum())[None].astype("f4")

    clean, dirty = histogram(train), histogram(with_errors(train, 0.0, 0.1, 0.0, rng))
    share = np.polyfit(clean[0] - 0.02, dirty[0] - 0.02, 1)[0]
    assert 1 - share == pytest.approx((0.2 + 0.01) / 1.21, abs=0.01)
    np.testing.assert_allclose(flattened(clean, 0.1), dirty, atol=0.0005)


def test_prepared_units_can_be_changed(tmp_path):
    path = many(tmp_path / "units.npz")
    cfg = compose("train", "dataset=units", f"dataset.path={path}", "prepare.inputs=[waveform,isi]", "model=fusion",
                  "trainer=pretrained", "split=leave_one_group_out", "split.valid_fraction=0")  # fmt: skip
    cells = build(cfg).cells
    made = cells.altered(cells.cell_id[0], **cfg.trainer.stages.histograms.copies)
    assert made["isi"].shape == (10, *cells.inputs["isi"].shape[1:])
    with pytest.raises(UserError, match="lost=2 is out of range"):
        cells.altered(cells.cell_id[0], **errors(1, lost=2))
