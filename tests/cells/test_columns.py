"""Inputs as tables: as they are for estimators, averaged over blocks for an audit; numbers and names by hand."""

from dataclasses import replace

import numpy as np
import pytest

from celltype_cli.cells.about import About, Axis, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.cells.columns import features_of, summary_of, table_of
from celltype_cli.core.messages import UserError

ABOUT = About(
    "toy",
    inputs={
        "measured": Input(columns=("tau (ms)", "width (ms)")),
        "wave": Input("mV", 10.0, (Axis("time", "s", 0.0, 1.5),)),  # 16 samples at 10 Hz
        "image": Input(axes=(Axis("frequency", "Hz", 10, 40), Axis("time", "ms", -5, 5)), channels=("low", "high")),
    },
)
INPUTS = {
    "measured": np.array([[1.0, np.nan], [3.0, 4.0]], np.float32),
    "wave": np.arange(32, dtype=np.float32).reshape(2, 1, 16),
    "image": np.arange(2 * 2 * 4 * 2, dtype=np.float32).reshape(2, 2, 4, 2),
}


def cells(*names, about=ABOUT):
    inputs = {name: INPUTS[name] for name in names or INPUTS}
    return Cells(inputs, np.array([0, 1]), np.array(["a", "b"]), np.array(["m", "n"]), ("PV", "SST"), about)


def test_a_table_stays_as_it_is():
    names, table = table_of(cells(), ["measured"])
    assert names == ["tau (ms)", "width (ms)"]
    assert table.dtype == np.float64
    assert np.array_equal(table, INPUTS["measured"], equal_nan=True)


def test_samples_are_columns_of_their_own():
    names, table = table_of(cells(), ["wave"])
    assert names[:2] == ["wave 1", "wave 2"]
    assert names[-1] == "wave 16"
    assert np.array_equal(table, INPUTS["wave"][:, 0])
    assert table_of(cells(), ["image"])[1].shape == (2, 16)


def test_inputs_stand_side_by_side_and_columns_in_the_order_asked():
    names, table = table_of(cells(), ["wave", "measured"])
    assert (names[15:], table.shape) == (["wave 16", "tau (ms)", "width (ms)"], (2, 18))
    names, table = table_of(cells(), ["wave", "measured"], ["tau (ms)", "wave 3"])
    assert names == ["tau (ms)", "wave 3"]
    assert table.tolist() == [[1, 2], [3, 18]]


def test_no_rows_have_the_columns_of_the_others():
    none = cells()[np.arange(0)]
    assert table_of(none, ["measured", "wave"])[1].shape == (0, 18)
    assert summary_of(none)[1].shape == (0, 2 + 8 + 16)


@pytest.mark.parametrize(
    ("inputs", "columns", "said"),
    [
        (
            ["features"],
            None,
            "trainer.inputs asks for features, toy gives measured, wave: choose among .*prepare.inputs",
        ),
        (["wave", "image", "acg"], None, "asks for image, acg, toy gives"),
        ([], None, "trainer.inputs asks for none, toy gives"),
        (
            ["measured"],
            ["taw (ms)"],
            r"trainer.columns: taw \(ms\) is no column of measured; nearest: tau \(ms\); there ",
        ),
        (["measured"], ["wave 1"], "wave 1 is no column of measured.*there are tau"),
    ],
)
def test_what_is_not_there_is_said(inputs, columns, said):
    with pytest.raises(UserError, match=said):
        table_of(cells("measured", "wave"), inputs, columns)


def test_a_summary_holds_tables_whole():
    names, table = summary_of(cells("measured"))
    assert names == ["tau (ms)", "width (ms)"]
    assert np.array_equal(table, INPUTS["measured"], equal_nan=True)


def test_blocks_of_a_trace_are_named_by_their_middle():
    names, table = summary_of(cells("wave"))  # 16 samples in 8 blocks of two
    assert table[0].tolist() == [0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 12.5, 14.5]
    assert names[:2] == ["wave at 0.05 s", "wave at 0.25 s"]
    assert names[-1] == "wave at 1.45 s"


def test_blocks_of_unequal_size():
    values = np.arange(10.0)[None, None]  # edges 0 1 2 3 5 6 7 8 10
    about = About("toy", inputs={"wave": Input(axes=(Axis("time", "s", 0.0, 9.0),))})
    names, table = summary_of(Cells({"wave": values}, np.array([0]), np.array(["a"]), np.array(["m"]), ("PV",), about))
    assert table[0].tolist() == [0, 1, 2, 3.5, 5, 6, 7, 8.5]
    assert names == [f"wave at {middle:g} s" for middle in table[0]]


def test_pixels_of_an_image_are_named_by_channel_and_axes():
    names, table = summary_of(cells("image"))  # fewer than eight pixels along each axis: each is a block
    assert np.array_equal(table, INPUTS["image"].reshape(2, 16))
    assert names[:3] == ["image at low, 10 Hz, -5 ms", "image at low, 10 Hz, 5 ms", "image at low, 20 Hz, -5 ms"]
    assert names[-1] == "image at high, 40 Hz, 5 ms"


def test_without_axes_blocks_are_counted():
    names, _ = summary_of(cells("wave", "image", about=About("toy")))
    assert names[:2] == ["wave at 1", "wave at 2"]
    assert names[8:10] == ["image at 1, 1, 1", "image at 1, 1, 2"]
    assert len(set(names)) == len(names) == 8 + 16


def test_features_stand_on_one_line_per_cell():
    table = features_of(cells())
    assert table.columns.tolist() == ["cell_id", "group", "source", "label", "tau (ms)", "width (ms)"]
    assert table[["cell_id", "group", "label"]].to_numpy().tolist() == [["a", "m", "PV"], ["b", "n", "SST"]]
    assert table["tau (ms)"].tolist() == [1, 3] and np.isnan(table["width (ms)"][0]) and table["width (ms)"][1] == 4
    assert features_of(cells("wave", "image")) is None


def test_the_mean_of_a_cell_is_of_what_was_measured():
    one = {"cell_id": np.array(["a", "a"]), "label": np.array([0, 0]), "group": np.array(["m", "m"])}
    assert features_of(replace(cells("measured"), **one))[["tau (ms)", "width (ms)"]].to_numpy().tolist() == [[2, 4]]


def test_many_channels_are_not_averaged_under_the_name_of_one():
    channels = tuple(f"channel {k}" for k in range(12))
    about = About("toy", inputs={"wave": Input("mV", 10.0, (Axis("time", "s", 0.0, 1.5),), channels)})
    wave = np.repeat(np.arange(12.0, dtype=np.float32)[None, :, None], 16, axis=2).repeat(2, axis=0)
    many = Cells({"wave": wave}, np.array([0, 1]), np.array(["a", "b"]), np.array(["m", "n"]), ("PV", "SST"), about)
    names, table = summary_of(many)
    assert table.shape == (2, 12 * 8)
    assert all(value == float(name.split("channel ")[1].split(",")[0]) for name, value in zip(names, table[0]))
