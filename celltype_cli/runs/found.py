"""Finds a run by part of its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from celltype_cli.core.messages import UserError, few, nearest_file
from celltype_cli.runs.folder import RunFolder


def one_run(outputs: Path, wanted: str, key: str = "run") -> RunFolder:
    """Returns the only run whose folder's name contains some text, or is it.

    Raises:
        UserError: when none or several are; it names `key`, the setting that says which.
    """
    runs, others = RunFolder.all(outputs)
    if "/" in wanted:  # a path: of a run, or of one below these
        place = Path(wanted).expanduser()
        if (place / "run.json").is_file():
            return RunFolder(place)
        wanted = place.name if place.absolute().parent == (outputs / "runs").absolute() else wanted.rstrip("/")
    same = [run for run in runs if wanted in (run.path.name, str(run.path))]
    found = same or [run for run in runs if wanted in run.path.name]
    found = found or [run for run in runs if wanted.lower() in run.path.name.lower()]
    if not found and (damaged := [other for other in others if wanted in other.partition(" ")[0]]):
        raise UserError("\n  ".join(few(damaged)))
    if len(found) != 1:
        names = "; ".join(few(_told_apart(found) if found else _nearest(wanted, runs))) or "none yet"
        more = ": type the whole name of one" if found else ""
        names += "" if runs else elsewhere(outputs)
        raise UserError(f"{key}={wanted} fits {len(found)} runs in {outputs}/runs, expected one{more}; runs: {names}")
    return found[0]


def elsewhere(outputs: Path) -> str:
    """Says where runs may lie when there are none in an outputs folder: in one with a name like it, in one that holds
    it or the current folder; or that it is a file. Begins with "; ", or is empty."""
    if outputs.is_file():
        return f"; outputs={outputs} is a file"
    above = [place for place in (outputs, outputs.parent, Path(), Path("..")) if any(place.glob("*/run.json"))]
    if not above:
        return nearest_file(outputs)
    of = above[0] / ".." if above[0].name in ("", "..") else above[0].parent
    return f"; runs lie in {above[0]}: outputs={of}"


def _nearest(wanted: str, runs: Sequence[RunFolder]) -> list[str]:
    """Returns the names of runs, those first of which a part is most like what is wanted."""

    def likeness(name: str) -> float:
        return max(SequenceMatcher(None, wanted.lower(), part.lower()).ratio() for part in (name, *name.split("-")))

    return sorted((run.path.name for run in runs), key=likeness, reverse=True)


def _typed(run: RunFolder) -> list[str]:
    try:
        return run.overrides()
    except UserError:  # damaged; its name has to do
        return []


def _told_apart(runs: Sequence[RunFolder]) -> Iterator[str]:
    """Yields the name of each run with what was typed for it and not for all; where that is the same, when it began
    (UTC); and its state, unless it is finished."""
    typed = [_typed(run) for run in runs]
    own = [" ".join(word for word in words if not all(word in others for others in typed)) for words in typed]
    for run, words in zip(runs, own):
        began = f"of {run.facts()['started'][:16].replace('T', ' ')}" if own.count(words) > 1 else ""
        said = ", ".join(part for part in (words, began, "" if run.finished else run.status) if part)
        yield f"{run.path.name} ({said})" if said else run.path.name
