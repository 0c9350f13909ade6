"""Current-clamp sweeps in npz files."""

import numpy as np
import pytest
from made.sweeps import RATE, TRACES, check, write_npz

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.readers.files import read


def test_npz(tmp_path):
    check(read(write_npz(tmp_path / "a.npz")))
    assert [s.number for s in read(write_npz(tmp_path / "b.npz", number=None)).sweeps] == [0, 1, 2]


def test_npz_sweeps_of_unequal_length(tmp_path):
    traces = TRACES.copy()
    traces[1, 5500:] = np.nan
    assert [len(s.voltage) for s in read(write_npz(tmp_path / "a.npz", voltage=traces)).sweeps] == [6000, 5500, 6000]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"voltage": TRACES / 1e3},
            r"a\.npz cannot be used:\n  sweep 3: its voltage lies between -0\.07.*volts; expected mV",
        ),
        ({"current": TRACES * 1e-13}, r"sweep 3: its current lies between .*e-12.*amperes; expected pA"),
        ({"voltage": TRACES[0]}, r"voltage is float64 of shape \(6000,\); expected numbers \[sweep, time\]"),
        ({"current": TRACES[:2]}, r"current is float64 of shape \(2, 6000\); expected numbers of shape \(3, 6000\)"),
        ({"sampling_rate": None, "current": None}, "has no array current, sampling_rate; found voltage, number"),
        ({"sampling_rate": [RATE] * 3}, "sampling_rate is float64 of shape .*; expected one number"),
        ({"number": ["a", "b", "c"]}, "number is <U1 .*; expected one whole number"),
        ({"voltage": np.array([{}])}, "holds pickled objects, which could run code"),
        ({"voltage": 0 * TRACES}, r"no current-clamp sweep with its stimulus \(3: empty\)"),
    ],
)
def test_npz_of_another_kind(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        read(write_npz(tmp_path / "a.npz", **changes))


def test_a_channel_asked_of_a_file_of_one_cell_is_noted(tmp_path):
    path = write_npz(tmp_path / "a.npz")
    assert not read(path).notes
    assert "dataset.channel was passed over" in read(path, "left").notes[0]
