"""Quality control: shares of foreign and missing spikes as they were made, and profiles that say why a unit fails."""

import numpy as np
import pytest

from celltype_cli.extracellular import quality
from celltype_cli.extracellular.recording import Recording


def train(seconds=400.0, rate=10.0, refractory=0.004, seed=0):
    rng = np.random.default_rng(seed)
    at = np.cumsum(refractory + rng.exponential(1 / rate - refractory, size=int(2 * seconds * rate)))
    return at[at < seconds]


def unit(spikes, amplitudes=None, **changes):
    if amplitudes is not None:
        amplitudes = np.asarray(amplitudes, dtype=np.float32)
    given = {"duration": np.nan, "amplitudes": amplitudes}
    return Recording("a", "", "r", np.zeros((1, 90), np.float32), 30000.0, spikes, **{**given, **changes})


def sizes(spikes, cut=None, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(20, 3, size=len(spikes))
    while cut is not None and (low := values < cut).any():
        values[low] = rng.normal(20, 3, size=low.sum())
    return values


def refused(said, one, profile):
    with pytest.raises(ValueError, match=said):
        quality.passed(one, profile)


@pytest.mark.parametrize("share", [0.0, 0.03, 0.1])
def test_false_positives_are_the_share_of_foreign_spikes(share):
    own = train(seconds=4000)
    foreign = np.sort(np.random.default_rng(1).uniform(0, 4000, int(len(own) * share / (1 - share))))
    got = quality.false_positives(np.sort(np.r_[own, foreign]), 0.002)
    assert got == pytest.approx(share, abs=0.02)  # the linear form: 2 f (1 - f) and f^2 count alike


def test_false_positives_by_hand():
    """Two of ten intervals are too short: 2 / (2 * 11 * 0.002) / rate."""
    at = np.cumsum([0, 0.1, 0.001, 0.1, 0.1, 0.1, 0.001, 0.1, 0.1, 0.1, 0.1])
    assert quality.false_positives(at, 0.002, rate=10.0) == pytest.approx(2 / 0.044 / 10)
    assert quality.false_positives(np.r_[at, at[-1]], 0.002, rate=10.0) == pytest.approx(2 / 0.044 / 10)  # twice: once
    assert quality.false_positives(at[:1], 0.002) == 0


@pytest.mark.parametrize(("cut", "missing"), [(None, 0.0), (17.0, 0.159), (20.0, 0.46)])
def test_false_negatives_are_the_part_of_the_gaussian_that_is_cut_off(cut, missing):
    """Of the half that is cut off at the mean 0.46 are found: the peak of the histogram is one of its first bins."""
    got = quality.false_negatives(sizes(np.zeros(20_000), cut))
    assert got == pytest.approx(missing, abs=0.03)
    assert quality.false_negatives(-sizes(np.zeros(20_000), cut)) == pytest.approx(got)


@pytest.mark.parametrize("amplitudes", [np.ones(500), np.r_[np.ones(499), 50.0], np.array([1.0, 2.0, 3.0, 4.0])])
def test_amplitudes_that_no_gaussian_fits_say_nothing(amplitudes):
    assert np.isnan(quality.false_negatives(amplitudes))


def test_c4_takes_the_good_pieces_alone():
    """A bad minute in the middle: foreign spikes in plenty. Windows that reach into it fail, pieces beside it pass."""
    own = train()
    own = own[(own < 200) | (own > 260)]
    bad = np.sort(np.random.default_rng(1).uniform(200, 260, 3000))
    spikes = np.sort(np.r_[own, bad])
    kept = quality.passed(unit(spikes, sizes(spikes)), "c4")
    assert not ((kept.spikes > 200) & (kept.spikes < 260)).any()
    assert ((kept.spikes < 190).sum(), (kept.spikes > 270).sum()) == ((own < 190).sum(), (own > 270).sum())
    assert len(kept.amplitudes) == len(kept.spikes)
    assert quality.stretches(spikes, np.isin(spikes, kept.spikes)) == pytest.approx(340, abs=2)


def test_a_piece_is_good_if_any_window_over_it_is():
    """Only the windows that begin at 0 and 10 s are good: the pieces under them end at 40 s."""
    one = unit(train(seconds=100))
    few = np.arange(10) < 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality, "windows", lambda _: (few, np.ones(10, bool)))
        assert np.array_equal(quality._good_by_pieces(one), one.spikes < 40)
        patch.setattr(quality, "windows", lambda _: (few & (np.arange(10) < 1), np.ones(10, bool)))
        assert not quality._good_by_pieces(one).any()  # one window is too few


def test_units_that_fail_say_why():
    spikes = train()
    refused("has 300 spikes; quality c4 asks for more than 300", unit(spikes[:300]), "c4")
    said = (
        "170 s of it are well isolated; .* more than 180 s: of 17 windows of 30 s, in 17 few spikes are of other cells"
    )
    refused(said, unit(train(seconds=170.2)), "c4")
    refused("in 0 few spikes are missing", unit(spikes, sizes(spikes, cut=19.0)), "c4")
    refused("has 99 spikes; quality light asks for more than 99", unit(spikes[:99]), "light")
    refused("holds no spike times, which prepare.quality=c4 judges by", unit(None), "c4")
    refused("spikes that are missing comes to 0.4", unit(spikes, sizes(spikes, cut=20.0)), "light")
    doubled = np.sort(np.r_[spikes, spikes[::10] + 0.001])
    refused("spikes that are of other cells comes to .* by intervals below 1.5 ms", unit(doubled), "light")


def test_units_that_pass_and_amplitudes_that_are_not_known():
    spikes = train()
    assert quality.passed(unit(spikes, sizes(spikes)), "light").notes == ()
    for amplitudes in (None, np.ones(len(spikes))):  # a file may hold ones in their place
        for profile in ("light", "c4"):
            kept = quality.passed(unit(spikes, amplitudes), profile)
            assert np.array_equal(kept.spikes, spikes) and kept.notes == (quality.WITHOUT,)
    poor = unit(spikes[:20])
    assert quality.passed(poor, "none") is poor


def test_stretches_that_the_file_calls_good_take_the_place_of_the_estimate():
    spikes = np.sort(np.random.default_rng(0).uniform(0, 400, 4000))  # no refractory period
    kept = quality.passed(unit(spikes, good=np.array([[0.0, 150.0], [200.0, 250.0]])), "c4")
    assert np.array_equal(kept.spikes, spikes[(spikes <= 150) | ((spikes >= 200) & (spikes <= 250))])
    refused("150 s of it are well isolated; .* more than 180 s, by the file",
            unit(spikes, good=np.array([[0.0, 150.0]])), "c4")  # fmt: skip
    refused("0 s of it are well isolated", unit(spikes, good=np.empty((0, 2))), "c4")


def test_real_units_of_kilosort(shared_data):
    from celltype_cli.extracellular.readers.files import read
    from celltype_cli.extracellular.readers.found import How

    units = read(shared_data / "extracellular/phy/npx1_real_15units", How(quality="all")).recordings
    light = [one.cell_id for one in units if passes(one, "light")]
    assert len(light) == 7 and {*light} < {one.cell_id for one in units}


def passes(one, profile):
    try:
        return bool(quality.passed(one, profile))
    except ValueError:
        return False
