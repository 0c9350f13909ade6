"""A cell above or beside its nearest training cells, as pieces of a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from matplotlib import image

POINTS = 240  # of a drawn line


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
    bottom, duration = (
        len(rows) * (height + 4),
        rows[0].size / about["sampling_rate"] if about.get("sampling_rate") else 0,
    )
    lines.append(f'<text x="{left}" y="{bottom + 16}">{_scale(duration, float(high - low), about)}</text>')
    return f'<svg viewBox="0 0 1040 {bottom + 24}" width="100%" role="img">{"".join(lines)}</svg>'


def _scale(duration: float, span: float, about: dict[str, Any]) -> str:
    time = f"{duration:.3g} s wide, " if duration else ""
    return escape(f"{time}each row {span:.3g} {about.get('unit', '')} high".strip())


def images(rows: Sequence[np.ndarray], names: Sequence[str], colours: Sequence[str], about: dict[str, Any]) -> str:
    """Shows images beside each other, their channels above each other, at one scale of grey."""
    pictures = [np.concatenate([*row], axis=0) if row.ndim == 3 else row for row in rows]
    low, high = np.percentile(np.stack(pictures), [1, 99])
    shown = []
    for picture, name, colour in zip(pictures, names, colours):
        file = io.BytesIO()
        image.imsave(file, picture, cmap="viridis", vmin=low, vmax=high, format="png")
        data = base64.b64encode(file.getvalue()).decode()
        shown.append(
            f'<td style="border-top:4px solid {colour}"><img width="150" src="data:image/png;base64,{data}" alt="">'
            f"<figcaption>{escape(name).replace(chr(10), '<br>')}</figcaption></td>"
        )
    said = [f"{side}: {axis['name']} ({axis['unit']})" for side, axis in zip(("down", "across"), about.get("axes", ()))]
    said += [f"from top: {', '.join(about['channels'])}"] if about.get("channels") else []
    return f"<table><tr>{''.join(shown)}</tr></table><figcaption>{escape('; '.join(said))}</figcaption>"
