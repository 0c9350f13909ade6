"""Draws what `celltype predict` answers of a recording that no model has seen, the top of its page; and why one cell.

    python scripts/draw_answer.py --units hull.npz --recording 6 --out docs/images

Takes labelled units of several recordings (an npz of the Hull laboratory, Beau et al. 2025), trains the usual model of
units on all but one of them, and labels the units of that one, whose types are kept from it. Prints how many labels are
right, and every cell that is wrong or unsure. The page is photographed by Chromium (answer_page.png); `celltype
explain` draws why a cell is called what it is (why_label.png): --cell, else the surest of those labelled wrongly, else
the surest of those whose best guess is wrong, else the one of which the model is least sure.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

SETTINGS = ("split=leave_one_group_out", "logger=none", "figures=[]")
WIDTH, HEIGHT, SCALE = 1130, 1640, 2  # of the photograph, in pixels of the page; sharp in print


def main() -> None:
    """Trains, labels and photographs in a folder that is deleted afterwards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=Path, required=True)
    parser.add_argument("--recording", type=int, required=True, help="which is left out and labelled")
    parser.add_argument("--cell", help="one of its cells, of which is drawn why")
    parser.add_argument("--out", type=Path, required=True, help="folder for both pictures")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    chromium = browser()
    with tempfile.TemporaryDirectory() as folder:
        new = f"recording_{asked.recording}"
        types = divide(asked.units, asked.recording, Path(folder), new)
        celltype(folder, "train", "dataset=units", "dataset.path=other_recordings.npz", *SETTINGS)
        celltype(folder, "export", "run=units-units_forest", "out=my_units")
        celltype(folder, "predict", "model=my_units", f"input={new}.npz", "out=answer")
        cells = pd.read_csv(Path(folder) / "answer/cells.csv", keep_default_na=False)
        cell = told(cells.assign(type=types), asked.cell)
        photograph(chromium, Path(folder) / "answer/page.html", asked.out / "answer_page.png", HEIGHT)
        celltype(folder, "explain", "model=my_units", f"input={new}.npz", f"cell={cell}", "out=why")
        shutil.copy(Path(folder) / "why/why.png", asked.out / "why_label.png")


def divide(units: Path, recording: int, folder: Path, new: str) -> np.ndarray:
    """Writes the units of all other recordings with their types, and those of one without; returns its types."""
    with np.load(units) as file:
        arrays = {name: file[name] for name in file.files}
    here = arrays["recording"] == recording
    np.savez(folder / "other_recordings.npz", **{name: values[~here] for name, values in arrays.items()})
    np.savez(folder / f"{new}.npz", **{name: values[here] for name, values in arrays.items() if name != "label"})
    return arrays["label"][here]


def told(cells: pd.DataFrame, asked: str | None) -> str:
    """Prints what is right, wrong and unsure; returns the id of the cell to explain."""
    given, wrong = cells["label"] != "", cells["best"] != cells["type"]
    print(f"{given.sum()} of {len(cells)} labelled, {(given & ~wrong).sum()} of these right")
    print(cells.loc[~given | wrong, ["cell_id", "type", "label", "best", "confidence", "note"]].to_string(index=False))
    if asked is not None:
        return next(cell for cell in cells["cell_id"] if cell.rsplit("/")[-1] == asked)
    surest = cells["confidence"].astype(float).sort_values(ascending=False).index
    order = [*filter((given & wrong).get, surest), *filter(wrong.get, surest), surest[-1]]
    return cells["cell_id"][order[0]]


def celltype(folder: str, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "celltype_cli.cli", *words], cwd=folder, check=True)


def browser() -> str:
    """Returns what photographs; ends with a message where it is not installed."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return found or sys.exit("neither chromium nor google-chrome is installed: the page cannot be photographed")


def photograph(chromium: str, page: Path, out: Path, height: int) -> None:
    """Saves the top of a page, as high as asked, as PNG."""
    size = (f"--window-size={WIDTH},{height}", f"--force-device-scale-factor={SCALE}", "--hide-scrollbars")
    out.parent.mkdir(parents=True, exist_ok=True)  # Chromium says nothing where it cannot write
    how = ("--headless", "--no-sandbox", "--disable-gpu", *size, f"--screenshot={out.absolute()}")
    subprocess.run([chromium, *how, page.absolute().as_uri()], check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    main()
