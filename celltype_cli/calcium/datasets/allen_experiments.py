"""Experiments of the Allen Brain Observatory in the folder of allensdk: which there are, and of which class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from celltype_cli.core.allen import download, made, table
from celltype_cli.core.downloads import command
from celltype_cli.core.messages import UserError, check_choice, nearest, raise_faults

NAME = "allen_visual_coding"
LINES = {
    "PY": ("Cux2-CreERT2", "Emx1-IRES-Cre", "Fezf2-CreER", "Nr5a1-Cre", "Ntsr1-Cre_GN220", "Rbp4-Cre_KL100",
           "Rorb-IRES2-Cre", "Scnn1a-Tg3-Cre", "Slc17a7-IRES2-Cre", "Tlx3-Cre_PL56"),
    "PV": ("Pvalb-IRES-Cre",),
    "SOM": ("Sst-IRES-Cre",),
    "VIP": ("Vip-IRES-Cre",),
}  # fmt: skip

CLASS_OF = {line.lower(): name for name, lines in LINES.items() for line in lines}

SESSIONS = ("three_session_A", "three_session_B", "three_session_C", "three_session_C2")


def opened(path: Path, *, fetch: bool) -> Any:
    """Opens a folder as a BrainObservatoryCache; with `fetch`, downloads tables of experiments that are missing.

    Raises:
        UserError: when the folder is no such cache, allensdk is missing, or a table cannot be downloaded.
    """
    if not fetch and not (path / "ophys_experiments.json").is_file():
        raise UserError(
            f"dataset.path={path} is no cache of the Allen Brain Observatory, ophys_experiments.json is "
            f"missing; download it: {command(path, NAME)}"
        )
    cache = made("allensdk.core.brain_observatory_cache.BrainObservatoryCache", path)
    if fetch:
        download(cache, cache.EXPERIMENTS_KEY, cache.api.get_ophys_experiments)
        download(cache, cache.EXPERIMENT_CONTAINERS_KEY, cache.api.get_experiment_containers)
    return cache


def _table(cache: Any, key: str) -> list[dict]:
    """Reads a saved table; `get_ophys_experiments` of the cache would ask the server for eye tracking each time."""
    return table(Path(cache.get_cache_path(None, key)), NAME)


def experiments(cache: Any, session: str | None, structures: Sequence[str] | None) -> tuple[list[dict], int]:
    """Returns the experiments that fit, and how many were left out because of their tags.

    Raises:
        UserError: when a table is not whole, session or structures do not occur, or a class has no experiment.
    """
    if session is not None:
        check_choice("dataset.session", session, SESSIONS)
    rows = _table(cache, cache.EXPERIMENTS_KEY)
    known = sorted({row["targeted_structure"]["acronym"] for row in rows})
    raise_faults("dataset.structures", [f"{name} is none of {', '.join(known)}{nearest(name, known)}"
                                        for name in structures or () if name not in known])  # fmt: skip
    fit = cache.api.filter_ophys_experiments(
        rows, cre_lines=list(CLASS_OF), session_types=[session] if session else list(SESSIONS),
        targeted_structures=None if structures is None else list(structures), simple=True,
    )  # fmt: skip
    containers = cache.api.simplify_experiment_containers(_table(cache, cache.EXPERIMENT_CONTAINERS_KEY))
    tagged = {c["id"] for c in containers if any("epilep" in tag.lower() for tag in c["tags"])}
    kept = [e for e in fit if e["experiment_container_id"] not in tagged]
    if lost := [name for name in LINES if name not in map(class_of, kept)]:
        raise UserError(
            f"no experiment of {', '.join(lost)} fits dataset.session={session} and dataset.structures="
            f"{structures}; choose others, or null for all"
        )
    return sorted(kept, key=lambda e: e["id"]), len(fit) - len(kept)


def class_of(experiment: dict) -> str:
    return CLASS_OF[experiment["cre_line"].lower()]


def source_of(experiment: dict) -> str:
    return "{cre_line}, {reporter_line}, {targeted_structure} at {imaging_depth} um".format(**experiment)


def file_of(cache: Any, experiment: dict) -> Path:
    return Path(cache.get_cache_path(None, cache.EXPERIMENT_DATA_KEY, experiment["id"]))
