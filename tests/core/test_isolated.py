"""A file that hangs or crashes a C library ends its reader's process, and nothing else."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from celltype_cli.core import isolated as room
from celltype_cli.core.isolated import isolated
from celltype_cli.core.messages import UserError


@pytest.fixture(autouse=True)
def functions(tmp_path, monkeypatch):
    """The worker reads functions from modules; these are of one that lies on its path."""
    (tmp_path / "readers_of_test.py").write_text(
        "import os, signal, time\n"
        "from celltype_cli.core.messages import UserError\n"
        "def size(path, factor): print('noise'); return os.path.getsize(path) * factor\n"
        "def refuse(path): raise UserError(f'{path}: refused')\n"
        "def crash(path): os.kill(os.getpid(), signal.SIGSEGV)\n"
        "def hang(path): time.sleep(60)\n"
        "def pid(path): return os.getpid()\n"
        "class Odd(Exception):\n"
        "    def __init__(self, a, b): super().__init__(a); self.b = lambda: b\n"
        "def odd(path): raise Odd('strange', 2)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    room._stop()
    yield
    room._stop()


@pytest.fixture
def read(tmp_path):
    import readers_of_test

    (tmp_path / "file").write_bytes(b"1234")
    return lambda name, *args: isolated(getattr(readers_of_test, name), tmp_path / "file", *args)


def test_results_and_errors_come_back(read):
    assert read("size", 3) == 12
    with pytest.raises(UserError, match="file: refused"):
        read("refuse")
    with pytest.raises(UserError, match="Odd: strange"):
        read("odd")
    assert read("size", 1) == 4


def test_a_crash_is_said_and_the_next_file_is_read(read):
    with pytest.raises(UserError, match="file: crashes the library that reads it"):
        read("crash")
    assert read("size", 2) == 8


def test_a_hang_ends_in_time(read, monkeypatch):
    monkeypatch.setattr(room, "SECONDS", 1.0)
    begin = time.monotonic()
    with pytest.raises(UserError, match="file: takes more than 1 s to read"):
        read("hang")
    assert time.monotonic() - begin < 10
    assert read("size", 2) == 8


def test_one_worker_serves_many_files_and_is_replaced(read):
    first = read("pid")
    assert first == read("pid") != os.getpid()
    os.kill(first, signal.SIGKILL)
    room._worker.wait()
    assert read("pid") != first


def test_arrays_travel(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(5))
    assert isolated(np.load, Path(tmp_path / "a.npy")).tolist() == [0, 1, 2, 3, 4]


def test_paths_begin_where_the_caller_is(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(name)
        monkeypatch.chdir(tmp_path / name)
        assert isolated(Path.read_text, Path("x.txt")) == name
