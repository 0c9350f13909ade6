"""YAML that people write: read with a guard, so that a mistake is a line with file and place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from celltype_cli.core.messages import UserError

ENTRIES = 20_000  # in a file, those that its anchors repeat counted each time


def read_mapping(path: Path) -> dict[Any, Any]:
    """Reads a file of lines `name: value`; an empty one has none.

    Raises:
        UserError: when it is no UTF-8 text, no YAML, holds a name twice, repeats itself without end, or is no mapping.
    """
    text = _text(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            return {}
        _entries(root, path, {}, set())
        if not isinstance(root, yaml.MappingNode):
            found = repr(root.value[:40]) if isinstance(root, yaml.ScalarNode) else "a list"
            raise _fault(path, root, f"expected lines `name: value`, found {found}")
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        found = " ".join(filter(None, [error.context, error.problem]))
        tab = "; a tab: YAML takes blanks" if "\\t" in found else ""
        raise UserError(
            f"{path}, line {(error.problem_mark.line if error.problem_mark else 0) + 1}: {found}{tab}"
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(f"{path}, line {line}: the character {error.character!r} cannot stand in YAML") from error
    except RecursionError as error:
        raise UserError(f"{path}: lists and mappings stand in each other too deeply") from error
    except (ValueError, TypeError) as error:  # a date that is none, a number of thousands of digits, a list as a name
        raise UserError(f"{path}: a value cannot be read: {str(error).splitlines()[0]}") from error


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}, line {line}: no UTF-8 text: save it as UTF-8") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def _entries(node: yaml.Node, path: Path, known: dict[int, int], above: set[int]) -> int:
    """Counts a node and all in it, repetitions by anchors too, without going through any twice."""
    if id(node) in above:
        raise _fault(path, node, "it holds itself")
    if id(node) not in known:
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            parts = node.value
        elif isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
            if twice := [name for name in names if names.count(name) > 1]:
                where = [key for key, _ in node.value if key.value == twice[0]][1]
                raise _fault(path, where, f"{twice[0]} stands here again")
            parts = [part for pair in node.value for part in pair]
        above.add(id(node))
        known[id(node)] = 1 + sum(_entries(part, path, known, above) for part in parts)
        above.discard(id(node))
        if known[id(node)] > ENTRIES:
            raise _fault(path, node, f"anchors repeat each other to more than {ENTRIES:,} entries")
    return known[id(node)]


def _fault(path: Path, node: yaml.Node, said: str) -> UserError:
    return UserError(f"{path}, line {node.start_mark.line + 1}: {said}")
