"""How a store is reached: in time or not at all, and a server is known by whatever it answers."""

import io
import time
from urllib.error import HTTPError

import pytest

from celltype_cli.runs import tracking_store
from celltype_cli.runs.tracking_store import within


def test_time_is_up_and_errors_come_through():
    assert within(5, lambda: 3) == 3
    with pytest.raises(KeyError):
        within(5, lambda: {}["x"])
    with pytest.raises(TimeoutError, match=r"no answer within 0\.05 s"):
        within(0.05, lambda: time.sleep(1))


def test_a_server_is_knocked_at_without_the_name_and_password_in_its_address(monkeypatch):
    asked = []
    monkeypatch.setattr(tracking_store, "urlopen", lambda url, **_: asked.append(url) or io.BytesIO())
    tracking_store.knock("https://me:secret@lab.org:5000/mlflow/")
    assert asked == ["https://lab.org:5000/mlflow/health"]


def test_an_answer_that_is_an_error_is_an_answer(monkeypatch):
    def refuses(*_, **__):
        raise HTTPError("http://x", 401, "Unauthorized", {}, None)

    monkeypatch.setattr(tracking_store, "urlopen", refuses)
    tracking_store.knock("http://x")
    tracking_store.knock("databricks")
