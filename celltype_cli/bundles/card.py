"""What a person reads of a bundle before using it: card.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def card(about: Mapping[str, Any]) -> str:
    """Returns the card of a bundle as Markdown, from what bundle.yaml says."""
    parts = [_head, _scores, _notes, _inputs, _onnx, _origin]
    return "\n\n".join(paragraph for part in parts for paragraph in part(about)) + "\n"


def _head(about: Mapping[str, Any]) -> Iterator[str]:
    data = about["data"]
    simulated = " **These cells are simulated: labels of recorded cells mean nothing.**" if data["simulated"] else ""
    yield f"# {about['name']}"
    yield (
        f"Labels cells as {', '.join(about['classes'])}. {about['fit'].capitalize()}: `{about['scores']['model']}` on "
        f"{data['cells']} cells of {data['groups']} {about['group']}s ({data['title']}).{simulated}"
    )


def _scores(about: Mapping[str, Any]) -> Iterator[str]:
    scores = about["scores"]
    yield "## How good it is"
    yield (
        f"Tested on cells that the model had not seen: split `{scores['split']}`, {scores['folds']} folds, seed "
        f"{scores['seed']}. Intervals: 95 %, {scores['interval']}; the floor is what guessing the "
        "most frequent class would score."
    )
    table = ["| score | value | interval | floor |", "| --- | --- | --- | --- |"]
    for name in ("balanced_accuracy", "accuracy", "macro_f1"):
        of, floor = scores[name], scores["floor"].get(name)
        beside = "" if floor is None else f"{floor:.3f}"
        table.append(f"| {name.replace('_', ' ')} | {of['value']:.3f} | {_interval(of)} | {beside} |")
    yield "\n".join(table)
    yield "Recall per class: " + ", ".join(f"{name} {value:.2f}" for name, value in scores["recall"].items()) + "."


def _notes(about: Mapping[str, Any]) -> Iterator[str]:
    if notes := [*about["data"]["notes"], *about["scores"]["notes"]]:
        yield "## What to know"
        yield "\n".join(f"* {note}" for note in notes)


def _inputs(about: Mapping[str, Any]) -> Iterator[str]:
    settings = {key: value for key, value in about["prepare"].items() if key not in ("_target_", "inputs", "cache")}
    lines = [f"* `{name}`: {_input(of)}" for name, of in about["inputs"].items()]
    lines.append("* prepared with " + ", ".join(f"`{key}={value}`" for key, value in settings.items()))
    yield "## What it takes"
    yield "\n".join(lines)


def _onnx(about: Mapping[str, Any]) -> Iterator[str]:
    """Says how the graph is run, where there is one, and how its rows become the probabilities of a cell."""
    if (onnx := about.get("onnx")) is None:
        return
    given = ", ".join(f'"{name}": {name}' for name in onnx["inputs"])
    sizes = {name: ", ".join(map(str, about["inputs"][name]["shape"])) for name in onnx["inputs"]}
    shapes = "; ".join(f"`{name}` [row, {size}]" for name, size in sizes.items())
    yield "## Without celltype"
    yield (
        f"`{onnx['file']}` holds the networks as ONNX (operators of version {onnx['opset']}). In: {shapes}, float32, "
        f"prepared as above. Out: the mean probabilities of the models [row, class]; on {onnx['rows']} rows of the "
        f"training cells they differ from the networks' by {onnx['differs']:.1g} at most. Windows of one cell are "
        f"averaged; with p at least {onnx['lowest']:g}, p ** (1 / {onnx['temperature']:.4g}), divided by its sum over "
        "the types, is calibrated. Nothing there compares a recording with the training cells."
    )
    yield (
        "    import onnxruntime\n"
        f'    session = onnxruntime.InferenceSession("{onnx["file"]}")\n'
        f'    proba = session.run(["{onnx["output"]}"], {{{given}}})[0]'
    )


def _origin(about: Mapping[str, Any]) -> Iterator[str]:
    data = about["data"]
    yield "## Where it comes from"
    yield (
        f"* data: {data['title']}, fingerprint {data['fingerprint']}\n"
        f"* cite: {data['citation'] or 'not stated by the dataset; ask whoever recorded the cells'}\n"
        f"* made {about['made']} with " + ", ".join(f"{name} {v}" for name, v in about["versions"].items())
    )
    yield f"    celltype predict model={about['name']} input=your_recording"


def _interval(of: Mapping[str, Any]) -> str:
    low, high = of["low"], of["high"]
    return "not known" if low is None or low != low else f"{low:.3f} to {high:.3f}"


def _input(of: Mapping[str, Any]) -> str:
    if columns := of.get("columns"):
        return f"{len(columns)} measured quantities ({', '.join(columns[:4])} ...)"
    rate = f" at {of['sampling_rate']:g} Hz" if of.get("sampling_rate") else ""
    return f"{' x '.join(map(str, of['shape']))} values{rate}, {of.get('unit') or 'without unit'}"
