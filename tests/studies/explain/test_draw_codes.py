"""The picture of a network's codes."""

import numpy as np
import pandas as pd

from celltype_cli.studies.explain.codes import Map
from celltype_cli.studies.explain.draw_codes import draw


def test_a_long_title_and_the_legend_stand_apart():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"side": ["train", "test"] * 6, "label": ["A", "B", "B", "A"] * 3, "predicted": "A"})
    table[["x", "y"]] = rng.normal(size=(12, 2))
    title = "fusion on units hull.npz, fold 9 of 12\nsplit leave_one_group_out, 15 test cells of 1 recording, seed 0"
    figure = draw(Map(table, (0.5, 0.3)), ("A", "B"), title)
    figure.canvas.draw()
    told, legend = figure.axes[0]._left_title, figure.legends[0]
    assert told.get_text() == title and [text.get_text() for text in legend.texts][:2] == ["A, 3 tested", "B, 3 tested"]
    assert not told.get_window_extent().overlaps(legend.get_window_extent())
