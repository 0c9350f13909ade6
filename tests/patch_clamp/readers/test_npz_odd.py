"""npz files that claim what cannot be."""

import zipfile

import numpy as np
import pytest
from made.sweeps import AMPLITUDES, TRACES, check, current, write_npz

from celltype_cli.core import memory
from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.readers.files import find, read


@pytest.mark.parametrize("number", [[3, np.nan, 9], [3, np.inf, 9], [3, 5.5, 9], [1e300, 2, 3]])
def test_numbers_of_sweeps_are_whole(tmp_path, number):
    with pytest.raises(UserError, match=r"a\.npz: number holds \[.*\]; expected one whole number for each sweep"):
        read(write_npz(tmp_path / "a.npz", number=number))


def test_one_bad_sweep_of_several(tmp_path):
    voltage = np.concatenate([TRACES, TRACES[:1] / 1e3])
    current = np.load(write_npz(tmp_path / "a.npz"))["current"]
    path = write_npz(tmp_path / "a.npz", voltage=voltage, current=[*current, current[0]], number=[3, 5, 9, 10])
    check(read(path), **{"its voltage lies between ... and ...": 1})


def test_what_is_not_needed_is_not_unpacked(tmp_path, monkeypatch):
    path = write_npz(tmp_path / "a.npz")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("pictures.npy", b"no array at all")
    check(read(path))
    monkeypatch.setattr(memory, "LITTLE", 0)
    monkeypatch.setattr(memory, "available", lambda: 1000)
    with pytest.raises(UserError, match=r"a\.npz: its arrays need .* GB of memory"):
        read(path)


def test_rates_in_other_units(tmp_path):
    with pytest.raises(UserError, match="its sampling rate is 4 Hz, which looks like kHz; expected 1,000 to"):
        read(write_npz(tmp_path / "a.npz", sampling_rate=4.0))
    with pytest.raises(UserError, match="its sampling rate is 0.00025 Hz, which looks like a period"):
        read(write_npz(tmp_path / "a.npz", sampling_rate=1 / 4000))


def test_transposed_arrays(tmp_path):
    current = np.load(write_npz(tmp_path / "a.npz"))["current"]
    with pytest.raises(UserError, match=r"expected \[sweep, time\]: save the transposed arrays"):
        read(write_npz(tmp_path / "a.npz", voltage=TRACES.T, current=current.T, number=np.arange(TRACES.shape[1])))


def test_arrays_by_other_names(tmp_path):
    path = write_npz(tmp_path / "a.npz", animal="m1")
    assert read(path).notes == ("arrays: not read: animal",)
    arrays = dict(np.load(path))
    np.savez(path, Vm=arrays.pop("voltage"), **arrays)
    with pytest.raises(UserError, match="has no array voltage; nearest: Vm; found"):
        read(path)


def test_a_stimulus_that_ends_in_nan_ends_the_sweep(tmp_path):
    currents = np.stack([current(number) for number in AMPLITUDES])
    currents[:, 5900:] = np.nan
    found = read(write_npz(tmp_path / "a.npz", current=currents))
    assert [len(sweep.voltage) for sweep in found.sweeps] == [5900] * 3 and not found.left_out
    currents[0, 100] = np.nan
    assert read(write_npz(tmp_path / "a.npz", current=currents)).left_out["values missing within the sweep"] == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.dat", b"DAT2\0\0\0\0", "HEKA's Patchmaster: export it to NWB"),
        ("a.atf", b"ATF\t1.0\n", "save its sweeps as npz"),
        ("a.smr", b"\x09\0(C) CED", "neo reads most such"),
        ("a.xyz", b"other bytes", "is it complete"),
    ],
)
def test_files_of_other_programs_say_what_to_do(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=said):
        read(tmp_path / name)
    if said != "is it complete":
        with pytest.raises(UserError, match=f"holds no file ending in .*{said}"):
            find(tmp_path)
