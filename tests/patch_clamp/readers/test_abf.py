"""Current-clamp files of Axon's format, written here, and real ones where at hand."""

import numpy as np
import pytest
from made.sweeps import RATE, SAMPLES, TRACES, write_abf

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.readers.files import find, read
from celltype_cli.patch_clamp.squares import long_squares


def test_abf(tmp_path):
    cell = read(write_abf(tmp_path / "2024_cell.abf", TRACES, step=(50, 20, 500, 4000)))
    assert [entry.cell_id for entry in find(tmp_path)[0]] == ["2024_cell"]
    assert [s.number for s in cell.sweeps] == [0, 1, 2]
    assert np.stack([s.voltage for s in cell.sweeps]) == pytest.approx(TRACES, abs=0.005)
    squares, _ = long_squares(cell.sweeps)
    assert [s.step.amplitude_pA for s in squares] == [50, 70, 90]
    assert {s.step.onset_s for s in squares} == {(SAMPLES // 64 + 500) / RATE}  # pClamp holds for a 64th of the sweep


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": ("pA", "mV")}, "is not of current clamp: recorded in pA with the command in mV"),
        ({"units": ("mV", "V")}, "is not of current clamp: recorded in mV with the command in V"),
        ({}, r"command is 0 pA in all of its 3 sweeps \(protocol: None\), and no recorded current shows"),
        ({"units": ("mV", "")}, "command is 0 pA in all"),
        ({"step": (0, 0, 500, 4000)}, "command is 0 pA in all"),
    ],
)
def test_abf_without_a_stimulus_in_current_clamp(tmp_path, options, message):
    path = write_abf(tmp_path / "a.abf", TRACES, **options)
    with pytest.raises(UserError, match=rf"a\.abf: .*{message}"):
        read(path)


@pytest.mark.parametrize(
    ("file", "duration_s", "sweeps", "squares", "rheobase", "hero"),
    [
        ("171116sh_0018", 0.5, 17, 17, 50, 100),
        ("17o05028_ic_steps", 0.5, 16, 16, 10, 50),
        ("18711001", 0.5, 30, 29, 70, 110),  # the first has a step of 0 pA
        ("2019_07_24_0055_fsi", 0.5, 17, 17, 25, 75),
    ],
)
def test_real_abf_files(shared_data, file, duration_s, sweeps, squares, rheobase, hero):
    """Their steps last half a second; three of them have two in a sweep, of which the first counts."""
    pytest.importorskip("pyabf", reason="extra abf is not installed")
    cell = read(shared_data / "patch_clamp" / "abf" / f"{file}.abf")
    two = chosen(cell.sweeps, duration_s)
    assert (len(cell.sweeps), len(two.squares)) == (sweeps, squares)
    assert (two.rheobase.step.amplitude_pA, two.hero.step.amplitude_pA) == (rheobase, hero)
    with pytest.raises(UserError, match=f"none of its {sweeps} sweeps is a long square of 1 s"):
        chosen(cell.sweeps)
