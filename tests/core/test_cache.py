"""Arrays are made once for what they are made of, and again when their file is broken."""

import numpy as np
import pytest

from celltype_cli.core.cache import cached
from celltype_cli.core.messages import UserError


class Maker:
    calls = 0

    def __call__(self):
        self.calls += 1
        return {"numbers": np.arange(3.0), "word": "why"}


def test_made_once(tmp_path):
    make = Maker()
    first, second = (cached(tmp_path / "cache", ["a", 1, None], make) for _ in range(2))
    assert make.calls == 1
    assert first["numbers"].tolist() == second["numbers"].tolist() == [0, 1, 2]
    assert str(first["word"]) == str(second["word"]) == "why"


def test_something_else_is_made_anew(tmp_path):
    make = Maker()
    for made_of in (["a", 1], ["a", 2], {"a": 1}):
        cached(tmp_path, made_of, make)
    assert make.calls == 3 and len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("keep", [0, 10, 200, -1])
def test_a_broken_file_is_made_again(tmp_path, keep):
    make = Maker()
    cached(tmp_path, 0, make)
    [file] = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:keep])
    assert cached(tmp_path, 0, make)["numbers"].tolist() == [0, 1, 2] and make.calls == 2
    assert cached(tmp_path, 0, make)["numbers"].tolist() == [0, 1, 2] and make.calls == 2


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(UserError, match="choose another folder"):
        cached(tmp_path / "cache", 0, Maker())


def test_nothing_is_left_when_making_fails(tmp_path):
    with pytest.raises(ZeroDivisionError):
        cached(tmp_path, 0, lambda: {"numbers": 1 / 0})
    assert not list(tmp_path.iterdir())
