"""Simulated patch-clamp recordings of four cell classes: the offline default of the patch-clamp system.

A cell's traits are drawn from the statistics of its class (`simulator.classes`), an AdEx neuron follows from them
(`simulator.adex`), and an experimenter applies current steps of 1 s to it (`simulator.protocol`). What comes out goes
the way of every recording: the choice of two sweeps, features and scalograms. docs/simulated_patch_clamp.md shows how
they do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Annotated, Any

from annotated_types import Interval

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.core.code import code_identity
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Count, SeedNumber, Share, held
from celltype_cli.patch_clamp.recording import CLASSES, Entry, Recording
from celltype_cli.patch_clamp.simulator.adex import STEP_MS
from celltype_cli.patch_clamp.simulator.protocol import Cell, record

BLOCK = 128  # cells simulated at a time, for the memory
Amount = Annotated[int, Interval(ge=0, le=1_000_000)]  # of cells


@held
def load(
    *,
    cells_per_class: Amount | Mapping[str, Amount],
    donors: Count,
    donor_share: Share,
    step_pA: Annotated[float, Interval(ge=2, le=25)],
    sampling_rate: Annotated[float, Interval(gt=0, le=1_000_000)],
    noise_mV: Annotated[float, Interval(ge=0, le=2)],
    seed: SeedNumber,
) -> Recordings:
    """Simulates the dataset; groups are donors, each with cells of all classes.

    More cells with the same seed continue the same dataset: the cells that were there before stay as they are.

    Args:
        cells_per_class: one number for all, or a number for each of `recording.CLASSES`.
        donors: how many animals there are.
        donor_share: of the variance within a class, the part between donors.
        step_pA: of the fine steps around the rheobase.
        sampling_rate: Hz, a multiple of 10,000.
        noise_mV: sd of the electrode noise, white up to half the sampling rate.
        seed: of everything random.

    Raises:
        UserError: with all faults at once, when a number is out of range or a name is missing or unknown.
    """
    counts = {name: cells_per_class for name in CLASSES} if isinstance(cells_per_class, int) else cells_per_class
    if faults := [*_faults(counts, sampling_rate)]:
        raise UserError("dataset patch_sim: " + "\n  ".join(["cannot be simulated:", *faults]))
    cells = [Cell(k, i, i % donors) for k, name in enumerate(CLASSES) for i in range(counts[name])]
    settings = {"donor_share": donor_share, "step_pA": step_pA, "sampling_rate": sampling_rate, "noise_mV": noise_mV}
    settings |= {"seed": seed}
    note = "no animal was recorded: a score on these cells says nothing about recorded ones"
    about = About("patch_sim", simulated=True, notes=(note,), group="donor")
    return Recordings([*_entries(cells, settings)], about, CLASSES)


def _entries(cells: Sequence[Cell], settings: dict[str, Any]) -> Iterator[Entry]:
    """Names the cells, which are simulated where the recording of any of them is asked for."""
    code, simulation = code_identity(__name__), _Simulation(cells, settings)
    for k, cell in enumerate(cells):
        yield Entry(
            cell_id=cell.name,
            label=CLASSES[cell.label],
            group=f"donor_{cell.donor + 1:02d}",
            read=partial(simulation.recording, k),
            made_of=[code, settings, [*cell]],
        )


class _Simulation:
    """Recordings of cells, simulated a block at a time and handed out one at a time: all would fill the memory."""

    def __init__(self, cells: Sequence[Cell], settings: dict[str, Any]) -> None:
        self.cells, self.settings = cells, settings
        self.block, self.next = -1, 0  # which is at hand, and the cell whose recording comes next

    def recording(self, k: int) -> Recording:
        """Returns the recording of cell k; where cells are asked for in their order, a block is simulated once."""
        if k // BLOCK != self.block or k < self.next:
            self.block = k // BLOCK
            self.next = first = self.block * BLOCK
            self.recordings = record(self.cells[first : first + BLOCK], **self.settings)
        skipped, self.next = k - self.next, k + 1
        return next(islice(self.recordings, skipped, None))


def _faults(counts: Mapping[str, int], sampling_rate: float) -> Iterator[str]:
    yield from (f"cells_per_class.{name} is missing" for name in CLASSES if name not in counts)
    known = ", ".join(CLASSES)
    yield from (f"cells_per_class.{name} is not known; known here: {known}" for name in counts if name not in CLASSES)
    if min(counts.values(), default=0) < 0 or not any(counts.values()):
        yield f"cells_per_class is {dict(counts)}; give whole numbers from 0, not all of them 0"
    if sampling_rate % (1e3 / STEP_MS):
        yield f"sampling_rate is {sampling_rate}; give a multiple of {1e3 / STEP_MS:,.0f} Hz, such as 50,000"
