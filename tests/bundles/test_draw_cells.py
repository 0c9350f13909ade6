"""What a page draws of a cell: its axes are named whole, from where to where, in numbers that can be read."""

import re

import numpy as np

from celltype_cli.bundles.draw_cells import recorded, series
from celltype_cli.cells.about import Axis
from celltype_cli.cells.examples import Line, Panel, Picture


def captions(drawn):
    return [said.replace("<br>", "\n") for said in re.findall(r"<figcaption>(.*?)</figcaption>", drawn)]


def test_lines_and_pictures_say_what_their_axes_are():
    line = Panel("firing rate", Axis("time", "s", 15.53, 4461.2), (Line(np.array([0.0, 12.7], np.float32), "Hz"),))
    axes = (Axis("firing rate, tenth", "", 1, 10), Axis("log10 of the lag in ms", "", 0, 3))
    picture = Picture("3D autocorrelogram", axes, np.eye(3) * 72.31, "Hz")
    assert captions(recorded([line, picture])) == [
        "firing rate: 0 to 12.7 Hz\ntime from 15.5 to 4461 s",
        "3D autocorrelogram: dark 0, bright 72.3 Hz\n"
        "down: firing rate, tenth from 1 to 10\nacross: log10 of the lag in ms from 0 to 3",
    ]


def test_rows_say_how_wide_and_how_high_they_are():
    rows = [np.array([0.0, 1.0]), np.array([0.5, 0.25])]
    lag = {"unit": "share", "axes": [{"name": "lag", "unit": "ms", "first": 1, "last": 100}]}
    drawn = {"lag from 1 to 100 ms, each row 1 high (share)": lag}
    drawn |= {"0.2 s wide, each row 1 high (dF/F)": {"unit": "dF/F", "sampling_rate": 10.0}, "each row 1 high": {}}
    for words, about in drawn.items():
        assert f">{words}</text>" in series(rows, ["this cell", "PV"], ["#111", "#00f"], about)
