"""The verdict on what is to be labelled: on all of it, and on each recording by itself where it holds several.

Recordings that are labelled together are as like the training cells as most of them are, so that a foreign one would
hide among others; alone it is what it would be in a folder of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Shaped

from celltype_cli.bundles.bundle import Bundle
from celltype_cli.bundles.departures import FEW
from celltype_cli.bundles.familiar import Verdict, compare
from celltype_cli.bundles.made import NOTED, WITHHELD, Doubt, Made, doubts
from celltype_cli.core.messages import few


@dataclass(frozen=True)
class Seen:
    """What is known of the cells that could be used, without their types.

    Attributes:
        described: as `training.describe` says.
        group: animals, empty where they are unknown.
        recording: the animal, or the file where it is unknown.
        far: from training cells of the type that they are taken for.
        sureness: as `HeldOut.sureness`.
        made: how they were recorded.
    """

    described: Float[np.ndarray, "cell quantity"]
    group: Shaped[np.ndarray, " cell"]
    recording: Shaped[np.ndarray, " cell"]
    far: Bool[np.ndarray, " cell"]
    sureness: Float[np.ndarray, " cell"]
    made: Made


def verdict_on(bundle: Bundle, seen: Seen, rows: Bool[np.ndarray, " cell"]) -> Verdict:
    """Compares some of the cells with the training cells."""
    group = seen.group[rows]
    about = doubts(bundle.training.made, seen.made[rows], bundle.about["inputs"])
    more = [*about, *bundle.types.doubts(seen.far[rows]), *bundle.held_out.doubts(seen.sureness[rows], group)]
    return compare(bundle.training, seen.described[rows], group, more)


def judged(bundle: Bundle, seen: Seen) -> tuple[Verdict, Bool[np.ndarray, " cell"]]:
    """Returns the verdict, and which cells are of a recording that is foreign by itself, whose labels are withheld.

    Where there are several, those of `FEW` cells or more are judged by themselves. The verdict is that on the rest, and
    names those that are foreign; what it says of single cells it says of all.
    """
    whole = verdict_on(bundle, seen, np.ones(len(seen.group), bool))
    foreign, said = np.zeros(len(seen.group), bool), []
    names, size = np.unique(seen.recording, return_counts=True)
    for name in names[size >= FEW] if len(names) > 1 else ():
        mine = seen.recording == name
        alone = verdict_on(bundle, seen, mine)
        if alone.withheld:
            foreign |= mine
            said.append(f"{name} ({alone.doubts[0].words})")
    if not said:
        return whole, foreign
    rest = whole if foreign.all() else verdict_on(bundle, seen, ~foreign)
    verb = "does" if len(said) == 1 else "do"
    words = f"{len(said)} of {len(names)} {bundle.about['group']}s, taken alone, {verb} not look like them"
    words = f"{words}, and labels of such are withheld: {', '.join(few(said))}"
    found = (*rest.doubts, Doubt(words, WITHHELD if foreign.all() else NOTED))
    first = tuple(sorted(found, key=lambda doubt: -doubt.weight))
    return replace(whole, p=rest.p, told=rest.told, doubts=first), foreign
