"""Which of many cells to take, where a few of each class are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def spread(
    items: Sequence[Item],
    per_class: int,
    classes: Sequence[str],
    label: Callable[[Item], str],
    origin: Callable[[Item], tuple[str, str]],
) -> list[Item]:
    """Chooses of each class, in turn, from the animal, then the Cre line, of which least was chosen.

    Those chosen for a smaller number are the first of those chosen for a larger one.

    Args:
        origin: animal and Cre line of an item, or what stands for the line.
    """
    chosen = []
    for name in classes:
        waiting, animals, lines = [item for item in items if label(item) == name], Counter(), Counter()
        for _ in range(min(per_class, len(waiting))):
            best = min(waiting, key=lambda item: (animals[origin(item)[0]], lines[origin(item)[1]]))
            waiting.remove(best)
            animals[origin(best)[0]] += 1
            lines[origin(best)[1]] += 1
            chosen.append(best)
    return chosen
