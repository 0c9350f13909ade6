"""Experiments of the Allen Brain Observatory in a folder as allensdk makes it: which there are, of which class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from celltype_cli.core import allen
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

API = "brain_observatory_api.BrainObservatoryApi"
TABLE, CONTAINERS = "ophys_experiments.json", "experiment_containers.json"


def download_tables(path: Path) -> None:
    """Downloads the tables of experiments that are missing.

    Raises:
        UserError: when allensdk is missing, or the server cannot be reached.
    """
    client = allen.client(API)
    allen.download(path / TABLE, client.get_ophys_experiments)
    allen.download(path / CONTAINERS, client.get_experiment_containers)


def experiments(path: Path, session: str | None, structures: Sequence[str] | None) -> tuple[list[dict], int]:
    """Returns the experiments of a folder that fit, and how many were left out because of their tags.

    Raises:
        UserError: when the folder is no such cache, allensdk is missing, a table is not whole, session or structures
            do not occur, or a class has no experiment.
    """
    if not (path / TABLE).is_file():
        raise UserError(
            f"dataset.path={path} is no cache of the Allen Brain Observatory, {TABLE} is missing; download it: "
            f"{command(path, NAME)}"
        )
    if session is not None:
        check_choice("dataset.session", session, SESSIONS)
    client = allen.client(API)
    rows, containers = (allen.table(path / name, NAME) for name in (TABLE, CONTAINERS))
    try:
        known = sorted({row["targeted_structure"]["acronym"] for row in rows})
        fit = client.filter_ophys_experiments(
            rows, cre_lines=list(CLASS_OF), session_types=[session] if session else list(SESSIONS),
            targeted_structures=None if structures is None else list(structures), simple=True,
        )  # fmt: skip
        simple = client.simplify_experiment_containers(containers)
        tagged = {c["id"] for c in simple if any("epilep" in tag.lower() for tag in c["tags"])}
        kept = [e for e in fit if e["experiment_container_id"] not in tagged]
        lost = [name for name in LINES if name not in map(class_of, kept)]
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise UserError(
            f"{path}: {TABLE} or {CONTAINERS} is not as allensdk writes it ({type(error).__name__}: "
            f"{str(error)[:100]}); delete both, then {command(path, NAME)}"
        ) from error
    raise_faults("dataset.structures", [f"{name} is none of {', '.join(known)}{nearest(name, known)}"
                                        for name in structures or () if name not in known])  # fmt: skip
    if lost:
        raise UserError(
            f"no experiment of {', '.join(lost)} fits dataset.session={session} and dataset.structures="
            f"{structures}; choose others, or null for all"
        )
    return sorted(kept, key=lambda e: e["id"]), len(fit) - len(kept)


def class_of(experiment: dict) -> str:
    return CLASS_OF[experiment["cre_line"].lower()]


def source_of(experiment: dict) -> str:
    return "{cre_line}, {reporter_line}, {targeted_structure} at {imaging_depth} um".format(**experiment)


def file_of(path: Path, experiment: dict) -> Path:
    return path / "ophys_experiment_data" / f"{experiment['id']}.nwb"
