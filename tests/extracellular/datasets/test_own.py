"""The user's sorted units: settings, labels and layers in tables beside."""

import pytest
from made.units import N, npz, phy, table

from celltype_cli.core.messages import UserError
from celltype_cli.extracellular.datasets.own import load

USUAL = dict.fromkeys(("labels", "units", "layers", "sampling_rate", "arrays", "label", "classes")) | {
    "quality": "good"
}


def own(path, **changes):
    return load(path=path, **USUAL | changes)


@pytest.mark.parametrize("key", ["cell_id", "cluster_id"])
def test_labels_and_layers_go_by_the_cluster_or_the_whole_id(tmp_path, key):
    (tmp_path / "labels.csv").write_text(f"{key},label,group\n0,GoC,m1\nrec/1,MLI,m1\n")
    (tmp_path / "layers.tsv").write_text("cluster_id\tlayer\n0\tGCL\n1\tML\n")
    loaded = own(phy(tmp_path / "rec"), labels=tmp_path / "labels.csv", layers=tmp_path / "layers.tsv")
    assert [(u.label, u.layer) for u in loaded.entries] == [("GoC", "GCL"), ("MLI", "ML"), ("", ""), ("", "")]
    assert [u.group for u in loaded.entries] == ["m1", "m1", "rec", "rec"]
    assert any("2 of 4 units are without a row in layers.tsv, their layer is unknown" in n for n in loaded.about.notes)


@pytest.mark.parametrize(
    "names", [("0.0", "1.0"), ("rec/0.0", "rec/1"), ("rec\\0", "rec\\1")], ids=["float", "both", "windows"]
)
def test_names_as_other_programs_write_them(tmp_path, names):
    (tmp_path / "labels.csv").write_text(f"cell_id,label\n{names[0]},GoC\n{names[1]},MLI\n")
    loaded = own(phy(tmp_path / "rec"), labels=tmp_path / "labels.csv")
    assert [u.label for u in loaded.entries] == ["GoC", "MLI", "", ""]


def test_layers_in_the_folder_are_found(tmp_path):
    tables = {"cluster_layer.tsv": table("layer", {0: "PCL"})}
    assert own(phy(tmp_path / "rec", tables=tables)).entries[0].layer == "PCL"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cluster_id\tlayer\n0\tcortex\n", "layer 'cortex' is none of unknown, GCL, PCL, ML"),
        ("cluster_id\tlayer\n0\tGCL\n0\tML\n", "cluster_id 0 is listed more than once"),
        ("cluster_id\tlayer\n77\tGCL\n", "none of its 1 rows names a unit"),
        ("a\tb\n0\tGCL\n", r"expected columns cell_id \(or cluster_id\) and layer"),
    ],
)
def test_layers_that_do_not_fit(tmp_path, text, said):
    (tmp_path / "layers.tsv").write_text(text)
    with pytest.raises(UserError, match=said):
        own(phy(tmp_path / "rec"), layers=tmp_path / "layers.tsv")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quality": "god"}, "dataset.quality=god is none of good, all"),
        ({"sampling_rate": 0.0}, "positive number of Hz"),
    ],
)
def test_settings_that_do_not_fit(tmp_path, changes, said):
    with pytest.raises(UserError, match=said):
        own(phy(tmp_path / "rec"), **changes)


def test_what_was_sorted_anew_is_read_anew(tmp_path):
    assert len(own(phy(tmp_path / "rec")).entries) == N
    assert len(own(phy(tmp_path / "rec", clusters=[0, 0, 2, 3])).entries) == N - 1


def test_nothing_usable_says_why(tmp_path):
    folder = phy(tmp_path / "rec", tables={"cluster_group.tsv": table("group", {9: "good"})})
    with pytest.raises(UserError, match="rec/9: has no spikes"):
        own(folder)


def test_a_link_to_itself_is_no_path(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match="loop does not exist.*it is a link that leads nowhere"):
        own(tmp_path / "loop")


def test_missing_paths_are_named(tmp_path):
    with pytest.raises(UserError, match="does not exist; expected a Kilosort or Phy folder"):
        own(tmp_path / "no")


def test_what_was_passed_over_in_a_folder_of_files_is_said(tmp_path):
    npz(tmp_path / "units" / "a.npz")
    for name in ("._a.npz", "notes.docx"):
        (tmp_path / "units" / name).write_bytes(b"x")
    (note,) = [note for note in own(tmp_path / "units").about.notes if "passed over" in note]
    assert "1 hidden (._a.npz)" in note and "notes.docx" in note
    phy(tmp_path / "sorted" / "ks")  # whose own files are a dozen
    npz(tmp_path / "sorted" / "b.npz")
    assert not [note for note in own(tmp_path / "sorted").about.notes if "passed over" in note]
