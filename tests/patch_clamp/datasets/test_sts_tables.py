"""The published features and labels of the STS paper, on a made-up folder."""

import numpy as np
import pytest
from made import configs, sts

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.datasets import sts_features
from celltype_cli.patch_clamp.recording import CLASSES


@pytest.fixture
def folder(tmp_path):
    return sts.write(tmp_path)


def load(path, feature_set="all", cells="listed"):
    return configs.cells("sts_features", path=path, feature_set=feature_set, cells=cells)


def values(cells, row=0):
    return dict(zip(cells.about.of("features").columns, cells.inputs["features"][row].tolist(), strict=True))


def test_cells_have_the_label_source_and_id_of_the_files(folder):
    cells = load(folder)
    assert cells.cell_id.tolist() == ["101", "102", "103", "201", "202", "203", "204"]
    assert [CLASSES[label] for label in cells.label] == [*sts.LABELS[:3], *sts.LABELS[:4]]
    assert cells.source.tolist() == ["Clamp"] * 3 + ["Seq"] * 4
    assert cells.classes == CLASSES
    tau = cells.about.of("features").columns.index("tau (ms)")
    assert cells.inputs["features"][:, tau] == pytest.approx([10.1, 10.2, 10.3, 20.1, 20.2, 20.3, 20.4])


def test_what_is_left_out_or_missing_is_said(folder):
    assert load(folder).about.notes == (
        "2 cells left out: their type is unknown",  # Unsure
        "1 cell left out: they are in neither published list",
        "1 cells of the published lists are not in the tables",
        "the donor of 7 cells is unknown: each is a group of its own",
    )
    more = load(folder, cells="labelled")
    assert more.cell_id.tolist() == ["101", "102", "103", "104", "201", "202", "203", "204"]
    assert not any("neither published list" in note for note in more.about.notes)


def test_donors_are_the_groups_where_they_are_known(folder):
    sts.write_donors(folder)
    cells = load(folder)
    assert cells.group.tolist() == ["m1", "cell 102", "cell 103", "m1", "cell 202", "cell 203", "cell 204"]
    assert "the donor of 5 cells is unknown: each is a group of its own" in cells.about.notes


def test_times_are_relative_and_tell_no_source(folder):
    cells = load(folder)
    clamp, seq = values(cells, 0), values(cells, 3)
    differ = {name for name in clamp if clamp[name] != pytest.approx(seq[name])}
    assert differ == {"tau (ms)", "capacitance (pF)"}  # what the cells really differ in
    assert clamp["threshold_t_long_square (ms from onset)"] == pytest.approx(100)
    assert clamp["threshold_t_short_square (ms from onset)"] == pytest.approx(100)
    assert clamp["peak_t_ramp (ms from threshold)"] == pytest.approx(0.5, abs=1e-4)
    assert clamp["trough_t_long_square (ms from threshold)"] == pytest.approx(10, abs=1e-4)
    assert clamp["latency (ms)"] == pytest.approx(50)


def test_differences_and_products(folder):
    found = values(load(folder, "long_square"))
    assert found["capacitance (pF)"] == pytest.approx(67.333, abs=1e-3)  # 10.1 ms / 150 MOhm
    assert found["drive_long_square (mV)"] == pytest.approx(16.5)  # 110 pA x 150 MOhm
    assert found["threshold_from_rest_long_square (mV)"] == 30  # -40 - -70
    assert found["trough_from_rest_long_square (mV)"] == 15  # -55 - -70
    assert found["spike_height_long_square (mV)"] == 70  # 30 - -40
    assert found["fast_trough_depth_long_square (mV)"] == 10  # -40 - -50
    assert found["trough_depth_long_square (mV)"] == 15  # -40 - -55


def test_columns_of_each_choice(folder):
    names = {one: set(load(folder, one).about.of("features").columns) for one in sts_features.FEATURE_SETS}
    assert {one: len(found) for one, found in names.items()} == {
        "recipe": 15,  # adaptation, latency and f_i_curve_slope; 5 times, 5 voltages, current and ratio
        "two_sweep": 18,  # adaptation, latency and avg_isi; these 12 and 3 differences of voltage
        "long_square": 29,  # and vrest, ri, sag, tau, vm_for_sag, f_i_curve_slope, and 5 made of them
        "all": 55,  # and 30 of ramp and short square, without four that are left out
    }
    assert names["two_sweep"] < names["long_square"] < names["all"]
    left_out = ("slow_trough_v_short_square", "slow_trough_t_short_square", "trough_t_short_square", "threshold_t_ramp")
    assert not any(name.startswith(left_out) for name in names["all"])


def test_the_recipe_of_the_paper_keeps_absolute_times_and_loses_the_interval(folder):
    cells = load(folder, "recipe")
    clamp, seq = values(cells, 0), values(cells, 3)
    assert clamp["threshold_t_long_square (s)"] == pytest.approx(1.12)
    assert seq["threshold_t_long_square (s)"] == pytest.approx(0.6)
    assert clamp["latency (s)"] == pytest.approx(0.05)
    assert not any(name.startswith(("avg_isi", "has_")) for name in clamp)
    assert "times are absolute, as in the paper: columns *_t_long_square tell Clamp from Seq" in cells.about.notes


def test_times_before_threshold_and_missing_values_are_not_measured(tmp_path):
    table = sts.table("Seq")
    table.loc[0, "fast_trough_t_ramp"] = 0.5  # before the threshold: averaged over other sweeps
    table.loc[0, "sag"] = np.nan
    found = values(load(sts.write(tmp_path, Seq=table)), 3)
    missing = {name for name, value in found.items() if np.isnan(value)}
    assert missing == {"fast_trough_t_ramp (ms from threshold)", "sag"}


def test_cells_without_any_feature_are_left_out(tmp_path):
    table = sts.table("Seq")
    table.loc[1, table.columns.difference(["cell_specimen_id"])] = np.nan
    cells = load(sts.write(tmp_path, Seq=table))
    assert "202" not in cells.cell_id
    assert "1 cell left out: none of their features was measured" in cells.about.notes


def test_broken_tables_are_refused_with_all_their_faults(tmp_path):
    table = sts.table("Clamp").astype({"sag": object, "ri": object})
    table.loc[1, "sag"], table.loc[2, "ri"], table.loc[4, "specimen_id"] = "high", "inf", 101
    with pytest.raises(UserError) as error:
        load(sts.write(tmp_path, Clamp=table))
    for said in (
        "PatchClamp_EP_features.csv cannot be used",
        "cell 101 has several rows",
        "column sag: 1 values are no numbers, the first 'high' of cell 102",
        "column ri: 1 values are no numbers, the first 'inf' of cell 103",
    ):
        assert said in str(error.value)


def test_tables_of_other_spreadsheets_give_the_same_numbers(tmp_path, folder):
    """Semicolons, decimal commas and UTF-16; missing values by several names."""
    table = sts.table("Seq").assign(sag=["0.1", "", "NA", "nan", "0.1"])
    expected = load(sts.write(tmp_path / "usual", Seq=table), "all").inputs["features"]
    other = sts.write(tmp_path / "other", Seq=table)
    file = other / "Split" / "PatchSeq_EP_features.csv"
    text = file.read_text().replace(",", ";").replace(".", ",")
    file.write_text(text, encoding="utf-16")
    (other / "Split" / "Test_split.csv").write_text("\ufeff201; Seq\n202;Seq\n203\tSeq\n", encoding="utf-8")
    assert np.array_equal(load(other, "all").inputs["features"], expected, equal_nan=True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"Seq": sts.table("Seq").drop(columns=["tau", "sag"])}, "column sag is missing\n  column tau is missing"),
        ({"Seq": sts.table("Clamp")}, "column cell_specimen_id is missing"),
        ({"Seq": sts.table("Seq").assign(cell_specimen_id=range(101, 106))}, "cell 101 is in both tables"),
        ({"labels": "Pvalb 101\nPvalb\n"}, "line 2: 'Pvalb'; expected one of Pvalb"),
        ({"labels": "PV 101\n"}, "line 1: 'PV 101'; expected one of Pvalb"),
        ({"labels": "Sst 101\nPvalb 101\n"}, "line 2: cell 101 is Pvalb, above it was Sst"),
        ({"labels": "Sst 7\n"}, "of 10 cells none is left; 10 have no label"),
        ({"train": "101, Clamp\n101, Seq\n"}, "Train_split.csv, line 2: cell 101 is of Seq, above it was of Clamp"),
        ({"train": "101, Clamp\n102, Slice\n"}, "Train_split.csv, line 2: '102, Slice'; expected an id and Clamp or"),
    ],
)
def test_each_broken_file_is_named(tmp_path, changed, said):
    with pytest.raises(UserError) as error:
        load(sts.write(tmp_path, **changed))
    assert said in str(error.value)


def test_missing_files_and_unknown_choices(folder, tmp_path):
    with pytest.raises(UserError, match="holds no cell_types_GouwensAll_new.txt"):
        load(tmp_path / "elsewhere")
    clone = tmp_path / "clone"
    sts.write(clone / "data")
    with pytest.raises(UserError, match=f"give {clone / 'data'}"):
        load(clone)
    sts.write(tmp_path / "data" / "sts")
    with pytest.raises(UserError, match=f"give {tmp_path / 'data' / 'sts'}$"):
        load(tmp_path / "data")
    with pytest.raises(UserError, match="dataset.feature_set=recepie is none of .*nearest: recipe"):
        load(folder, "recepie")
    with pytest.raises(UserError, match="dataset.cells=all is none of listed, labelled"):
        load(folder, cells="all")
    (folder / "Split" / "PatchSeq_EP_features.csv").unlink()
    with pytest.raises(UserError, match="PatchSeq_EP_features.csv: no such file"):
        load(folder)
