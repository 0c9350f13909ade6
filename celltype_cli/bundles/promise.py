"""What an answer promises, in words: which cells have a label, how often such labels were right, what sets hold.

A share of right labels is that of the held-out cells, whose types come in shares of their own: of a recording with
another mix it is another one. So it is said of each type, too, how many held-out cells with this label have it.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from celltype_cli.bundles.answer import Answer
from celltype_cli.bundles.bundle import Bundle
from celltype_cli.evaluation import sets
from celltype_cli.evaluation.confidence import ACCURACIES, PROMISE

OF_TYPE = "held-out labels right"  # heading of `of_types`


def of_labels(bundle: Bundle, answer: Answer) -> str:
    """Says which cells have a label, and how many of the held-out cells with one were right."""
    if answer.verdict is not None and answer.verdict.withheld:
        if not answer.forced:
            return "labels are withheld; force=true gives them all the same, best guesses are in cells.csv"
        return "labels are given all the same (force=true): nothing says how often they are right"
    held_out, accuracy = bundle.held_out, answer.accuracy
    if accuracy is None:
        unlike = "" if answer.forced else " that is not unlike the training cells"
        return f"each cell{unlike} has a label, however unsure"
    least, at = held_out.threshold(accuracy), held_out.thresholds(accuracy)
    right, given = (sum(column) for column in zip(*held_out.labelled(at).values()))
    if not given:
        lower = [one for one in ACCURACIES if one < accuracy and held_out.threshold(one) < float("inf")]
        instead = f"accuracy={max(lower):g} labels some, " if lower else ""
        return (
            f"no label: no confidence was right for {100 * accuracy:g} % of held-out cells, or too few of them say so "
            f"({instead}accuracy=null labels all)"
        )
    begin = f"from a confidence of {least:.2f} on" if least else "at any confidence"
    begin += _raised(bundle, at, least)
    return (
        f"labels {begin}, where {right} of {given} held-out cells were right ({100 * right / given:.1f} %), in the mix "
        "of types of the training cells: another mix has another share; cells of no such type may get labels, too"
    )


def _raised(bundle: Bundle, at: Float[np.ndarray, " class"], least: float) -> str:
    """Says which types have labels later than the others, or never, that some held-out cells would have had."""
    called = bundle.held_out.labelled(np.full(len(at), least))
    later = [f"{name} from {own:.2f} on" for name, own in zip(bundle.classes, at) if least < own < np.inf]
    never = [name for name, own, (_, n) in zip(bundle.classes, at, called.values()) if n and own == np.inf]
    later += [f"{', '.join(never)} never"] if never else []
    return f" ({'; '.join(later)}: right too rarely)" if later else ""


def of_types(bundle: Bundle, answer: Answer) -> dict[str, str]:
    """Says of each type how many of the held-out cells that would be called so have it: "8 of 10"."""
    held_out = bundle.held_out
    at = held_out.thresholds(answer.accuracy)
    said, once = {}, held_out.labelled(np.full(len(at), held_out.threshold(answer.accuracy)))
    for c, (right, given) in held_out.labelled(at).items():
        none = "{} of {}: no label".format(*once[c]) if once[c][1] else "none given"
        said[bundle.classes[c]] = f"{right} of {given}" if at[c] < np.inf else none
    return said


def of_sets(bundle: Bundle, answer: Answer) -> str:
    """Says what the sets hold, and which types stand in every one since nothing can be promised of them."""
    if answer.verdict is not None and answer.verdict.withheld:
        return "sets promise nothing of such a recording"
    held_out, group = bundle.held_out, bundle.about["group"]
    always = [
        name
        for c, name in enumerate(bundle.classes)
        if not sets.promise_of(len({*held_out.group[held_out.label == c]}), PROMISE)
    ]
    more = f"; {', '.join(always)}, of which too few {group}s have cells, in every set" if always else ""
    return f"sets: {bundle.about['trust']['sets']}{more if len(always) < len(bundle.classes) else ''}"
