"""Scalograms on disk: what is found again and what is made again, and what an interruption leaves."""

import os
import threading
import time

import numpy as np
import pytest

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp import scalogram_cache
from celltype_cli.patch_clamp import scalograms as transform
from celltype_cli.patch_clamp.scalogram_cache import kept, scalograms

SETTINGS = {"size": (6, 8), "sampling_rate": 1000.0}
WINDOWS = np.random.default_rng(0).normal(size=(3, 2, 240)).astype(np.float32)


@pytest.fixture
def transformed(monkeypatch):
    """Counts the cells that are transformed."""
    calls, original = [], transform.scalogram

    def counted(window, **settings):
        calls.append(window)
        return original(window, **settings)

    monkeypatch.setattr(transform, "scalogram", counted)
    return calls


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_values_are_those_of_the_transform(tmp_path):
    images = scalograms(WINDOWS, folder=tmp_path / "new" / "cache", **SETTINGS)
    assert images.shape == (3, 2, 6, 8)
    for image, window in zip(images, WINDOWS):
        assert np.array_equal(image, transform.scalogram(window, **SETTINGS))


def test_they_are_mapped_and_cannot_be_changed(tmp_path):
    images = scalograms(WINDOWS, folder=tmp_path, **SETTINGS)
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_they_are_made_once(tmp_path, transformed):
    first = scalograms(WINDOWS, folder=tmp_path, **SETTINGS)
    assert len(transformed) == 1 + 3  # one cell is transformed to know the shape
    again = scalograms(WINDOWS.copy(), folder=tmp_path, size=[6, 8], sampling_rate=1000.0)
    assert len(transformed) == 4 + 1
    assert np.array_equal(first, again)
    assert len(names(tmp_path)) == 1


def test_images_of_any_making_are_asked_for_only_where_they_are_not_kept(tmp_path):
    images, shape = np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3), (2, 2, 2, 3)
    left = iter(images)
    for _ in range(2):
        found = kept(tmp_path / "new" / "images.npy", shape, left)
        assert isinstance(found, np.memmap) and np.array_equal(found, images)
    assert np.array_equal(kept(tmp_path / "new" / "images.npy", (1, 2, 2, 3), images[1:]), images[1:])


def test_other_content_settings_or_code_make_another_file(tmp_path, monkeypatch):
    monkeypatch.setattr(scalogram_cache, "BLOCK", 2)  # the last cell is in the second block
    scalograms(WINDOWS, folder=tmp_path, **SETTINGS)
    one_value = WINDOWS.copy()
    one_value[2, 1, 239] += 1e-6
    scalograms(one_value, folder=tmp_path, **SETTINGS)
    scalograms(WINDOWS[::-1].copy(), folder=tmp_path, **SETTINGS)
    scalograms(WINDOWS, folder=tmp_path, **SETTINGS, high=100.0)
    assert len(names(tmp_path)) == 4
    changed = tmp_path / "scalograms.py"
    changed.write_bytes(b"# changed")
    monkeypatch.setattr(transform, "__file__", str(changed))
    scalograms(WINDOWS, folder=tmp_path, **SETTINGS)
    assert len(names(tmp_path)) == 1 + 5


@pytest.mark.parametrize("stop", [KeyboardInterrupt, UserError])
def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch, stop):
    original = transform.scalogram

    def interrupted(window, **settings):
        if np.array_equal(window, WINDOWS[1]):
            assert len(names(tmp_path)) == 1  # the temporary file, of which one cell is written
            raise stop
        return original(window, **settings)

    monkeypatch.setattr(transform, "scalogram", interrupted)
    with pytest.raises(stop):
        scalograms(WINDOWS, folder=tmp_path, **SETTINGS)
    assert names(tmp_path) == []


@pytest.mark.parametrize("damage", ["cut", "empty", "garbage", "other shape"])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    whole = np.array(scalograms(WINDOWS, folder=tmp_path, **SETTINGS))
    [file] = tmp_path.iterdir()
    content = file.read_bytes()
    other = {"cut": content[:-1], "empty": b"", "garbage": b"<html>", "other shape": content}[damage]
    file.write_bytes(other)
    if damage == "other shape":
        np.save(file, whole[:2])
    again = scalograms(WINDOWS, folder=tmp_path, **SETTINGS)
    assert np.array_equal(again, whole)
    assert file.read_bytes() == content


def test_two_that_write_at_once_do_no_harm(tmp_path, monkeypatch):
    original, together = transform.scalogram, threading.Barrier(2, timeout=20)
    found = {}

    def meeting(window, **settings):
        if np.array_equal(window, WINDOWS[1]):
            together.wait()  # both have begun to write, neither is done
        return original(window, **settings)

    monkeypatch.setattr(transform, "scalogram", meeting)
    threads = [
        threading.Thread(target=lambda k=k: found.update({k: scalograms(WINDOWS, folder=tmp_path, **SETTINGS)}))
        for k in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [original(window, **SETTINGS) for window in WINDOWS]
    assert all(np.array_equal(found[k], expected) for k in range(2))
    assert len(names(tmp_path)) == 1


def test_what_killed_processes_left_is_removed_after_an_hour(tmp_path):
    scalograms(WINDOWS, folder=tmp_path, **SETTINGS)
    [file] = tmp_path.iterdir()
    old, young, other = (
        tmp_path / f".{stem}.npy" for stem in (f"{file.stem}-1a", f"{file.stem}-2b", "scalograms-3-4c")
    )
    for left in (old, young, other):
        left.write_bytes(b"")
    for left in (old, other):
        os.utime(left, times=(time.time() - 3601,) * 2)
    file.unlink()
    scalograms(WINDOWS, folder=tmp_path, **SETTINGS)
    assert names(tmp_path) == sorted([young.name, other.name, file.name])


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file: 1\.2e-06 GB of scalograms cannot be written .*the setting `cache`"):
        scalograms(WINDOWS, folder=tmp_path / "file", **SETTINGS)  # 3 * 2 * 6 * 8 values of 4 bytes


def test_a_full_disk(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scalogram_cache, "_write", full)
    with pytest.raises(UserError, match="No space left on device.*make room"):
        scalograms(WINDOWS, folder=tmp_path, **SETTINGS)


def test_no_window_and_bad_windows(tmp_path):
    with pytest.raises(UserError, match="no window"):
        scalograms(WINDOWS[:0], folder=tmp_path, **SETTINGS)
    bad = WINDOWS.copy()
    bad[2, 0, 5] = np.nan
    with pytest.raises(UserError, match="1 values are NaN"):
        scalograms(bad, folder=tmp_path, **SETTINGS)
    assert names(tmp_path) == []
