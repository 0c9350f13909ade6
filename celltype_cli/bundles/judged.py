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
from celltype_cli.bundles.made import NOTED, Doubt, Made, doubts
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
    """Returns the verdict on all cells, and which of them are of a recording whose labels are withheld by itself.

    Recordings of fewer than `FEW` cells are not judged by themselves. The verdict names those that are foreign.
    """
    verdict = verdict_on(bundle, seen, np.ones(len(seen.group), bool))
    foreign, said = np.zeros(len(seen.group), bool), []
    names, size = np.unique(seen.recording, return_counts=True)
    for name in names[size >= FEW] if len(names) > 1 and not verdict.withheld else ():
        mine = seen.recording == name
        alone = verdict_on(bundle, seen, mine)
        if alone.withheld:
            foreign |= mine
            said.append(f"{name} ({alone.doubts[0].words})")
    if not said:
        return verdict, foreign
    verb = "does" if len(said) == 1 else "do"
    words = f"{len(said)} of {len(names)} {bundle.about['group']}s, taken alone, {verb} not look like them"
    doubt = Doubt(f"{words}, and labels of such are withheld: {', '.join(few(said))}", NOTED)
    return replace(verdict, doubts=(doubt, *verdict.doubts)), foreign
