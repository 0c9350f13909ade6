"""Files that people write: what is wrong is said with file and line, in a blink."""

import pytest

from celltype_cli.core.messages import UserError
from celltype_cli.core.yaml_files import read_mapping

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefg", "bcdefgh")
)
WRONG = {
    "a tab": (b"defaults: [rnn]\nhidden:\t7\n\tx: 3\n", "line 2: .*a tab: YAML takes blanks"),
    "a name twice": (b"x: 1\nhidden: 7\nhidden: 8\n", "line 3: hidden stands here again"),
    "NUL": (b"x: 1\nhidden: 7\0\n", "line 2: the character"),
    "Latin-1": (b"x: 1\ny: caf\xe9\n", "line 2: no UTF-8 text"),
    "a number": (b"3\n", "line 1: expected lines `name: value`, found '3'"),
    "a list": (b"- 3\n", "line 1: expected lines"),
    "itself": (b"a: &a [*a]\n", "line 1: it holds itself"),
    "an anchor that is not there": (b"a: *b\n", "line 1: .*undefined alias"),
    "depth": (b"a: " + b"[" * 5000 + b"]" * 5000, "too deeply"),
    "a bomb": (BOMB.encode(), "line 5: anchors repeat each other"),
    "a date that is none": (b"a: 2020-13-45\n", "a value cannot be read: month must be"),
    "a number of 5000 digits": (b"a: " + b"9" * 5000, "a value cannot be read"),
    "a tag": (b"a: !!python/object/apply:os.system [ls]\n", "line 1: could not determine a constructor"),
    "a list as a name": (b"? [a]\n: 3\n", "line 1: .*unhashable key"),
    "no end": (b"a: [1\n", "line 2: .*expected ',' or ']'"),
    "two documents": (b"a: 1\n---\nb: 2\n", "line 2: .*expected a single document"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_with_its_place(tmp_path, wrong):
    content, said = WRONG[wrong]
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(UserError, match=said) as error:
        read_mapping(tmp_path / "mine.yaml")
    assert str(error.value).startswith(str(tmp_path / "mine.yaml"))
    assert len(str(error.value)) < 400


def test_what_is_right_is_read(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("a: &a {x: 1}\nb: {<<: *a, y: [2, 3]}\n")
    assert read_mapping(file) == {"a": {"x": 1}, "b": {"x": 1, "y": [2, 3]}}
    file.write_text("# nothing\n")
    assert read_mapping(file) == {}
    with pytest.raises(UserError, match="cannot be read"):
        read_mapping(tmp_path)
