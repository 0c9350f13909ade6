"""The answer as one HTML page that needs nothing else: verdict, counts, and of each cell why it was labelled so."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np

from celltype_cli.bundles.answer import Answer
from celltype_cli.bundles.bundle import Bundle
from celltype_cli.bundles.draw_cells import images, recorded, series
from celltype_cli.bundles.draw_survival import survival
from celltype_cli.bundles.nearest import nearest
from celltype_cli.bundles.predict import SHOWN
from celltype_cli.bundles.promise import OF_TYPE, of_labels, of_sets, of_types
from celltype_cli.bundles.stress import summary
from celltype_cli.core import plots
from celltype_cli.core.messages import counted
from celltype_cli.core.plots import NO_TYPE, THIS_CELL, class_colour


def page(bundle: Bundle, answer: Answer, title: str) -> str:
    """Returns the page.

    Args:
        title: what was labelled, for instance the name of the file.
    """
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    body = "\n".join(
        [*_head(bundle, answer, title), _survival(answer), *_cells(bundle, answer), *_unused(answer), *_about(bundle)]
    )
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
        yield f'<p class="verdict {kind}">{escape(_sentence(verdict.words()))}</p>'
    if bundle.about["data"]["simulated"]:
        warning = "The model was trained on simulated cells: its labels of recorded cells mean nothing."
        yield f'<p class="verdict withheld">{warning}</p>'
    heads = "".join(f'<th class="number">{head}</th>' for head in ("labelled", "best guess", OF_TYPE))
    yield f"<table><tr><th>type</th>{heads}</tr>"
    held_out = of_types(bundle, answer)
    for name in bundle.classes:
        counts = ((frame["label" if frame is given else "best"] == name).sum() for frame in (given, answer.used))
        numbers = "".join(f'<td class="number">{n}</td>' for n in (*counts, held_out[name]))
        yield f"<tr><td>{_key(bundle, name)}{escape(name)}</td>{numbers}</tr>"
    unsure = len(answer.used) - len(given)
    yield f'<tr><td>unsure</td><td class="number">{unsure}</td><td></td><td></td></tr></table>'
    yield f'<p class="notes">{" ".join(escape(_sentence(of(bundle, answer))) for of in (of_labels, of_sets))}</p>'
    yield from _notes("On this recording", [*filter(None, (summary(answer),)), *answer.notes])


def _survival(answer: Answer) -> str:
    drawn = base64.b64encode(plots.drawn(survival(answer.used, "Cells left"), "svg")).decode()
    return f'<figure><img width="640" src="data:image/svg+xml;base64,{drawn}" alt="cells left by ratio"></figure>'


def _cells(bundle: Bundle, answer: Answer) -> Iterator[str]:
    yield "<h2>Cells</h2>"
    used = answer.used
    if len(used) > SHOWN:
        yield f'<p class="notes">The first {SHOWN} of {len(used)}; all are in cells.csv.</p>'
    yield (
        '<p class="notes">Of each cell: its label, or the best guess where it is unsure; the probability of each type; '
        "the confidence of the best guess; how many models agree with it; and the types that it may be. Open a cell to "
        "see its nearest training cells, whatever their type.</p>"
    )
    for k, line in enumerate(used.head(SHOWN).to_dict("records")):
        proba = [line[f"p_{name}"] for name in bundle.classes]
        colours = (class_colour(name, bundle.classes) for name in bundle.classes)
        bars = "".join(
            f'<i style="width:{100 * p:.1f}%;background:{colour}" title="{escape(name)} {p:.2f}"></i>'
            for name, p, colour in zip(bundle.classes, proba, colours)
        )
        said = f'<span class="label">{escape(line["label"])}</span>' if line["label"] else (
            f'<span class="unsure">unsure ({escape(line["best"])}?)</span>'
        )  # fmt: skip
        own = "" if answer.verdict.withheld and line["label"] == "" else line["note"]  # which the page says once
        said_more = [f"votes {line['votes']}, set: {line['set'] or 'none'}", own, line.get("stress", "")]
        yield (
            f'<details class="cell"><summary><span>{escape(line["cell_id"])}</span>{said}'
            f'<span class="bar">{bars}</span>'
            f"<span>{line['confidence']:.2f}, {escape('; '.join(filter(None, said_more)))}</span></summary>"
            f"{_recorded(answer, line['cell_id'])}{''.join(_why(bundle, answer, k))}"
            f"{_stress(answer, line['cell_id'])}</details>"
        )


def _stress(answer: Answer, cell_id: str) -> str:
    """Returns what became of a label when its cell was labelled again with errors."""
    rows = answer.stress[answer.stress["cell_id"] == cell_id] if answer.stress is not None else ()
    if not len(rows):
        return ""
    lines = "".join(
        f'<tr><td>{escape(row.error)}</td><td>{escape(row.best)}</td><td class="number">{row.confidence:.2f}</td>'
        f"<td>{'label stands' if row.becomes == 'same' else row.becomes}</td></tr>"
        for row in rows.itertuples()
    )
    return f'<table><tr><th>with an error</th><th>best guess</th><th class="number">confidence</th></tr>{lines}</table>'


def _recorded(answer: Answer, cell_id: str) -> str:
    return recorded(answer.recorded[cell_id](cell_id)) if cell_id in answer.recorded else ""


def _why(bundle: Bundle, answer: Answer, k: int) -> Iterator[str]:
    """Draws a cell above its nearest training cells, or lists these where there is nothing to draw."""
    near = nearest(bundle, answer, k)
    names = [
        f"{line.label or 'unlabelled'}, distance {line.distance:.2f}\n{line.cell_id}"
        + (f", {line.group}" if line.group != line.cell_id else "")
        + (f"\n{line.source}" if line.source else "")
        for line in near.table.itertuples()
    ]
    colours = [class_colour(label, bundle.classes) if label else NO_TYPE for label in near.table["label"]]
    for name, drawn in near.examples.items():
        draw = series if min(np.squeeze(drawn[0]).shape or (0,)) == np.squeeze(drawn[0]).size else images
        about = bundle.about["inputs"][name]
        of_all = draw([*drawn], ["this cell", *names], [THIS_CELL, *colours], about)
        yield f"<figure><b>{escape(name)}</b>{of_all}</figure>"
    if not answer.examples:
        items = "".join(f'<li><span class="key" style="background:{c}"></span>{escape(n.replace(chr(10), ", "))}</li>'
                        for n, c in zip(names, colours))  # fmt: skip
        yield f"<p>Nearest training cells:</p><ul>{items}</ul>"


def _unused(answer: Answer) -> Iterator[str]:
    if len(answer.unused):
        yield f"<h2>Not labelled: {counted(len(answer.unused), 'cell')}</h2>"
        yield "<table><tr><th>cell</th><th>reason</th></tr>"
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
        f"cells that the model had not seen: {of['value']:.3f}, 95 % interval {of['low']:.3f} to {of['high']:.3f} "
        f"({escape(scores['interval'])}), floor {floor:.3f} (split {escape(scores['split'])}, "
        f"{scores['folds']} folds, seed {scores['seed']}).</p>"
    )
    yield from _notes("On the model and its training cells", [*about["data"]["notes"], *scores["notes"]])


def _notes(of: str, notes: Sequence[str]) -> Iterator[str]:
    if notes:
        yield f'<p class="notes">{of}:</p>'
        yield f'<ul class="notes">{"".join(f"<li>{escape(note)}</li>" for note in notes)}</ul>'


def _key(bundle: Bundle, name: str) -> str:
    return f'<span class="key" style="background:{class_colour(name, bundle.classes)}"></span>'


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
