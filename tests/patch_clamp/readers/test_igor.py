"""Igor binary waves, written here (version 2), and real ones where at hand."""

import struct

import numpy as np
import pytest
from made.sweeps import AMPLITUDES, RATE, check, current, load_folder, voltage

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.readers.files import find, read
from celltype_cli.patch_clamp.readers.igor import cell_of


@pytest.fixture
def igor():
    pytest.importorskip("igor2", reason="extra igor is not installed")


def write_wave(path, values, unit, step=1 / RATE, time="s"):
    """Header of 16 bytes, description of 110, then single precision."""
    data = np.asarray(values, "<f4").tobytes()
    wave = bytearray(110)
    struct.pack_into("<h", wave, 0, 2)  # single precision
    struct.pack_into("<20s", wave, 6, path.stem[:18].encode())
    struct.pack_into("<4s4s", wave, 34, unit.encode(), time.encode())
    struct.pack_into("<i", wave, 42, len(values))
    struct.pack_into("<d", wave, 48, step)
    head = struct.pack("<hiii", 2, len(wave) + 16 + len(data), 0, 0)  # 16 bytes of padding follow the data
    total = sum(struct.unpack("<63h", (head + b"\0\0" + bytes(wave)))) & 0xFFFF
    path.write_bytes(
        head + struct.pack("<h", -total if total < 2**15 else 2**16 - total) + bytes(wave) + data + bytes(16)
    )
    return path


def write_cell(folder, name="cell1_X", units=("A", "V"), factors=(1e-12, 1e-3), **options):
    for number in AMPLITUDES:
        for k, (values, unit, factor) in enumerate(zip((current(number), voltage(number)), units, factors)):
            write_wave(folder / f"{name}_ch{k}_{number}.ibw", values * factor, unit, **options)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("day/C060109A1-SR-C1_X_IDrest_ch0_327.ibw", "day/C060109A1-SR-C1_X_IDrest"),
        ("cell2_327_ch1.ibw", "cell2"),
        ("a_Chan2_3.IBW", "a"),
        ("research1_5.ibw", "research1_5.ibw"),
        ("cell_ch0_1.abf", "cell_ch0_1.abf"),
    ],
)
def test_names_of_cells(name, cell):
    assert cell_of(name) == cell


def test_waves_of_a_cell_are_one_recording(tmp_path, igor):
    folder = tmp_path / "recordings"
    folder.mkdir()
    write_cell(folder)
    write_cell(folder, "cell2_Y", units=("nA", "mV"), factors=(1e-3, 1.0), step=1e3 / RATE, time="ms")
    entries, notes = find(folder)
    assert [(entry.cell_id, entry.file) for entry in entries] == [
        ("cell1_X", "cell1_X_ch0_3.ibw"),
        ("cell2_Y", "cell2_Y_ch0_3.ibw"),
    ]
    assert (notes, len(entries[0].made_of[1])) == ([], 6)
    for entry in entries:
        check(entry.read())
    assert load_folder(folder).cell_id.tolist() == ["cell1_X", "cell2_Y"]


def test_waves_that_lack_another_or_are_broken(tmp_path, igor):
    write_cell(tmp_path)
    write_wave(tmp_path / "cell1_X_ch1_20.ibw", voltage(3) / 1e3, "V")
    write_wave(tmp_path / "cell1_X_ch0_21.ibw", current(3), "furl")
    (tmp_path / "cell1_X_ch1_21.ibw").write_bytes((tmp_path / "cell1_X_ch1_3.ibw").read_bytes()[:90])
    cell = read(tmp_path / "cell1_X_ch0_3.ibw")
    assert [s.number for s in cell.sweeps] == [3, 5, 9]
    assert cell.left_out.total() == 3
    assert (
        cell.left_out[
            "it has 1 waves in volts and 0 in amperes; expected one of each, named as cell_ch0_3 and cell_ch1_3"
        ]
        == 1
    )
    assert cell.left_out["is in furl; expected volts or amperes"] == 1


def test_without_igor2(tmp_path, monkeypatch):
    write_cell(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "igor2", None)
    with pytest.raises(UserError, match=r"igor2 is missing .*: pip install 'celltype\[igor\]'"):
        read(tmp_path / "cell1_X_ch0_3.ibw")


def test_real_waves(shared_data, igor):
    """Of the Blue Brain Project: a step of 2 s in each of three sweeps."""
    folder = shared_data / "patch_clamp" / "bbp_sscx_rat_L5PC" / "ibw_samples"
    [entry], _ = find(folder)
    assert entry.cell_id == "C060109A1-SR-C1_X_IDrest"
    cell = entry.read()
    assert ([s.number for s in cell.sweeps], {s.sampling_rate for s in cell.sweeps}) == ([327, 330, 337], {4000.0})
    assert all(-80 < np.median(s.voltage[:1000]) < -65 and s.voltage.max() > 30 for s in cell.sweeps)


@pytest.mark.parametrize(("step", "time"), [(1 / RATE, ""), (1e3 / RATE, ""), (1 / RATE, "sec")])
def test_waves_without_a_unit_of_time(tmp_path, igor, step, time):
    """Seconds, or, where no sample lasts so long, milliseconds."""
    write_cell(tmp_path, step=step, time=time)
    cell = read(tmp_path / "cell1_X_ch0_3.ibw")
    check(cell)
    said = "its waves name no unit of time: their steps were taken for 4,000 Hz"
    assert cell.notes == (() if time else (said,))


def test_waves_whose_points_are_numbered(tmp_path, igor):
    write_cell(tmp_path, step=1.0, time="")
    with pytest.raises(UserError, match=r"its points are numbered, and not in time \(dx = 1 without a unit\)"):
        read(tmp_path / "cell1_X_ch0_3.ibw")
