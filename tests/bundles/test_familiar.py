"""Whether a recording looks like the training cells: planted departures are found, new animals are not."""

import numpy as np
import pytest

from celltype_cli.bundles.familiar import compare, departures
from celltype_cli.bundles.training import Training, describe
from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import Cells


def cells_of(animals, each=4, seed=0, change=lambda trace: trace, rows=2):
    """Smoothed noise with a level and an amplitude of its own for each animal."""
    rng = np.random.default_rng(seed)
    n = animals * each
    of_animal = np.repeat(rng.normal(0, 0.1, (animals, 2)), each, axis=0)
    noise = rng.standard_normal((n * rows, 1, 300))
    smooth = sum(np.roll(noise, k, axis=2) for k in range(5))
    level, amplitude = np.repeat(of_animal, rows, axis=0)[:, :, None, None].transpose(1, 0, 2, 3)
    trace = change(0.2 + level + smooth * np.exp(amplitude) * 0.1)
    ids = np.repeat([f"s{seed}c{k}" for k in range(n)], rows)
    group = np.repeat([f"s{seed}m{k // each}" for k in range(n)], rows)
    about = About("toy", inputs={"trace": Input("dF/F", 30.0)})
    return Cells({"trace": trace.astype("f4")}, np.zeros(n * rows, int), ids, group, ("A", "B"), about)


TRAINING = Training.of(cells_of(8))


def verdict_on(cells):
    _, values, first = describe(cells)
    return compare(TRAINING, values, cells.group[first])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda trace: trace * 100, "100|level of trace"),
        (lambda trace: np.repeat(trace[..., ::3], 3, axis=2), "noise|smoothness"),
        (lambda trace: trace + np.random.default_rng(5).normal(0, 0.5, trace.shape), "noise|smoothness"),
        (lambda trace: trace - 1.5, "level of trace"),
    ],
)
def test_planted_departures_are_found_and_said(change, said):
    import re

    verdict = verdict_on(cells_of(2, seed=3, change=change))
    assert verdict.withheld and re.search(said, verdict.words())


def test_new_animals_are_not_flagged():
    verdicts = [verdict_on(cells_of(1, seed=seed)) for seed in range(1, 41)]
    assert sum(verdict.noted for verdict in verdicts) <= 2 and not any(verdict.withheld for verdict in verdicts)


def test_p_values_hold_where_cells_of_an_animal_resemble_each_other():
    rng = np.random.default_rng(0)

    def draw(animals, each=6, shared=0.5):
        mean = rng.normal(0, np.sqrt(shared), (animals, 3))
        x = np.repeat(mean, each, axis=0) + rng.normal(0, np.sqrt(1 - shared), (animals * each, 3))
        return x, np.repeat(np.arange(animals).astype(str), each)

    p = np.array([departures(*draw(8), *draw(1)).min() for _ in range(400)])
    assert (p < 0.05).mean() < 0.08  # cells taken as independent give 0.4


def test_one_animal_of_training_tells_nothing():
    one = Training.of(cells_of(1, each=6))
    _, values, first = describe(cells_of(1, seed=2))
    assert compare(one, values, np.array(["x"] * len(first))).p == 1


def test_neighbours_are_the_cells_themselves_where_they_are_known():
    verdict = verdict_on(cells_of(8))
    assert verdict.neighbours[:, 0].tolist() == list(range(32))
    assert np.allclose(verdict.distance[:, 0], 0) and (np.diff(verdict.distance, axis=1) >= 0).all()


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
    TRAINING.write(tmp_path / "training.npz")
    again = Training.read(tmp_path / "training.npz")
    assert again.names == TRAINING.names and again.examples["trace"].shape == (32, 1, 300)
    np.testing.assert_array_equal(again.values, TRAINING.values)
