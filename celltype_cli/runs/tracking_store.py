"""An MLflow store that may be slow, locked, damaged or gone: nothing asked of it takes long."""

from __future__ import annotations

import logging
import os
import sqlite3
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from celltype_cli.core.files import replacing

Answer = TypeVar("Answer")
ANSWER_S = 4.0  # for the answer of a server; doctor and a training go on after it
FILE_S = 120.0  # for a file of our own, of which SQLite itself says when it is locked: MLflow takes seconds to make one
UNLOCKED_S = 3.0  # other processes lock an SQLite file for milliseconds
# MLflow's own settings; unset, it asks a server 8 times with 120 s each, and keeps a file open that was removed.
PATIENCE = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "3",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
}


class Store:
    """MLflow's client, each call of which ends in time: with an answer or an error."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Connects; in the block no other process of ours makes a new SQLite file, whose migrations would collide.

        Raises:
            Exception: whatever says that the store cannot be used.
        """
        from filelock import FileLock
        from mlflow import MlflowClient

        for name, value in PATIENCE.items():
            os.environ.setdefault(name, value)
        for name in ("mlflow", "urllib3", "alembic"):  # they print steps, retries and tracebacks; `reason` is enough
            logging.getLogger(name).setLevel(logging.CRITICAL)
        if (file := sqlite_file(self.uri)) is None:
            self.client = within(self._patience, lambda: MlflowClient(self.uri))
            yield
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=FILE_S):
            _look_at(file) if file.exists() and not _empty(file) else self._make(file)
            self.client = within(self._patience, lambda: MlflowClient(self.uri))
            yield

    def _make(self, file: Path) -> None:
        """Makes an SQLite store, whole or not at all."""
        from mlflow import MlflowClient

        with replacing(file) as temporary:
            within(FILE_S, lambda: MlflowClient(f"sqlite:///{temporary.resolve()}").search_experiments(max_results=1))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Returns a method of the client."""
        method = getattr(self.client, name)
        # A server that takes a large file still has to take each part of it within MLflow's own time limit.
        seconds = FILE_S if name == "log_artifact" else self._patience
        return lambda *args, **kwargs: within(seconds, lambda: method(*args, **kwargs))

    @property
    def _patience(self) -> float:
        return ANSWER_S if sqlite_file(self.uri) is None else FILE_S


def within(seconds: float, function: Callable[[], Answer]) -> Answer:
    """Returns what a function returns, calling it in a thread of its own, which is left alone when time is up.

    Raises:
        TimeoutError: when it does not return in time.
        Exception: what it raised.
    """
    done: list[Answer] = []
    failed: list[BaseException] = []

    def call() -> None:
        try:
            done.append(function())
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that asked
            failed.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return done[0]


def knock(uri: str) -> None:
    """Raises an error where nobody answers at the address of a server, before MLflow, which takes seconds, is asked."""
    if not uri.startswith(("http://", "https://")):
        return
    parts = urlsplit(uri)
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2])  # a name and password are for MLflow
    try:
        urlopen(f"{place.geturl().rstrip('/')}/health", timeout=ANSWER_S).close()
    except HTTPError as error:  # is an answer: MLflow, which knows passwords, is asked
        error.close()
    except OSError as error:  # URLError is one
        why = getattr(error, "reason", error)
        if isinstance(why, TimeoutError):
            raise TimeoutError(f"no answer within {ANSWER_S:g} s") from error
        if not isinstance(why, ssl.SSLError):  # MLflow may be told to take it
            raise why if isinstance(why, OSError) else ConnectionError(why) from error


def sqlite_file(uri: str) -> Path | None:
    """Returns the file of an SQLite store; None of a server."""
    return Path(uri.removeprefix("sqlite:///").partition("?")[0]) if uri.startswith("sqlite:///") else None


def reason(error: BaseException) -> str:
    """Says in one sentence why a store cannot be used: what the system said of it, else what MLflow says."""
    said, cause = "", error
    while cause is not None:
        if isinstance(cause, sqlite3.Error):
            said = str(cause)
        elif isinstance(cause, OSError) and cause.strerror:
            said = cause.strerror
        cause = cause.__cause__ or cause.__context__
    lines = (said or str(error)).strip().splitlines() or [type(error).__name__]
    return lines[0].partition(". ")[0][:300].rstrip(".")


def _empty(file: Path) -> bool:
    return file.is_file() and not file.stat().st_size


def _look_at(file: Path) -> None:
    """Raises an error that names what is wrong with an SQLite file that is there; MLflow would try for a minute."""
    if not file.is_file():
        raise sqlite3.DatabaseError("it is no file: move it away")
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=UNLOCKED_S)) as connection:
        connection.execute("BEGIN IMMEDIATE")  # writes nothing
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.rollback()
