"""Runs a function in a process of its own, so that a damaged file that hangs or crashes a C library stops nothing else.

`isolated(read, path)` starts one worker, `python -m celltype_cli.core.isolated`, and keeps it for the next call; one
that died or took too long is replaced. Functions, arguments and results travel through its standard input and output
as pickles that only these two processes write: no bytes of the file are unpickled.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil

from celltype_cli.core.messages import UserError

Result = TypeVar("Result")
SECONDS = 20.0  # of computing, for a small file
BYTES_PER_SECOND = 2e6  # of a file of many small parts
PATIENCE = 5  # times as long for who waits, for a slow disk or the turn on a busy machine, and does not compute
_lock = threading.Lock()
_worker: subprocess.Popen | None = None


def isolated(function: Callable[..., Result], path: Any, *args: Any) -> Result:
    """Calls `function(path, *args)` in the worker and returns its result, or raises what it raised.

    Args:
        function: of a module (no method or closure), with arguments and a result that can be pickled.
        path: the file that it reads; a large one is given more time.

    Raises:
        UserError: when it takes too long or the process dies, which names the file; otherwise what the function raised.
    """
    size = Path(path).stat().st_size if Path(path).is_file() else 0
    seconds = SECONDS + size / BYTES_PER_SECOND
    call = pickle.dumps((function.__module__, function.__qualname__, (path, *args), seconds, Path.cwd()))
    with _lock:
        worker, late, answered = _running(), threading.Event(), threading.Event()
        threading.Thread(target=_watch, args=(worker, seconds, late, answered), daemon=True).start()
        try:
            _send(worker.stdin, call)
            done, value = pickle.loads(_receive(worker.stdout))
        except (OSError, EOFError) as error:
            _stop()
            how = f"takes more than {seconds:.0f} s to read" if late.is_set() else "crashes the library that reads it"
            raise UserError(f"{path}: {how}; it is damaged: copy it again from where it comes") from error
        except BaseException:  # Ctrl-C between question and answer: the next call would get this one's answer
            _stop()
            raise
        finally:
            answered.set()
    if not done:
        raise value
    return value


def _watch(worker: subprocess.Popen, seconds: float, late: threading.Event, answered: threading.Event) -> None:
    """Kills a worker that has computed for so long without an answer, or waited for much longer."""
    begin = _computed(worker)
    for _ in range(PATIENCE):
        if answered.wait(seconds):
            return
        if _computed(worker) - begin > 0.8 * seconds:
            break
    late.set()
    worker.kill()


def _computed(worker: subprocess.Popen) -> float:
    """Returns the seconds of computing that a process has had."""
    try:
        times = psutil.Process(worker.pid).cpu_times()
    except psutil.Error:  # it has ended
        return 0.0
    return times.user + times.system


def _running() -> subprocess.Popen:
    global _worker
    if _worker is None or _worker.poll() is not None:
        paths = os.pathsep.join(filter(None, sys.path))
        _worker = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the program, which then ends the worker
        )
    return _worker


def _stop() -> None:
    global _worker
    if _worker is not None:
        _worker.kill()
        for stream in (_worker.stdin, _worker.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        _worker.wait()
    _worker = None


atexit.register(_stop)


def _forget() -> None:
    """A forked child must not talk to its parent's worker."""
    global _worker, _lock
    _worker, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _send(stream: Any, message: bytes) -> None:
    stream.write(len(message).to_bytes(8, "little"))
    stream.write(message)
    stream.flush()


def _receive(stream: Any) -> bytes:
    head = stream.read(8)
    message = stream.read(int.from_bytes(head, "little")) if len(head) == 8 else b""
    if len(head) < 8 or len(message) < int.from_bytes(head, "little"):
        raise EOFError("the worker has ended")
    return message


def _serve() -> None:
    """Answers calls until its standard input ends."""
    import signal

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the answers
    while True:
        try:
            module, name, args, seconds, here = pickle.loads(_receive(sys.stdin.buffer))
        except EOFError:
            return
        if hasattr(signal, "alarm"):  # ends this process even inside a C library, should nobody be left to do it
            signal.alarm(PATIENCE * int(seconds) + 10)
        try:
            os.chdir(here)  # of who asks, for paths that begin there
            answer = (True, _named(module, name)(*args))
        except Exception as error:  # noqa: BLE001 - it is raised where the question came from
            error.__traceback__ = error.__cause__ = error.__context__ = None
            answer = (False, error)
        try:
            message = pickle.dumps(answer)
        except Exception:  # noqa: BLE001 - some errors of C libraries cannot be pickled
            message = pickle.dumps((False, UserError(f"{type(answer[1]).__name__}: {answer[1]}")))
        if hasattr(signal, "alarm"):
            signal.alarm(0)
        _send(answers, message)


def _named(module: str, name: str) -> Callable[..., Any]:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


if __name__ == "__main__":
    _serve()
