"""What is read from source files without importing them."""

import sys

import pytest

from celltype_cli.core.code import digest, imported, kept_digests, path_arguments

USERS = """
from __future__ import annotations
from dataclasses import dataclass
import pathlib
from pathlib import Path
from celltype_cli.patch_clamp.datasets.own import load as own

raise SystemExit("imported")

def load(*, path: str | Path, other: pathlib.Path | None = None, name: str): ...

class Model:
    def __init__(self, shapes, weights: Path | None, width: int = 3): ...

class Wider(Model): ...

@dataclass
class Fields:
    folder: Path
    depth: int = 3
"""


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("celltype_cli.patch_clamp.datasets.own.load", {"path", "labels"}),
        ("users_code.load", {"path", "other"}),
        ("users_code.own", {"path", "labels"}),
        ("users_code.Model", {"weights"}),
        ("users_code.Wider", {"weights"}),
        ("users_code.Fields", {"folder"}),
        ("users_code.nothing", set()),
        ("sklearn.svm.SVC", set()),
        ("nowhere.load", set()),
        ("", set()),
    ],
)
def test_settings_of_files_are_known_by_their_annotation(target, expected, tmp_path, monkeypatch):
    (tmp_path / "users_code.py").write_text(USERS)
    monkeypatch.syspath_prepend(tmp_path)
    assert path_arguments(target) == expected
    assert "users_code" not in sys.modules


def test_relative_imports_are_followed(tmp_path, monkeypatch):
    package = tmp_path / "users_package"
    package.mkdir()
    (package / "__init__.py").write_text("from .loader import load\nfrom . import loader")
    (package / "loader.py").write_text("from pathlib import Path\ndef load(*, file: Path): ...")
    monkeypatch.syspath_prepend(tmp_path)
    assert path_arguments("users_package.load") == {"file"}
    assert imported({"users_package"}) == {"users_package", "users_package.loader"}


@pytest.mark.parametrize("damage", [None, b"", b"[1]", b"3", b"{", b"\xff", b"[" * 100_000])
def test_digests_are_kept_and_a_damaged_store_is_made_anew(damage, tmp_path):
    store, file = tmp_path / "kept" / "digests.json", tmp_path / "data.bin"
    file.write_bytes(b"recorded")
    if damage is not None:
        store.parent.mkdir()
        store.write_bytes(damage)
    with kept_digests(store) as digest_of:
        assert digest_of(file) == digest(file)
    text = store.read_text()
    store.write_text(text.replace(digest(file), "known"))
    with kept_digests(store) as digest_of:
        assert digest_of(file) == "known"
        file.write_bytes(b"recorded anew")
        assert digest_of(file) == digest(file)
