"""Features of real sweeps, beside what was published of the same cells."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from made import configs
from scipy.signal import resample_poly

pytest.importorskip("allensdk.ephys.ephys_extractor", reason="needs the extra allen")

from celltype_cli.patch_clamp.choice import Chosen, chosen
from celltype_cli.patch_clamp.features.cell import NAMES, features  # noqa: E402
from celltype_cli.patch_clamp.recording import Sweep  # noqa: E402
from celltype_cli.patch_clamp.squares import LongSquare, long_squares
from celltype_cli.patch_clamp.stimuli import Step  # noqa: E402


@pytest.fixture(scope="module")
def allen(shared_data):
    """Ten sweeps 40 to 100 pA above rheobase; by specimen, at any sampling rate."""
    folder = shared_data / "patch_clamp" / "allen_ctdb_long_square"
    index = pd.read_csv(folder / "index.csv").set_index("specimen_id")
    arrays = np.load(folder / "sweeps_50kHz.npz")

    @cache
    def measured(specimen, up=1, down=1):
        row = index.loc[specimen]
        voltage = arrays[f"v_mV_{specimen}_{row.sweep_number}"]
        voltage = resample_poly(voltage.astype(float), up, down, padtype="line") if down > 1 else voltage
        sweep = Sweep(voltage.astype(np.float32), np.zeros(len(voltage), np.float32), 50_000.0 * up / down, 1)
        one = LongSquare(sweep, Step(0.205, 1.0, float(row.amp_pA)))
        other = replace(one, step=replace(one.step, amplitude_pA=one.step.amplitude_pA + 40))  # a line needs two
        return features(Chosen(one, one, (one, other)), "long_square")

    return index, measured


def test_spikes_of_real_sweeps_fit_into_the_step(allen):
    index, measured = allen
    for specimen, row in index.iterrows():
        found = measured(specimen)
        last = found["latency (ms)"] + found["avg_isi (ms)"] * (row.n_spikes - 1)
        assert 1000 - 3 * found["avg_isi (ms)"] < last < 1000
        assert found["threshold_t_long_square (ms from onset)"] == found["latency (ms)"]  # it is both sweeps here


def test_real_sweeps_against_the_published_table(allen, shared_data):
    """Of other sweeps of the same cells: the rheobase sweep, and for rest all sweeps."""
    index, measured = allen
    table = pd.read_csv(shared_data / "patch_clamp/sts/Split/PatchClamp_EP_features.csv", low_memory=False)
    table = table.set_index("specimen_id").loc[lambda t: t.index.isin(index.index)]
    assert len(table) == 6
    for specimen, row in table.iterrows():
        found = measured(specimen)
        assert found["vrest (mV)"] == pytest.approx(row.vrest, abs=1.5)
        assert found["fast_trough_v_long_square (mV)"] == pytest.approx(row.fast_trough_v_long_square, abs=1.5)
        assert found["upstroke_downstroke_ratio_long_square"] == pytest.approx(
            row.upstroke_downstroke_ratio_long_square, rel=0.1
        )


@pytest.mark.parametrize(("down", "threshold_mV", "ratio"), [(5, 0.3, 0.1), (10, 0.5, 0.4)])  # to 20 and 10 kHz
def test_how_much_a_lower_sampling_rate_changes(allen, down, threshold_mV, ratio):
    index, measured = allen
    for specimen in index.index:
        full, slow = measured(specimen), measured(specimen, 2, down)
        for name, tolerance in (
            ("threshold_v_long_square (mV)", threshold_mV),
            ("upstroke_downstroke_ratio_long_square", ratio),
            ("latency (ms)", 0.2),
            ("avg_isi (ms)", 0.05),
        ):
            assert slow[name] == pytest.approx(full[name], abs=tolerance)


def test_a_file_gives_the_names_of_the_published_tables(shared_data):
    """So that what is learned from the tables can be applied to recordings."""
    from celltype_cli.patch_clamp.readers import files

    recorded = chosen(files.read(shared_data / "patch_clamp/nwb/ctdb_cache/specimen_555060623/ephys.nwb").sweeps)
    for kind in NAMES:
        published = configs.cells("sts_features", path=shared_data / "patch_clamp" / "sts", feature_set=kind)
        assert tuple(features(recorded, kind)) == published.about.of("features").columns


def test_spikes_that_rise_slowly_count_in_the_train(shared_data):
    """21 spikes at 100 pA, of which allensdk, as it comes, finds 11: their mean interval would be 20.4 ms, not 23.1."""
    from celltype_cli.patch_clamp.readers import files

    cell = files.read(shared_data / "patch_clamp" / "abf" / "17o05028_ic_steps.abf")
    *_, strongest = squares = long_squares(cell.sweeps, 0.5)[0]
    found = features(Chosen(strongest, strongest, tuple(squares)), "two_sweep")
    assert found["avg_isi (ms)"] == pytest.approx(1e3 * np.diff(strongest.spike_times_s).mean(), abs=0.1)
