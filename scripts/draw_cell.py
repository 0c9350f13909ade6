"""Photographs one cell of a page that `celltype predict` made, opened.

    python scripts/draw_cell.py --page answer/page.html --cell recording/4 --out docs/images/label_phy_unit.png

The cell is what a reader sees when opening it, without the rest of the page. Needs Chromium.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from html import escape
from pathlib import Path

from draw_answer import browser, photograph


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument("--cell", required=True, help="its cell_id, as the page shows it")
    parser.add_argument("--out", type=Path, required=True, help="png")
    parser.add_argument("--height", type=int, default=1010, help="of the picture, in pixels of the page")
    asked = parser.parse_args()
    page = asked.page.read_text(encoding="utf-8")
    cells = re.findall(r'<details class="cell">.*?</details>', page, re.DOTALL)
    mine = next((cell for cell in cells if f"<summary><span>{escape(asked.cell)}</span>" in cell), None)
    if mine is None:
        sys.exit(f"{asked.page} shows no cell {asked.cell}")
    head = page[: page.index("<body>") + len("<body>")]
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "cell.html"
        alone.write_text(f"{head}{mine.replace('<details', '<details open', 1)}</body></html>", encoding="utf-8")
        photograph(browser(), alone, asked.out, asked.height)


if __name__ == "__main__":
    main()
