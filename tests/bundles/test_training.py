"""What a bundle keeps of its training cells: quantities of traces and tables, written and read again."""

import numpy as np
import pytest
from made.animals import cells_of
from scipy.signal import lfilter

from celltype_cli.bundles.training import Training, describe
from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import Cells


@pytest.mark.parametrize("padded", [0, 40, 80])
def test_filling_is_no_noise_and_none_at_all_is_a_thousandth_of_the_amplitude(padded):
    rng = np.random.default_rng(0)

    def noise(trace):
        about = About("toy", inputs={"trace": Input("dF/F", 30.0)})
        cell = np.arange(len(trace))
        names, values, _ = describe(Cells({"trace": trace}, 0 * cell, cell, cell, ("A",), about))
        return np.exp(values[:, names.index("noise of trace")])

    trace = rng.normal(0, 0.1, (50, 1, 100 + padded))
    trace[..., 20 + 100 :] = trace[..., [119 if padded else 99]]
    trace[..., : 20 * bool(padded)] = trace[..., [20 * bool(padded)]]
    np.testing.assert_allclose(np.median(noise(trace)), 0.1, rtol=0.1)
    smooth = np.zeros((2, 1, 100))
    smooth[0, 0, 50] = 3.0  # one event, which is no noise
    np.testing.assert_allclose(noise(smooth), [0.003, 1e-9])


def test_tables_are_described_by_their_columns_and_missing_values_do_not_count():
    table = np.random.default_rng(0).normal(size=(12, 2)).astype("f4")
    table[:3, 1] = np.nan
    about = About("toy", inputs={"features": Input(columns=("tau (ms)", "sag"))})
    cells = Cells({"features": table}, np.zeros(12, int), np.arange(12), np.arange(12) // 3, ("A", "B"), about)
    names, values, first = describe(cells)
    assert names == ("tau (ms)", "sag") and first.tolist() == list(range(12))
    np.testing.assert_array_equal(values, table.astype(float))
    training = Training.of(cells)
    assert np.isfinite(training.scaled(values)).all() and training.examples == {}


def test_what_is_written_is_read(tmp_path):
    training = Training.of(cells_of(8))
    training.write(tmp_path / "training.npz")
    again = Training.read(tmp_path / "training.npz")
    assert again.names == training.names and again.examples["trace"].shape == (32, 1, 300)
    assert again.made.digest.tolist() == training.made.digest.tolist() and again.made.conditions == {}
    np.testing.assert_array_equal(again.values, training.values)


def decaying(phi, noise, samples=20_000, n=4):
    """An autoregressive process, of which `phi` is left after each sample, and white noise."""
    rng = np.random.default_rng(0)
    trace = lfilter([1], [1, -phi], rng.standard_normal((n, 1, samples)), axis=2)
    cell = np.arange(n)
    about = About("toy", inputs={"trace": Input("dF/F", 30.0)})
    return Cells({"trace": trace + rng.normal(0, noise, trace.shape)}, 0 * cell, cell, cell, ("A",), about)


@pytest.mark.parametrize("phi", [0.5, 0.9])
def test_decay_is_what_is_left_after_a_sample_whatever_the_noise(phi):
    found = [describe(decaying(phi, noise)) for noise in (0.0, 1.0)]
    names, memory = found[0][0], []
    for _, values, _ in found:
        np.testing.assert_allclose(values[:, names.index("decay of trace")], phi, atol=0.06)
        memory.append(np.tanh(values[:, names.index("memory of trace")]).mean())
    variance = 1 / (1 - phi**2)
    np.testing.assert_allclose(memory, [phi**2, phi**2 * variance / (variance + 1)], atol=0.05)


def test_short_rows_do_not_say_how_they_decay():
    names, values, _ = describe(decaying(0.9, 0.1, samples=199))
    assert len(names) == values.shape[1] == 6 and "decay of trace" not in names
    assert "decay of trace" in describe(decaying(0.9, 0.1, samples=200))[0]
