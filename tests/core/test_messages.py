"""Messages for people: what is equal is counted, what is near is named, what a terminal obeys is written out."""

import errno
from pathlib import Path

import pytest

from celltype_cli.core.messages import UserError, counted, few, nearest_file, of_machine, printable, raise_faults

NAMES = ", ".join(f"cell_{k}.npz" for k in range(5))
ALIKE = ([f"cell_{k}.npz: has no rate" for k in range(60)], f"{NAMES}, and 55 more: has no rate")


@pytest.mark.parametrize(
    ("faults", "said"), [ALIKE, (["no trace"] * 3 + ["a: b", "a: c"], "no trace (3 times)\n  a: b\n  a: c")]
)
def test_what_is_said_of_many_is_said_once(faults, said):
    with pytest.raises(UserError) as error:
        raise_faults("folder", faults)
    assert str(error.value) == f"folder cannot be used:\n  {said}"
    assert few(f"{k}: fault" for k in range(9))[-1] == "and 4 more"


def test_codes_for_terminals_are_written_out():
    assert printable("PV\x1b[31m\x07 \x9b2J\nα\t") == "PV\\x1b[31m\\x07 \\x9b2J\nα\t"


def test_a_file_with_a_name_like_it_is_proposed_first_of_its_own_kind(tmp_path):
    for name in ("labels.csv", "traces.npz", "Traces_2.csv", ".traces.npz"):
        (tmp_path / name).write_text("")
    (tmp_path / "labels").mkdir()
    assert nearest_file(tmp_path / "lables.csv") == "; nearest: labels.csv"
    assert nearest_file(tmp_path / "traces_2.CSV") == "; nearest: Traces_2.csv"
    assert nearest_file(tmp_path / "traces.npy") == nearest_file(tmp_path / "traces") == "; nearest: traces.npz"
    assert nearest_file(tmp_path / "labels.cvs") == "; nearest: labels.csv"
    assert nearest_file(tmp_path / "lables") == "; nearest: labels"
    assert nearest_file(tmp_path / "other.csv") == ""


def test_a_folder_on_the_way_that_is_missing_is_named(tmp_path, monkeypatch):
    (tmp_path / "data" / "in").mkdir(parents=True)
    (tmp_path / "data" / "cells.csv").write_text("")
    missing = tmp_path / "dat"
    assert nearest_file(missing / "cells.csv") == f"; there is no folder {missing}; nearest: {tmp_path}/data/cells.csv"
    assert nearest_file(tmp_path / "nowhere" / "cells.csv") == f"; there is no folder {tmp_path}/nowhere"
    monkeypatch.chdir(tmp_path / "data")
    assert nearest_file(Path("data/cells.csv")) == "; there is no folder data; nearest: cells.csv"
    monkeypatch.chdir(tmp_path / "data" / "in")
    assert nearest_file(Path("cells.csv")) == "; nearest: ../cells.csv"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://x.org/a.npz", "it is an address: download it"),
        ("C:\\data\\a.npz", "it is a path of Windows"),
        ("$PLACE/a.npz", "type here/a.npz"),
        ("*.npz", "a pattern is not taken: name the folder"),
    ],
)
def test_what_is_no_path_here_is_said(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLACE", "here")
    (tmp_path / "b.npz").write_text("")
    assert said in nearest_file(Path(text))


def test_a_link_that_leads_nowhere_is_no_file_with_another_name(tmp_path):
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    assert nearest_file(tmp_path / "loop.csv") == "; it is a link that leads nowhere"
    (tmp_path / "folder.csv").mkdir()  # where a file was expected
    assert nearest_file(tmp_path / "folder.csv") == ""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), "a/b: the disk is full: make room"),
        (PermissionError(errno.EACCES, "Permission denied", "a"), "a: permission denied: choose another place"),
        (OSError(errno.EROFS, "Read-only file system", "a"), "a: read-only file system: choose another place"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a"), "a: No such file or directory"),
        (OSError(errno.EFBIG, "File too large"), "a file would grow beyond what this account may write"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "No such file or directory"),
        (MemoryError(), "the memory is not enough"),
    ],
)
def test_what_the_machine_refuses_is_worded(error, said):
    assert str(of_machine(error)).startswith(said)


def test_a_terminal_in_a_folder_that_is_gone_is_said_to_be_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    said = str(of_machine(FileNotFoundError(errno.ENOENT, "No such file or directory")))
    assert said.startswith("the folder in which this terminal stands was removed")


@pytest.mark.parametrize(("n", "said"), [(0, "0 cells"), (1, "1 cell"), (4472, "4,472 cells")])
def test_one_is_not_many(n, said):
    assert counted(n, "cell") == said
