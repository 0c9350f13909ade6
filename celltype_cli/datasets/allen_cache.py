"""The Allen Brain Observatory as allensdk stores it in a folder: its tables, and the choice of experiments."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from celltype_cli.errors import UserError
from celltype_cli.files import replacing
from celltype_cli.messages import check_choice, nearest, raise_faults

LINES = {
    "PY": ("Cux2-CreERT2", "Emx1-IRES-Cre", "Fezf2-CreER", "Nr5a1-Cre", "Ntsr1-Cre_GN220", "Rbp4-Cre_KL100",
           "Rorb-IRES2-Cre", "Scnn1a-Tg3-Cre", "Slc17a7-IRES2-Cre", "Tlx3-Cre_PL56"),
    "PV": ("Pvalb-IRES-Cre",),
    "SOM": ("Sst-IRES-Cre",),
    "VIP": ("Vip-IRES-Cre",),
}  # fmt: skip
CLASS_OF = {line.lower(): name for name, lines in LINES.items() for line in lines}
SESSIONS = ("three_session_A", "three_session_B", "three_session_C", "three_session_C2")


def command(path: Path) -> str:
    return f"celltype fetch dataset=allen_visual_coding dataset.path={path}"


def opened(path: Path, *, fetch: bool) -> Any:
    """Opens a folder as a BrainObservatoryCache; with `fetch`, downloads tables of experiments that are missing.

    Raises:
        UserError: when the folder is no such cache, allensdk is missing, or a table cannot be downloaded.
    """
    if not fetch and not (path / "ophys_experiments.json").is_file():
        raise UserError(
            f"dataset.path={path} is no cache of the Allen Brain Observatory, ophys_experiments.json is "
            f"missing; download it: {command(path)}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from allensdk.core.brain_observatory_cache import BrainObservatoryCache
    except ImportError as error:
        raise UserError(f"allensdk is missing ({error}): pip install celltype[allen]") from error
    cache = BrainObservatoryCache(manifest_file=str(path / "manifest.json"))
    tables = {cache.EXPERIMENTS_KEY: cache.api.get_ophys_experiments,
              cache.EXPERIMENT_CONTAINERS_KEY: cache.api.get_experiment_containers}  # fmt: skip
    for key, query in tables.items() if fetch else ():
        file = Path(cache.get_cache_path(None, key))
        try:
            if not file.exists():
                with replacing(file) as temporary:
                    query(path=str(temporary), strategy="create", **cache.cache_json())
        except OSError as error:  # of urllib and requests
            raise UserError(f"{file.name} cannot be downloaded from {cache.api.api_url} ({error})") from error
    return cache


def _table(cache: Any, key: str) -> list[dict]:
    """Reads a saved table; `get_ophys_experiments` of the cache would ask the server for eye tracking each time."""
    file = Path(cache.get_cache_path(None, key))
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: is missing or not whole ({error}); delete it, then {command(file.parent)}") from error


def experiments(cache: Any, session: str | None, structures: Sequence[str] | None) -> tuple[list[dict], int]:
    """Returns the experiments that fit, and how many were left out because of their tags.

    Raises:
        UserError: when a table is not whole, session or structures do not occur, or a class has no experiment.
    """
    if session is not None:
        check_choice("dataset.session", session, SESSIONS)
    table = _table(cache, cache.EXPERIMENTS_KEY)
    known = sorted({row["targeted_structure"]["acronym"] for row in table})
    raise_faults("dataset.structures", [f"{name} is none of {', '.join(known)}{nearest(name, known)}"
                                        for name in structures or () if name not in known])  # fmt: skip
    fit = cache.api.filter_ophys_experiments(
        table, cre_lines=list(CLASS_OF), session_types=[session] if session else list(SESSIONS),
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


def spread(experiments: list[dict], per_class: int) -> list[dict]:
    """Chooses of each class, in turn, from the animal, then the Cre line, of which least was chosen.

    Those chosen for a smaller number are the first of those chosen for a larger one.
    """
    chosen = []
    for name in LINES:
        waiting, taken = [e for e in experiments if class_of(e) == name], Counter()
        for _ in range(min(per_class, len(waiting))):
            best = min(waiting, key=lambda e: (taken[e["donor_name"]], taken[e["cre_line"]], e["id"]))
            waiting.remove(best)
            taken.update((best["donor_name"], best["cre_line"]))
            chosen.append(best)
    return chosen
