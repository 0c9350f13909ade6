"""What a person reads of a bundle before using it: card.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def card(about: Mapping[str, Any]) -> str:
    """Returns the card of a bundle as Markdown, from what bundle.yaml says."""
    return "\n".join(_lines(about)) + "\n"


def _lines(about: Mapping[str, Any]) -> Iterator[str]:
    data, scores = about["data"], about["scores"]
    simulated = " **These cells are simulated: labels of recorded cells mean nothing.**" if data["simulated"] else ""
    yield f"# {about['name']}"
    yield ""
    yield (
        f"Labels cells as {', '.join(about['classes'])}. {about['fit'].capitalize()}: `{scores['model']}` on "
        f"{data['cells']} cells of {data['groups']} {about['group']}s ({data['title']}).{simulated}"
    )
    yield ""
    yield "## How good it is"
    yield ""
    yield (
        f"Tested on cells that the model had not seen: split `{scores['split']}`, {scores['folds']} folds, seed "
        f"{scores['seed']}. Intervals are 95 %; the floor is what guessing the most frequent class would score."
    )
    yield ""
    yield "| score | value | interval | floor |"
    yield "| --- | --- | --- | --- |"
    for name in ("balanced_accuracy", "accuracy", "macro_f1"):
        of, floor = scores[name], scores["floor"].get(name)
        beside = "" if floor is None else f"{floor:.3f}"
        yield f"| {name.replace('_', ' ')} | {of['value']:.3f} | {_interval(of)} | {beside} |"
    yield ""
    yield "Recall per class: " + ", ".join(f"{name} {value:.2f}" for name, value in scores["recall"].items()) + "."
    if notes := [*data["notes"], *scores["notes"]]:
        yield ""
        yield "## What to know"
        yield ""
        yield from (f"* {note}" for note in notes)
    yield ""
    yield "## What it takes"
    yield ""
    for name, of in about["inputs"].items():
        yield f"* `{name}`: {_input(of)}"
    settings = {key: value for key, value in about["prepare"].items() if key not in ("_target_", "inputs", "cache")}
    yield "* prepared with " + ", ".join(f"`{key}={value}`" for key, value in settings.items())
    yield ""
    yield "## Where it comes from"
    yield ""
    yield f"* data: {data['title']}, fingerprint {data['fingerprint']}"
    yield f"* cite: {data['citation'] or 'not stated by the dataset; ask whoever recorded the cells'}"
    yield f"* made {about['made']} with " + ", ".join(f"{name} {v}" for name, v in about["versions"].items())
    yield ""
    yield f"    celltype predict model={about['name']} input=your_recording"


def _interval(of: Mapping[str, Any]) -> str:
    low, high = of["low"], of["high"]
    return "not known" if low is None or low != low else f"{low:.3f} to {high:.3f}"


def _input(of: Mapping[str, Any]) -> str:
    if columns := of.get("columns"):
        return f"{len(columns)} measured quantities ({', '.join(columns[:4])} ...)"
    rate = f" at {of['sampling_rate']:g} Hz" if of.get("sampling_rate") else ""
    return f"{' x '.join(map(str, of['shape']))} values{rate}, {of.get('unit') or 'without unit'}"
