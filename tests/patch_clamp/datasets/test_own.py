"""The user's own current-clamp recordings: files of all formats, broken ones beside good ones."""

import logging
import re

import numpy as np
import pytest
from made.configs import recordings
from made.spikes import ramp, short_square
from made.sweeps import NWB1, RATE, TRACES, load_folder, quiet_nwb2, three, write_abf, write_npz

from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.features import cell
from celltype_cli.patch_clamp.readers import files


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "recordings"
    made.mkdir()
    return made


@pytest.fixture
def nwb2():
    yield from quiet_nwb2()


def test_files_of_every_format(folder, nwb2):
    NWB1(folder)
    three(nwb2).write(folder / "sub" / "b.nwb")
    write_npz(folder / "c.NPZ.npz")
    cells = load_folder(folder)
    assert sorted(cells.cell_id) == ["464212183", "c.NPZ", "sub/b"]
    assert cells.shapes == {"scalogram": (2, 6, 8)}
    assert set(cells.label) == {UNLABELLED}
    assert cells.classes == ("Pvalb", "Sst")
    assert sorted(cells.group) == sorted(cells.cell_id)
    assert (cells.about.name, cells.about.group) == ("sweeps recordings", "donor")
    # The same three sweeps in all formats, but for the accuracy with which they are stored.
    assert np.allclose(cells.inputs["scalogram"], cells.inputs["scalogram"][:1], rtol=0.01, atol=0.01)


def test_one_file(folder):
    assert load_folder(write_npz(folder / "one.npz")).cell_id.tolist() == ["one"]
    assert load_folder(NWB1(folder).path).cell_id.tolist() == ["464212183"]
    broken = write_npz(folder / "two.npz", voltage=TRACES / 1e3)
    said = r"1 of 1 recordings of sweeps two\.npz, .* cannot be used:\n  cell two \(two\.npz\): .*volts"
    with pytest.raises(UserError, match=said):
        load_folder(broken)


def test_features(folder):
    pytest.importorskip("allensdk", reason="extra allen is not installed")
    path = write_npz(folder / "one.npz")
    cells = load_folder(folder, inputs=["features"], feature_set="long_square")
    assert [file.name for file in (folder.parent / "cache").iterdir()] == ["measured"]  # and no scalograms
    expected = cell.features(chosen(files.read(path).sweeps), "long_square")
    expected = {name: value for name, value in expected.items() if value == value}
    assert 70 in expected.values()  # pA: the rheobase
    assert cells.about.of("features").columns == tuple(expected)
    assert cells.inputs["features"][0] == pytest.approx([*expected.values()])


def test_all_features_are_of_ramps_and_short_squares_too(folder):
    """One cell has both, another only a ramp; the third, which has neither, is of no less use."""
    pytest.importorskip("allensdk", reason="extra allen is not installed")
    write_npz(folder / "a.npz", ramp(1.0, 1.2, rate=RATE), short_square(0.004, 0.3, rate=RATE))
    write_npz(folder / "b.npz", ramp(1.5, rate=RATE))
    write_npz(folder / "c.npz")
    cells = load_folder(folder, inputs=["features"], feature_set="all")
    table = dict(zip(cells.about.of("features").columns, cells.inputs["features"].T))
    assert table["threshold_i_ramp (pA)"] == pytest.approx([25, 37.5, np.nan], abs=0.2, nan_ok=True)
    assert table["threshold_i_short_square (pA)"] == pytest.approx([400, np.nan, np.nan], nan_ok=True)
    assert table["threshold_i_long_square (pA)"] == pytest.approx([70, 70, 70])
    fewer = load_folder(folder, inputs=["features"], feature_set="long_square")
    assert not [name for name in fewer.about.of("features").columns if "ramp" in name or "short" in name]


def broken_ones(folder, nwb2):
    """One good file, and one of each kind that cannot be used."""
    write_npz(folder / "good.npz")
    whole = three(nwb2).write(folder / "truncated.nwb")
    whole.write_bytes(whole.read_bytes()[:-1000])
    write_npz(folder / "volts.npz", voltage=TRACES / 1e3)
    write_npz(folder / "flat.npz", current=np.zeros_like(TRACES) + 5.0)
    write_npz(folder / "one_missing.npz", voltage=TRACES[:2], current=np.load(folder / "good.npz")["current"][:2],
              number=[3, 5])  # fmt: skip
    write_abf(folder / "voltage_clamp.abf", TRACES, units=("pA", "mV"))


REASONS = {
    "flat.npz": "none of its 3 sweeps is a long square of 1 s (3: no current step above its noise and 1 pA)",
    "one_missing.npz": "no spiking long square between 109 and 131 pA",
    "truncated.nwb": "cannot be read as NWB, it is truncated or in another format",
    "voltage_clamp.abf": "is not of current clamp: recorded in pA with the command in mV",
    "volts.npz": "sweep 3: its voltage lies between -0.0702 and -0.0698, which looks like volts; expected mV, "
    "usually -150 to 100 mV (and other faults)",
}


def test_each_unusable_file_gives_one_line_and_stops_no_other(folder, nwb2, caplog):
    broken_ones(folder, nwb2)
    with caplog.at_level(logging.WARNING, "celltype"):
        cells = load_folder(folder)
    assert cells.cell_id.tolist() == ["good"]
    assert len(caplog.messages) == len(REASONS)
    for message, (file, reason) in zip(caplog.messages, REASONS.items()):
        assert message.startswith(f"left out: cell {file.rpartition('.')[0]} ({file}): {reason}")
        assert "\n" not in message
        assert str(folder) not in message
    assert cells.about.notes[0] == (
        "5 of 6 recordings cannot be used and were left out (unlabelled 5): 1: none of its ... sweeps is a long square "
        "of ... s; 1: no spiking long square between ... and ... pA; 1: cannot be read as NWB; 1: is not of current "
        "clamp; 1: its voltage lies between ... and ..."
    )


def test_unusable_files_may_be_an_error(folder, nwb2):
    broken_ones(folder, nwb2)
    with pytest.raises(UserError, match=r"5 of 6 recordings of .* \(prepare\.unusable=drop leaves them out\)") as error:
        load_folder(folder, unusable="error")
    assert all(f" ({file}): {reason}" in str(error.value) for file, reason in REASONS.items())
    (folder / "good.npz").unlink()
    with pytest.raises(UserError, match=r"5 of 5 recordings of .*, for steps of prepare\.duration_s=1 s, cannot be"):
        load_folder(folder)


def test_sweeps_left_out_are_counted(folder):
    """Of two cells: one sweep of voltage clamp in NWB 1, one empty in npz."""
    NWB1(folder).add(0, np.zeros(100), np.zeros(100), units=(b"A", b"V"))
    current = np.load(write_npz(folder / "a.npz"))["current"]
    write_npz(folder / "a.npz", voltage=[*TRACES, 0 * TRACES[0]], current=[*current, current[0]], number=[3, 5, 9, 10])
    assert load_folder(folder).about.notes[0] == "2 sweeps were left out (1: empty; 1: voltage clamp)"


def test_what_is_wrong_with_a_sweep_is_said_with_its_numbers(folder):
    """Of two cells: two overloaded sweeps in one, one in the other, told once with the first."""
    for name, bad in (("a", (1200.0, 1300.0)), ("b", (1400.0,))):
        voltage = [*TRACES, *(np.where(np.arange(len(TRACES[0])) < 200, top, TRACES[0]) for top in bad)]
        current = np.load(write_npz(folder / f"{name}.npz"))["current"]
        numbers = [3, 5, 9, *range(10, 10 + len(bad))]
        write_npz(folder / f"{name}.npz", voltage=voltage, current=[*current, *current[: len(bad)]], number=numbers)
    (note,) = [note for note in load_folder(folder).about.notes if "were left out" in note]
    assert re.match(r"3 sweeps were left out \(3: its voltage lies between -7.* and 1.2e.*; as in sweep 10\)", note), (
        note
    )


def test_other_protocols(folder):
    write_npz(folder / "slow.npz", sampling_rate=2 * RATE)  # the same samples make steps of 0.5 s
    cells = load_folder(folder, duration_s=0.5)
    assert cells.about.of("scalogram").axes[1].last < 600
    assert "steps last 0.5 s" in cells.about.notes[0]
    write_npz(folder / "slow.npz")
    assert len(load_folder(folder, hero_pA=[30, 50])) == 1
    with pytest.raises(UserError, match="between 72 and 75 pA"):
        load_folder(folder, hero_pA=[2, 5])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": "/nowhere.csv"}, "dataset.labels=/nowhere.csv does not exist"),
        ({"duration_s": -1.0}, "duration_s=-1.0 is out of range, expected a number above 0"),
        ({"size": [64]}, r"size=\[64\] is out of range, expected a list"),
        ({"size": [0, 64]}, r"size\[0\]=0 is out of range"),
        ({"unusable": "skip"}, "unusable=skip is text, expected one of drop, error"),
        ({"inputs": ["trace"]}, "prepare.inputs=trace is none of features, scalogram"),
        ({"hero_pA": [61, 39]}, r"prepare.hero_pA=\[61, 39\] must be two rising numbers of pA"),
        ({"feature_set": "al", "inputs": ["features"]}, "prepare.feature_set=al is none of two_sweep, long_sq"),
        ({"path": "/nowhere"}, "dataset.path=/nowhere does not exist"),
        ({}, "recordings holds no file ending in .nwb, .abf, .npz"),
    ],
)
def test_settings_that_cannot_be(folder, changes, message):
    if not {"labels", "path"} & {*changes} and changes:
        write_npz(folder / "a.npz")
    with pytest.raises(UserError, match=message):
        load_folder(folder, **changes)
    assert not (folder.parent / "cache").exists()  # nothing was measured before


def test_labels_are_known_before_a_file_is_read(folder):
    """So that a line about a recording that cannot be used, and the counts of classes, have them."""
    write_npz(folder / "a.npz")
    (folder / "b.abf").write_bytes(b"cut off")
    csv = folder.parent / "labels.csv"
    csv.write_text("file,cell_id,label,group,source\na,mine,Sst,m1,lab\nb,other,Pvalb,m2,lab\n")
    found = recordings("sweeps", path=folder, labels=csv, classes=["Pvalb", "Sst"])
    mine, other = found.entries
    assert [mine.cell_id, mine.label, mine.group, mine.source, mine.file] == ["mine", "Sst", "m1", "lab", "a.npz"]
    assert (found.classes, other.cell_id, other.label) == (("Pvalb", "Sst"), "other", "Pvalb")
    assert [sweep.number for sweep in mine.read().sweeps] == [3, 5, 9]
    with pytest.raises(UserError, match=r"b\.abf: is no NWB, ABF, npz or ibw file"):
        other.read()
    assert load_folder(folder, labels=csv).about.notes == (
        "1 of 2 recordings cannot be used and were left out (Pvalb 1): 1: is no NWB",
    )


def test_real_recordings(shared_data, tmp_path, caplog):
    cells = load_folder(shared_data / "patch_clamp" / "nwb", cache=tmp_path)
    assert sorted(cells.cell_id)[0] == "555060623"
    assert cells.n_cells == 2
    assert cells.about.notes[0].startswith("1 of 3 recordings cannot be used and were left out (unlabelled 1): 1: none")
    assert "left out: cell 99111002 (99111002.nwb): none of its 16 sweeps is a long square" in caplog.text
    # The same two sweeps, in the layouts of the Cell Types Database and of DANDI 000020.
    assert np.allclose(*cells.inputs["scalogram"], rtol=1e-3, atol=1e-2)
