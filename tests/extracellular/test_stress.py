"""Sorting errors: as many spikes lost or foreign as said, the same at every call."""

import numpy as np
import pytest
from made.units import unit

from celltype_cli.extracellular.stress import perturbed


def errors(units, among=None):
    return {error: made for _, error, made in perturbed(units, units if among is None else among)}


def test_shares_of_spikes_are_lost_and_those_lost_first_stay_lost():
    [one] = units = [unit("a", n=20_000)]
    made = errors(units)
    kept = [made[f"{share} % loss"][0].spikes for share in (10, 20, 30)]
    assert [len(spikes) / 20_000 for spikes in kept] == pytest.approx([0.9, 0.8, 0.7], abs=0.01)
    assert {*one.spikes} > {*kept[0]} > {*kept[1]} > {*kept[2]}


def test_foreign_spikes_are_of_another_unit_of_the_recording_and_poisson_where_there_is_none():
    units = [unit("a"), unit("b", seed=1), unit("c", group="r2", seed=2), unit("few", n=5, group="r2", seed=3)]
    made = errors(units)
    for share, n in ((5, 53), (10, 111)):
        a, _, c, _ = made[f"{share} % contamination"]
        assert len(a.spikes) == len(c.spikes) == 1000 + n and (np.diff(a.spikes) >= 0).all()
        assert {*a.spikes} - {*units[0].spikes} <= {*units[1].spikes}
        assert not ({*c.spikes} - {*units[2].spikes}) & {*units[3].spikes}


def test_halves_are_of_the_recording_and_begin_at_zero():
    one = unit("a", duration=120.0)
    first, second = (errors([one])[f"{name} half"][0].spikes for name in ("first", "second"))
    np.testing.assert_array_equal(np.concatenate([first, second + 60]), one.spikes)
    assert first.max() < 60 and second.min() >= 0
    assert len(errors([unit("a", duration=np.nan)])["first half"][0].spikes) == pytest.approx(500, abs=50)


def test_errors_are_the_same_every_time_and_do_not_depend_on_the_other_units():
    units = [unit("a"), unit("b", seed=1)]
    again = errors(units[:1], among=units)
    for error, made in errors(units).items():
        np.testing.assert_array_equal(made[0].spikes, again[error][0].spikes)


def test_units_without_spike_times_are_left_out_and_empty_trains_are_no_error():
    of_counts = unit("a", spikes=None)
    assert all(made == [] for made in errors([of_counts]).values())
    assert all(len(made[0].spikes) == 0 for made in errors([unit("a", n=0)]).values())
