"""How often a recording is found to be unlike the training cells: held-out animals as they are, and planted shifts.

    python benchmarks/verdicts.py [--times 20] [--sets calcium_sim recorded_calcium ...] [--data folder]

A line is a set of cells and a shift, a figure the share of recordings that are to be read with care or withheld, and
of those withheld; training animals are drawn anew each time, one other animal is the recording. Recorded cells are
those of CASCADE (as one HDF5 file), of the STS tables and of Beau et al. 2025 (npz), where `--data` has them. Models
are forests of 50 trees on the features, one for each of up to five folds of the training animals.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir

from celltype_cli.bundles.familiar import Verdict, compare
from celltype_cli.bundles.made import Doubt, Made, doubts
from celltype_cli.bundles.sure import HeldOut
from celltype_cli.bundles.training import Training
from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.core.signals import resample

ANIMALS = (3, 5, 10, 40)
LEAST = 3  # cells of a recording
SAME = "as they are"


@dataclass
class Described:
    """Cells as a bundle keeps them, with what is known of new ones besides."""

    training: Training
    made: Made
    inputs: dict[str, Any]
    fitted: dict[bytes, Any] = field(default_factory=dict)  # by the cells that were trained on

    @classmethod
    def of(cls, cells: Cells) -> Described:
        first = np.sort(np.unique(cells.cell_id, return_index=True)[1])
        inputs = {name: {"unit": of.unit, "sampling_rate": of.sampling_rate} for name, of in cells.about.inputs.items()}
        return cls(Training.of(cells), Made.of(cells, first), inputs)

    def verdict(self, trained: np.ndarray, new: Described, chosen: np.ndarray) -> Verdict:
        """Compares chosen cells of `new` with those of these that were trained on."""
        of = self.training
        known, group = replace(_only(of, trained), made=_some(self.made, trained)), new.training.group[chosen]
        more = [*doubts(known.made, _some(new.made, chosen), self.inputs), *self.unsure(trained, new, chosen)]
        return compare(known, new.training.values[:, _same(of, new)][chosen], group, more)

    def unsure(self, trained: np.ndarray, new: Described, chosen: np.ndarray) -> list[Doubt]:
        """Returns what models that were trained on these cells say of how sure they are of the chosen ones."""
        if (known := trained.tobytes()) not in self.fitted:
            self.fitted[known] = fitted(_only(self.training, trained))
        held_out, models = self.fitted[known]
        if held_out is None:
            return []
        table = _table(_only(new.training, chosen))
        sureness = held_out.sureness(np.stack([model.predict_proba(table) for model in models]))
        return [*held_out.doubts(sureness, new.training.group[chosen])]


def fitted(training: Training) -> tuple[HeldOut | None, list[Any]]:
    """Returns forests, and what each says of the animals that it has not seen; nothing where there is but one type."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold

    table, models = _table(training), []
    classes, label = np.unique(training.label, return_inverse=True)
    proba = np.zeros((len(label), len(classes)))
    for train, test in GroupKFold(min(5, len(np.unique(training.group)))).split(table, label, training.group):
        model = RandomForestClassifier(50, min_samples_leaf=2, class_weight="balanced", random_state=0)
        models.append(model.fit(table[train], label[train]))
        if len(model.classes_) < len(classes):
            return None, []
        proba[test] = model.predict_proba(table[test])
    several = len(classes) > 1
    return HeldOut(label, proba, training.group, training.cell_id) if several else None, models


def _table(training: Training) -> np.ndarray:
    return np.concatenate([*training.tables.values()], axis=1)


def _only(training: Training, cells: np.ndarray) -> Training:
    columns = {name: getattr(training, name)[cells] for name in ("values", "cell_id", "group", "source", "label")}
    tables = {name: rows[cells] for name, rows in training.tables.items()}
    return replace(training, **columns, examples={}, tables=tables)


def _same(training: Training, new: Described) -> list[int]:
    return [new.training.names.index(name) for name in training.names]


def _some(made: Made, cells: np.ndarray) -> Made:
    conditions = {name: values[cells] for name, values in made.conditions.items()}
    return replace(made, conditions=conditions, digest=made.digest[cells])


def described(*overrides: str, change: Callable[[Any], Any] | None = None, **prepare: Any) -> Described:
    """Builds a dataset of the shipped configs, changes its recordings one by one, and describes its cells."""
    with initialize_config_dir(version_base="1.3", config_dir=str(configs.folder())):
        cfg = compose("data", overrides=list(overrides))
    recordings = configs.build(cfg.dataset)
    if change and isinstance(recordings, Recordings):
        recordings = replace(recordings, entries=[change(entry) for entry in recordings.entries])
    return Described.of(configs.build(cfg.prepare)(recordings, **prepare))


def on_traces(change: Callable[[np.ndarray, Any], np.ndarray], rate: float = 1.0) -> Callable[[Any], Any]:
    """Makes a change of traces one of recordings of calcium."""

    def changed(of: Any) -> Any:
        segments = tuple(change(segment, of).astype(np.float32) for segment in of.segments)
        return replace(of, segments=segments, sampling_rate=of.sampling_rate * rate)

    return changed


def noisier(trace: np.ndarray, of: Any, times: float = 3.0) -> np.ndarray:
    """Adds white noise, so that there is so many times as much from sample to sample."""
    sd = np.median(np.abs(np.diff(trace))) / 0.954 if len(trace) > 1 else 0.0
    rng = np.random.default_rng(len(trace) + len(of.cell_id))
    return trace + rng.normal(0, sd * np.sqrt(times**2 - 1), len(trace))


def slower(trace: np.ndarray, of: Any) -> np.ndarray:
    return resample(trace, of.sampling_rate, of.sampling_rate / 2)


CALCIUM = {
    "percent": on_traces(lambda trace, of: 100 * trace),
    "half the rate": on_traces(slower, 0.5),
    "half the rate, called the whole": on_traces(slower),
    "noise x 3": on_traces(noisier),
}
SLOW = {"PY": 1.2, "PV": 3.0, "SOM": 2.7, "VIP": 3.0}  # s, decay of an indicator three times as slow
SENSITIVE = {"PY": 3.0, "PV": 18.0, "SOM": 8.0, "VIP": 10.0}  # half_spikes, three times as sensitive


def where(of: Described, *sources: str) -> Described:
    """Takes the cells of sources by the beginning of their names."""
    cells = np.flatnonzero([source.startswith(sources) for source in of.training.source])
    return replace(of, training=_only(of.training, cells), made=_some(of.made, cells), fitted={})


def calcium_sim(_: Path) -> tuple[Described, dict[str, Described]]:
    cells = ("dataset=calcium_sim", "dataset.animals=16", "dataset.cells_per_class=64", "prepare=windows")
    other = [f"dataset.classes.{name}.decay_s={s}" for name, s in SLOW.items()]
    other += [f"dataset.classes.{name}.half_spikes={n}" for name, n in SENSITIVE.items()]
    new = {"sampling_rate": 30.0, "implausible": "keep"}
    shifts = {name: described(*cells, change=change, **new) for name, change in CALCIUM.items()}
    return described(*cells), {**shifts, "another indicator": described(*cells, *other)}


def recorded_calcium(data: Path) -> tuple[Described, dict[str, Described]]:
    """GCaMP8 of one laboratory (DS30 to DS32); other indicators and laboratories are other datasets of CASCADE."""
    file = ("dataset=traces", f"dataset.path={data / 'calcium/cascade_celltypes.h5'}", "prepare=windows_64s")
    own, whole = ("DS30", "DS31", "DS32"), described(*file)
    shifts = {n: where(described(*file, change=c, implausible="keep"), *own) for n, c in CALCIUM.items()}
    shifts["OGB-1, another laboratory (DS01)"] = where(whole, "DS01")
    shifts["GCaMP6f, another laboratory (DS10, DS11)"] = where(whole, "DS10", "DS11")
    shifts["GCaMP6f in slices, another laboratory (DS24 to DS26)"] = where(whole, "DS24", "DS25", "DS26")
    return where(whole, *own), shifts


def patch_sim(_: Path) -> tuple[Described, dict[str, Described]]:
    with TemporaryDirectory() as cache:
        cells = ("dataset=patch_sim", "dataset.donors=16", "dataset.cells_per_class=24", "prepare.inputs=[features]")
        cells += (f"outputs={cache}",)
        half = described(*cells, "dataset.sampling_rate=30000")
        return described(*cells), {
            "30 instead of 50 kHz": half,
            "steps of 0.5 s": described(*cells, change=shortened, duration_s=0.5),
            "25 % off in gain": described(*cells, change=amplified),
        }


def on_sweeps(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def changed(entry: Any) -> Any:
        def read() -> Any:
            recording = entry.read()
            return replace(recording, sweeps=tuple(map(change, recording.sweeps)))

        return replace(entry, read=read, made_of=[entry.made_of, change.__name__])

    return changed


@on_sweeps
def amplified(sweep: Any) -> Any:
    return replace(sweep, voltage=sweep.voltage * np.float32(1.25))


@on_sweeps
def shortened(sweep: Any) -> Any:
    """Ends the step after half of its time; the potential is at rest from then on."""
    on = np.flatnonzero(sweep.current)
    if not len(on):
        return sweep
    end = on[0] + (on[-1] + 1 - on[0]) // 2
    after = np.arange(len(sweep.current)) >= end
    return replace(
        sweep,
        current=np.where(after, 0, sweep.current).astype(np.float32),
        voltage=np.where(after, np.median(sweep.voltage[: on[0]]), sweep.voltage).astype(np.float32),
    )


def sts(data: Path) -> tuple[Described, dict[str, Described]]:
    """Donors of the Allen Cell Types Database with three cells or more; Patch-seq is another laboratory's way."""
    whole = described("dataset=sts_features", f"dataset.path={data / 'patch_clamp/sts'}")
    return where(whole, "Clamp"), {"Patch-seq": where(whole, "Seq")}


def units_sim(_: Path) -> tuple[Described, dict[str, Described]]:
    cells = ("dataset=units_sim", "dataset.laboratories=1", "dataset.animals=16", "dataset.units_per_class=48")
    return described(*cells), {
        "noise x 10": described(*cells, "dataset.probe.noise_uv=10"),
        "15 instead of 30 kHz": described(*cells, "dataset.probe.waveform_rate=15000"),
        "a tenth of the time": described(*cells, "dataset.duration_s=60"),
    }


def recorded_units(data: Path) -> tuple[Described, dict[str, Described]]:
    """Units of the mouse cerebellum (hull); those of macaques are of another laboratory."""
    hull, macaque = (
        described("dataset=units", f"dataset.path={data / 'extracellular/c4_cerebellum' / name}.npz")
        for name in ("hull", "lisberger_macaque")
    )
    return hull, {"macaques, another laboratory": macaque}


SETS = {f.__name__: f for f in (calcium_sim, recorded_calcium, patch_sim, sts, units_sim, recorded_units)}


def recordings(of: Described, rng: np.random.Generator, without: np.ndarray | None = None) -> np.ndarray:
    """Returns the cells of one animal with three or more, or of as many as make twelve where animals have fewer."""
    group = of.training.group
    names, size = np.unique(group, return_counts=True)
    fit = [name for name, n in zip(names, size) if n >= LEAST and (without is None or name not in without)]
    chosen = [rng.choice(fit)] if fit else rng.permutation(names)[: int(np.ceil(12 / size.mean()))]
    return np.flatnonzero(np.isin(group, chosen))


def shares(known: Described, new: Described, animals: int, times: int) -> tuple[float, float] | None:
    """Returns the share of recordings that are flagged, and of those withheld; None with too few animals."""
    names, size = np.unique(known.training.group, return_counts=True)
    if (size >= LEAST).sum() <= animals:
        return None
    found = []
    for seed in range(times):
        rng = np.random.default_rng(seed)
        shared = set(names) & set(new.training.group)
        chosen = recordings(new, rng)
        left = [name for name in names[size >= LEAST] if name not in new.training.group[chosen] or not shared]
        trained = np.flatnonzero(np.isin(known.training.group, rng.permutation(left)[:animals]))
        verdict = known.verdict(trained, new, chosen)
        found.append((verdict.noted, verdict.withheld))
    return tuple(np.mean(found, axis=0).tolist())


def right(known: Described, new: Described) -> str:
    """Says the accuracy of models of all animals, and how many labels at accuracy=0.95 are right, whatever the verdict.

    Cells of `known` itself are those that were held out; cells of unknown or other types do not count.
    """
    held_out, models = fitted(known.training)
    if held_out is None:
        return ""
    classes, label = np.unique(known.training.label), new.training.label
    proba = held_out.proba if new is known else np.mean([m.predict_proba(_table(new.training)) for m in models], axis=0)
    there = np.isin(label, classes)
    proba, label = held_out.calibrated(proba[there]), label[there]
    given, true = proba.max(axis=1) >= held_out.threshold(0.95), classes[proba.argmax(axis=1)] == label
    return f"{true.mean():.3f}; {true[given].sum()} of {given.sum()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="recordings for each figure")
    parser.add_argument("--sets", nargs="*", default=[*SETS], choices=SETS)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("CELLTYPE_SHARED", "")) / "data")
    typed = parser.parse_args()
    print(f"{typed.times} recordings a figure: flagged (labels withheld)")
    print(f"{'':<66} " + " ".join(f"{f'{n} animals':>12}" for n in ANIMALS) + "   accuracy; labels right, all animals")
    for name in typed.sets:
        if not name.endswith("_sim") and not typed.data.is_dir():
            print(f"{name}: no recorded cells, see --data")
            continue
        known, shifts = SETS[name](typed.data)
        for shift, new in {SAME: known, **shifts}.items():
            found = [shares(known, new, animals, typed.times) for animals in ANIMALS]
            figures = [f"{both[0]:.2f} ({both[1]:.2f})" if both else "" for both in found]
            print(
                f"{f'{name}: {shift}':<66} " + " ".join(f"{figure:>12}" for figure in [*figures, right(known, new)]),
                flush=True,
            )


if __name__ == "__main__":
    main()
