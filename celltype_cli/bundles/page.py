"""The answer as one HTML page that needs nothing else: verdict, counts, and of each cell why it was labelled so."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

import numpy as np

from celltype_cli.bundles.bundle import Bundle
from celltype_cli.bundles.draw_cells import images, series
from celltype_cli.bundles.predict import Answer
from celltype_cli.core.plots import class_colour

SHOWN = 300  # cells with a picture; all are in cells.csv


def page(bundle: Bundle, answer: Answer, title: str) -> str:
    """Returns the page.

    Args:
        title: what was labelled, for instance the name of the file.
    """
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    body = "\n".join([*_head(bundle, answer, title), *_cells(bundle, answer), *_unused(answer), *_about(bundle)])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Cell types of {escape(title)}</title><style>{style}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _head(bundle: Bundle, answer: Answer, title: str) -> Iterator[str]:
    given = answer.cells[answer.cells["label"] != ""]
    yield f"<h1>Cell types of {escape(title)}</h1>"
    yield f"<p>{len(given)} of {len(answer.cells)} cells labelled with the bundle <b>{escape(bundle.name)}</b>.</p>"
    if (verdict := answer.verdict) is not None:
        kind = "withheld" if verdict.withheld else "noted" if verdict.noted else ""
        more = " Labels are withheld." if verdict.withheld and given.empty else ""
        yield f'<p class="verdict {kind}">{escape(_sentence(verdict.words()))}{more}</p>'
    if bundle.about["data"]["simulated"]:
        warning = "The model was trained on simulated cells: its labels of recorded cells mean nothing."
        yield f'<p class="verdict withheld">{warning}</p>'
    yield '<table><tr><th>type</th><th class="number">labelled</th><th class="number">best guess</th></tr>'
    for name in bundle.classes:
        counts = ((frame["label" if frame is given else "best"] == name).sum() for frame in (given, answer.used))
        numbers = "".join(f'<td class="number">{n}</td>' for n in counts)
        yield f"<tr><td>{_key(bundle, name)}{escape(name)}</td>{numbers}</tr>"
    unsure = len(answer.used) - len(given)
    yield f'<tr><td>unsure</td><td class="number">{unsure}</td><td></td></tr></table>'
    if answer.notes:
        yield f'<ul class="notes">{"".join(f"<li>{escape(note)}</li>" for note in answer.notes)}</ul>'


def _cells(bundle: Bundle, answer: Answer) -> Iterator[str]:
    yield "<h2>Cells</h2>"
    lines = answer.used.to_dict("records")
    if len(lines) > SHOWN:
        yield f'<p class="notes">The first {SHOWN} of {len(lines)}; all are in cells.csv.</p>'
    yield (
        '<p class="notes">Of each cell: its label, or the best guess where it is unsure; the probability of each type; '
        "the confidence of the best guess; how many models agree with it; and the types that it may be. Open a cell to "
        "see its nearest training cells, whatever their type.</p>"
    )
    for k, line in enumerate(lines[:SHOWN]):
        proba = [line[f"p_{name}"] for name in bundle.classes]
        colours = (class_colour(name, bundle.classes) for name in bundle.classes)
        bars = "".join(
            f'<i style="width:{100 * p:.1f}%;background:{colour}" title="{escape(name)} {p:.2f}"></i>'
            for name, p, colour in zip(bundle.classes, proba, colours)
        )
        said = f'<span class="label">{escape(line["label"])}</span>' if line["label"] else (
            f'<span class="unsure">unsure ({escape(line["best"])}?)</span>'
        )  # fmt: skip
        own = line["note"] if line["note"] and not answer.verdict.withheld else ""  # else the page says it once
        said_more = f"votes {line['votes']}, set: {line['set'] or 'none'}" + (f"; {own}" if own else "")
        yield (
            f'<details class="cell"><summary><span>{escape(line["cell_id"])}</span>{said}'
            f'<span class="bar">{bars}</span>'
            f"<span>{line['confidence']:.2f}, {escape(said_more)}</span></summary>"
            f"{''.join(_why(bundle, answer, k))}</details>"
        )


def _why(bundle: Bundle, answer: Answer, k: int) -> Iterator[str]:
    """Draws a cell above its nearest training cells, or lists these where there is nothing to draw."""
    training, near = bundle.training, answer.verdict.neighbours[k]
    names = [
        f"{training.label[n] or 'unlabelled'}, distance {d:.2f}\n{training.cell_id[n]}"
        + (f", {training.group[n]}" if training.group[n] != training.cell_id[n] else "")
        + (f"\n{training.source[n]}" if training.source[n] else "")
        for n, d in zip(near, answer.verdict.distance[k])
    ]
    colours = [class_colour(training.label[n], bundle.classes) if training.label[n] else "#888" for n in near]
    for name, rows in answer.examples.items():
        drawn = [rows[k], *training.examples[name][near]]
        about = bundle.about["inputs"][name]
        draw = series if min(np.squeeze(rows[k]).shape or (0,)) == np.squeeze(rows[k]).size else images
        yield f"<figure>{draw(drawn, ['this cell', *names], ['#111', *colours], about)}</figure>"
    if not answer.examples:
        items = "".join(f'<li><span class="key" style="background:{c}"></span>{escape(n.replace(chr(10), ", "))}</li>'
                        for n, c in zip(names, colours))  # fmt: skip
        yield f"<p>Nearest training cells:</p><ul>{items}</ul>"


def _unused(answer: Answer) -> Iterator[str]:
    if len(answer.unused):
        yield f"<h2>Not labelled: {len(answer.unused)} cells</h2><table><tr><th>cell</th><th>reason</th></tr>"
        for line in answer.unused.head(SHOWN).itertuples():
            yield f"<tr><td>{escape(line.cell_id)}</td><td>{escape(line.note)}</td></tr>"
        yield "</table>"


def _about(bundle: Bundle) -> Iterator[str]:
    about, scores = bundle.about, bundle.about["scores"]
    of, floor = scores["balanced_accuracy"], scores["floor"].get("balanced_accuracy", 0)
    yield "<h2>What the labels rest on</h2>"
    yield (
        f"<p>{escape(about['fit'].capitalize())}: {escape(scores['model'])} on {about['data']['cells']} cells of "
        f"{about['data']['groups']} {escape(about['group'])}s ({escape(about['data']['title'])}). Balanced accuracy on "
        f"cells that the model had not seen: {of['value']:.3f}, 95 % interval {of['low']:.3f} to {of['high']:.3f}, "
        f"floor {floor:.3f} (split {escape(scores['split'])}, {scores['folds']} folds, seed {scores['seed']}).</p>"
    )
    notes = [*about["data"]["notes"], *scores["notes"]]
    yield f'<ul class="notes">{"".join(f"<li>{escape(note)}</li>" for note in notes)}</ul>'


def _key(bundle: Bundle, name: str) -> str:
    return f'<span class="key" style="background:{class_colour(name, bundle.classes)}"></span>'


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
