"""A cell as it was recorded, and above or beside its nearest training cells, as pieces of a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from matplotlib import image

from celltype_cli.cells.about import Axis
from celltype_cli.cells.examples import Panel, Picture

POINTS = 240  # of a drawn line
WIDE, HIGH = 320, 110  # of a panel, in pixels


def recorded(panels: Sequence[Panel | Picture]) -> str:
    """Draws what there is to see of a recording side by side."""
    drawn = (_picture(panel) if isinstance(panel, Picture) else _panel(panel) for panel in panels)
    return f'<div class="recorded">{"".join(drawn)}</div>'


def _panel(panel: Panel) -> str:
    lines, each = [], HIGH / len(panel.lines)
    for k, line in enumerate(panel.lines):
        values = np.ravel(line.values)[:: max(1, len(line.values) // POINTS)]
        low, high = float(values.min()), float(values.max())
        x, y = np.linspace(0, WIDE, len(values)), k * each + 4 + (high - values) * (each - 8) / max(high - low, 1e-12)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y))
        lines.append(f'<polyline points="{points}" fill="none" stroke="#111" stroke-width="1.2"/>')
    spans = (f"{_number(float(line.values.min()))} to {_number(float(line.values.max()))} {line.unit}"
             for line in panel.lines)  # fmt: skip
    said = f"{escape(panel.title)}: {escape('; '.join(spans))}<br>{escape(_along(panel.axis))}"
    drawn = f'<svg viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" role="img">{"".join(lines)}</svg>'
    return f"<figure>{drawn}<figcaption>{said}</figcaption></figure>"


def _picture(picture: Picture) -> str:
    low, high = float(np.min(picture.values)), float(np.max(picture.values))
    down, across = map(_along, picture.axes)
    return (
        f'<figure><img width="{WIDE}" height="{HIGH}" src="{_png(picture.values, low, high)}" alt="">'
        f"<figcaption>{escape(picture.title)}: dark {_number(low)}, bright {_number(high)} {escape(picture.unit)}<br>"
        f"down: {escape(down)}<br>across: {escape(across)}</figcaption></figure>"
    )


def _along(axis: Axis) -> str:
    """Returns what an axis of a picture is, and from where to where it goes."""
    return f"{axis.name} from {_number(axis.first)} to {_number(axis.last)} {axis.unit}".strip()


def _number(value: float) -> str:
    """Returns three digits, all of those before the point, and no power of ten where a reader can do without."""
    return f"{value:.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def _png(values: np.ndarray, low: float, high: float) -> str:
    file = io.BytesIO()
    image.imsave(file, values, cmap="viridis", vmin=low, vmax=high, format="png")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def series(rows: Sequence[np.ndarray], names: Sequence[str], colours: Sequence[str], about: dict[str, Any]) -> str:
    """Draws series below each other, at one scale, with bars for time and amplitude."""
    width, height, left = 620, 54, 10
    flat = [np.ravel(row)[:: max(1, row.size // POINTS)] for row in rows]
    low, high = min(map(np.min, flat)), max(map(np.max, flat))
    scale, lines = (height - 6) / max(high - low, 1e-12), []
    for k, (values, name, colour) in enumerate(zip(flat, names, colours)):
        x, top = np.linspace(left, left + width, len(values)), k * (height + 4)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, top + 3 + (high - values) * scale))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
        for row, words in enumerate(name.splitlines()):
            lines.append(f'<text x="{left + width + 10}" y="{top + 14 + 16 * row}">{escape(words)}</text>')
    bottom = len(rows) * (height + 4)
    duration = rows[0].size / about["sampling_rate"] if about.get("sampling_rate") else 0
    lines.append(f'<text x="{left}" y="{bottom + 16}">{_scale(duration, float(high - low), about)}</text>')
    return f'<svg viewBox="0 0 1040 {bottom + 24}" width="100%" role="img">{"".join(lines)}</svg>'


def _scale(duration: float, span: float, about: dict[str, Any]) -> str:
    time = f"{duration:.3g} s wide, " if duration else ""
    across = f"{_along(Axis(**about['axes'][-1]))}, " if about.get("axes") else time
    unit = f" ({about['unit']})" if about.get("unit") else ""
    return escape(f"{across}each row {span:.3g} high{unit}")


def images(rows: Sequence[np.ndarray], names: Sequence[str], colours: Sequence[str], about: dict[str, Any]) -> str:
    """Shows images beside each other, their channels above each other, at one scale of grey."""
    pictures = [np.concatenate([*row], axis=0) if row.ndim == 3 else row for row in rows]
    low, high = np.percentile(np.stack(pictures), [1, 99])
    shown = []
    for picture, name, colour in zip(pictures, names, colours):
        shown.append(
            f'<td style="border-top:4px solid {colour}"><img width="150" src="{_png(picture, low, high)}" alt="">'
            f"<figcaption>{escape(name).replace(chr(10), '<br>')}</figcaption></td>"
        )
    said = [f"{side}: {axis['name']} ({axis['unit']})" for side, axis in zip(("down", "across"), about.get("axes", ()))]
    said += [f"from top: {', '.join(about['channels'])}"] if about.get("channels") else []
    return f"<table><tr>{''.join(shown)}</tr></table><figcaption>{escape('; '.join(said))}</figcaption>"
