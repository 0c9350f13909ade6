"""Finished scalograms of the STS paper, on made-up files of their shape."""

import os

import numpy as np
import pytest
from made import configs, sts
from torch import from_numpy
from torch.nn.functional import interpolate

from celltype_cli.core.configs import build
from celltype_cli.core.messages import UserError
from celltype_cli.runs.build import cells_of

SIZE = (224, 224)


def image(seed):
    return np.random.default_rng(seed).normal(size=(180, 4800, 2)).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    """Files of three of the cells, in the two folders in which they are shared."""
    sts.write(tmp_path)
    for name, cell in (("PatchClampGouwens_CWT", 101), ("PatchClampGouwens_CWT", 103), ("PatchSeqGouwens_CWT", 202)):
        (tmp_path / name).mkdir(exist_ok=True)
        np.save(tmp_path / name / f"cell_{cell}.npy", image(cell))
    return tmp_path


def load(folder, size=SIZE):
    return configs.cells("sts_scalograms", path=folder, size=size, cache=folder / "cache")


def test_images_are_resized_as_torch_does_and_mapped_into_memory(folder):
    cells = load(folder)
    assert cells.cell_id.tolist() == ["101", "103", "202"]
    assert [cells.classes[label] for label in cells.label] == ["Pvalb", "Vip/Lamp5", "Excitatory"]
    assert cells.source.tolist() == ["Clamp", "Clamp", "Seq"]  # as the published lists have it
    found = cells.inputs["scalogram"]
    assert found.shape == (3, 2, *SIZE) and isinstance(found, np.memmap)
    tensor = from_numpy(image(202)).permute(2, 0, 1)[None]
    expected = interpolate(tensor, size=SIZE, mode="bilinear", align_corners=False)[0].numpy()
    assert np.allclose(found[2], expected, atol=2e-3)  # of noise of sd 1; torch rounds positions to 1 in 5,000
    assert "5 cells of the published lists are not in the folder" in cells.about.notes


def test_axes_are_those_of_the_pixels(folder):
    frequency, time = load(folder, (180, 4800)).about.of("scalogram").axes
    assert (frequency.unit, frequency.first, frequency.last) == ("Hz", 20, 199)
    assert (time.unit, time.first, time.last) == ("ms", pytest.approx(-100), pytest.approx(1099.75))


def test_the_cache_serves_until_a_file_changes(folder):
    load(folder)
    [cached] = (folder / "cache").glob("*.npy")
    before = cached.stat().st_mtime_ns
    load(folder)
    assert cached.stat().st_mtime_ns == before
    np.save(folder / "PatchSeqGouwens_CWT" / "cell_202.npy", image(1))
    assert load(folder).inputs["scalogram"][2, 0, 0, 0] != np.load(cached)[2, 0, 0, 0]
    assert load(folder, (10, 20)).inputs["scalogram"].shape == (3, 2, 10, 20)


def test_a_cache_file_that_was_cut_off_is_made_anew(folder):
    good = np.array(load(folder).inputs["scalogram"])
    [cached] = (folder / "cache").glob("*.npy")
    cached.write_bytes(cached.read_bytes()[:5000])
    assert np.array_equal(load(folder).inputs["scalogram"], good)


def test_broken_files_are_said_and_the_others_used(folder):
    whole = (folder / "PatchClampGouwens_CWT" / "cell_101.npy").read_bytes()
    (folder / "PatchSeqGouwens_CWT" / "cell_201.npy").write_bytes(whole[: len(whole) // 2])
    (folder / "PatchSeqGouwens_CWT" / "cell_203.npy").write_bytes(b"no array")
    np.save(folder / "PatchSeqGouwens_CWT" / "cell_204.npy", np.zeros((180, 4000, 2), np.float32))
    np.save(folder / "PatchClampGouwens_CWT" / "cell_102.npy", np.full((180, 4800, 2), np.nan, np.float32))
    cells = load(folder)
    assert cells.cell_id.tolist() == ["101", "103", "202"]
    [note] = [note for note in cells.about.notes if "files left out" in note]
    for said in (
        "4 files left out: ",
        "cell_201.npy cannot be read, it is cut off or no npy file (",
        "cell_203.npy cannot be read",
        "cell_204.npy holds float32 of shape (180, 4000, 2), expected decimal numbers of shape (180, 4800, 2)",
        "cell_102.npy has values that are not finite",
    ):
        assert said in note


def test_damaged_files_are_left_out_with_the_reason(folder):
    clamp = folder / "PatchClampGouwens_CWT"
    whole = (clamp / "cell_101.npy").read_bytes()
    (clamp / "cell_101.npy").write_bytes(whole[:20] + b"\xff\x00{'(" + whole[25:])  # its header
    np.savez(clamp / "cell_103.npz", image(103))
    (clamp / "cell_103.npz").replace(clamp / "cell_103.npy")
    np.save(clamp / "cell_102.npy", np.zeros((180, 4800, 2), np.float32))
    os.mkfifo(clamp / "cell_104.npy")  # would wait for ever
    (folder / "PatchSeqGouwens_CWT" / "cell_201.NPY").write_bytes(whole)
    cells = load(folder)
    assert cells.cell_id.tolist() == ["201", "202"]
    said = next(note for note in cells.about.notes if "files left out" in note)
    assert "cell_101.npy cannot be read, it is cut off or no npy file" in said
    assert "cell_103.npy is an npz file, expected one array" in said
    assert "cell_102.npy has values that are not finite, or zeros only" in said


def test_what_cannot_be_used_at_all(folder, tmp_path):
    empty = sts.write(tmp_path / "empty")
    with pytest.raises(UserError, match=r"holds no file named cell_\*\.npy"):
        load(empty)
    (empty / "cell_x.npy").write_bytes(b"")
    with pytest.raises(UserError, match="cell_x.npy names no cell, expected cell_<id>.npy"):
        load(empty)
    (folder / "PatchSeqGouwens_CWT" / "cell_101.npy").write_bytes(
        (folder / "PatchClampGouwens_CWT" / "cell_101.npy").read_bytes()
    )
    with pytest.raises(UserError, match="cell_101.npy are of one cell: remove one"):
        load(folder)


def test_the_config_reads_them(folder):
    overrides = ["dataset=sts_scalograms", f"dataset.path={folder}", "dataset.size=[8,8]", "split=sts"]
    cfg = configs.compose("train", *overrides, f"outputs={folder}")
    cells = cells_of(cfg)
    assert cells.inputs["scalogram"].shape == (3, 2, 8, 8)
    [fold] = build(cfg.split)(cells, seed=0)
    assert [cells.cell_id[rows].tolist() for rows in (fold.train, fold.test)] == [["101", "103"], ["202"]]
