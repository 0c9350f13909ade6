"""Files of the program's own state: whatever is in them, the reader says which file it is and what to do."""

import json

import pytest

from celltype_cli.core.messages import UserError
from celltype_cli.core.states import SEALS, check_seal, read_json, read_state, seal, sealed


@pytest.mark.parametrize(
    "error",
    [ValueError("a\nb"), KeyError("x"), RecursionError(), MemoryError(), UserError("inner"), OSError(5, "broken")],
)
def test_whatever_a_parser_raises_names_the_file_and_the_way_out(tmp_path, error):
    def parse(path):
        raise error

    with pytest.raises(UserError, match=r"state cannot be read \(.*\): delete it; the same command makes it anew"):
        read_state(tmp_path / "state", parse)


def test_a_missing_file_is_not_to_be_deleted(tmp_path):
    with pytest.raises(UserError, match="state is missing: the same command makes it anew"):
        read_json(tmp_path / "state")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "JSONDecodeError"),
        ("\0" * 20, "JSONDecodeError"),
        ("[" * 100_000, "RecursionError|JSONDecodeError"),
        ("[1]", "expected an object, found list"),
        ('{"a": {"b": 1}}', "a.b is int, expected str"),
        ('{"a": 1}', "a.b is NoneType, expected str"),
    ],
)
def test_json_of_another_layout_is_refused(tmp_path, text, said):
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        read_json(path, {"a.b": str})
    path.write_text('{"a": {"b": "c"}, "more": 1}')
    assert read_json(path, {"a.b": str})["a"] == {"b": "c"}


def test_a_seal_holds_until_a_file_changes(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text(f"content of {name}")
    assert not sealed(tmp_path)
    check_seal(tmp_path / "a")  # never sealed: not looked at
    seal(tmp_path, "ab")
    assert sealed(tmp_path)
    (tmp_path / "a").write_text("content of")
    assert not sealed(tmp_path)
    check_seal(tmp_path / "b")
    with pytest.raises(ValueError, match="cut or changed"):
        check_seal(tmp_path / "a")
    (tmp_path / "a").unlink()
    assert not sealed(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", "[]", json.dumps({"a": 3})])
def test_a_damaged_seal_holds_nothing(tmp_path, text):
    (tmp_path / "a").write_text("a")
    (tmp_path / SEALS).write_text(text)
    assert not sealed(tmp_path)
