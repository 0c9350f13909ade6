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
        f"{scores['seed']}. Intervals: 95 %, {scores['interval']}; the floor is what guessing the "
        "most frequent class would score."
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
    if "onnx" in about:
        yield from _onnx(about["onnx"], about["inputs"])
    yield ""
    yield "## Where it comes from"
    yield ""
    yield f"* data: {data['title']}, fingerprint {data['fingerprint']}"
    yield f"* cite: {data['citation'] or 'not stated by the dataset; ask whoever recorded the cells'}"
    yield f"* made {about['made']} with " + ", ".join(f"{name} {v}" for name, v in about["versions"].items())
    yield ""
    yield f"    celltype predict model={about['name']} input=your_recording"


def _onnx(onnx: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterator[str]:
    """Says how the graph is run, and how its rows become the probabilities of a cell."""
    given = ", ".join(f'"{name}": {name}' for name in onnx["inputs"])
    shapes = "; ".join(f"`{name}` [row, {', '.join(map(str, inputs[name]['shape']))}]" for name in onnx["inputs"])
    yield ""
    yield "## Without celltype"
    yield ""
    yield (
        f"`{onnx['file']}` holds the networks as ONNX (operators of version {onnx['opset']}). In: {shapes}, float32, "
        f"prepared as above. Out: the mean probabilities of the models [row, class]; on {onnx['rows']} rows of the "
        f"training cells they differ from the networks' by {onnx['differs']:.1g} at most. Windows of one cell are "
        f"averaged; with p at least {onnx['lowest']:g}, p ** (1 / {onnx['temperature']:.4g}), divided by its sum over "
        "the types, is calibrated. Nothing there compares a recording with the training cells."
    )
    yield ""
    yield "    import onnxruntime"
    yield f'    session = onnxruntime.InferenceSession("{onnx["file"]}")'
    yield f'    proba = session.run(["{onnx["output"]}"], {{{given}}})[0]'


def _interval(of: Mapping[str, Any]) -> str:
    low, high = of["low"], of["high"]
    return "not known" if low is None or low != low else f"{low:.3f} to {high:.3f}"


def _input(of: Mapping[str, Any]) -> str:
    if columns := of.get("columns"):
        return f"{len(columns)} measured quantities ({', '.join(columns[:4])} ...)"
    rate = f" at {of['sampling_rate']:g} Hz" if of.get("sampling_rate") else ""
    return f"{' x '.join(map(str, of['shape']))} values{rate}, {of.get('unit') or 'without unit'}"
