"""CellExplorer's ground truth as a dataset: five classes of the public file, animals as groups."""

from collections import Counter

from made.configs import cells


def test_five_classes_by_animal(shared_data):
    file = shared_data / "extracellular/cellexplorer/cellexplorer_ground_truth.npz"
    found = cells("cellexplorer", path=str(file))
    assert Counter(found.classes[k] for k in found.label) == {
        "Pyramidal": 41, "PV": 126, "SST": 87, "VIP": 9, "Axo_Axonic": 26}  # fmt: skip
    assert len({*found.group}) == 28 and found.about.group == "animal"
    assert any("are left out: 23 Juxta, 1 PVVGAT, 13 VGAT" in note for note in found.about.notes)
    assert any("it is listed twice" in note for note in found.about.notes)
    assert {*found.inputs} == {"waveform", "correlogram", "isi", "features"}
