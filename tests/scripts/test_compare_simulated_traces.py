"""The statistics of the simulated calcium traces, against those of recorded cells."""

from __future__ import annotations

import importlib.util
import re

import numpy as np
import pandas as pd
import pytest
from made.configs import REPOSITORY

from celltype_cli.calcium.simulator.dataset import CLASSES


@pytest.fixture(scope="module")
def compare():
    spec = importlib.util.spec_from_file_location("compare", REPOSITORY / "scripts" / "compare_simulated_traces.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_measures_of_a_train_worked_out_by_hand(compare):
    spikes = np.array([1.0, 1.005, 2.005, 4.005, 15.0])  # intervals 0.005, 1, 2, 10.995 s
    trace = np.tile([0.0, 0.01], 300).astype(np.float32)  # 600 samples at 30 Hz: 20 s, every step 0.01
    found = compare.measure([(trace, spikes)], 30.0)
    assert found["rate_hz"] == pytest.approx(0.25) and found["frac_isi_below_10ms"] == pytest.approx(0.25)
    assert found["median_isi_s"] == pytest.approx(1.5)
    assert found["isi_cv2_local"] == pytest.approx((2 * 0.995 / 1.005 + 2 / 3 + 2 * 8.995 / 12.995) / 3)
    assert found["fano_10s"] == pytest.approx(2.25 / 2.5)  # 4 and 1 spikes: variance 2.25, mean 2.5
    assert found["noise_nu_pct_per_sqrtHz"] == pytest.approx(1 / np.sqrt(30), rel=1e-4)
    assert found["trace_sd_dff"] == pytest.approx(0.005, rel=1e-4) and found["trace_skew"] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("name", CLASSES)
def test_medians_lie_within_the_range_of_recorded_cells(compare, shared_data, name):
    recorded = pd.read_csv(shared_data / "calcium" / "statistics.csv", index_col=0)
    cells = compare.simulated(name, 40, 300.0)
    found = pd.DataFrame([compare.measure(*cell) for cell in cells]).median()
    outside = {}
    for statistic, group in compare.JUDGED[name].items():
        low, high = map(float, re.search(r"\[(.+), (.+)\]", recorded.loc[group, statistic]).groups())
        if not low <= found[statistic] <= high:
            outside[statistic] = (found[statistic], low, high)
    assert not outside
