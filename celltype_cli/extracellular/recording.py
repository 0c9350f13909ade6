"""What one file of sorted units holds of one unit, validated where it is born."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Float64

from celltype_cli.core.messages import UserError
from celltype_cli.core.text import as_text

TEXTS = ("cell_id", "label", "group", "source", "layer")
RATES = (5e3, 1e6)  # Hz; a spike lasts a millisecond or less, and is not told by fewer than some samples
LAYERS = ("unknown", "GCL", "PCL", "ML")  # of the cerebellar cortex: granule cell, Purkinje cell and molecular layer

WORDS = {"GCL": ("granule", "granular", "grc"), "PCL": ("purkinje", "pkc"), "ML": ("molecular",)}


def layer_of(text: str) -> str:
    """Returns a layer as `LAYERS` has it, in whatever case or words; others as they are."""
    plain = re.sub(r"[^a-z]|layer|cells?", "", text.lower())
    return next((layer for layer in LAYERS if plain in (layer.lower(), *WORDS.get(layer, ()))), text)


@dataclass(frozen=True)
class Recording:
    """One sorted unit, as it came from its file.

    Attributes:
        cell_id: unique in the dataset.
        label: cell type; empty where it is unknown.
        group: animal or recording; empty where it is unknown.
        waveform: mean over spikes on the channels near the unit, none of which has to be the largest; one row where
            the file holds the peak channel only. In uV where `in_uv`, else on a scale of its own.
        waveform_rate: Hz.
        spikes: s from the start of the recording, ascending; None where the file holds none, but counts of them.
        duration: s, of the recording; nan where it is not known.
        source: laboratory, dataset or method; empty where nothing is known.
        file: where the unit was read from, for messages.
        layer: one of `LAYERS`; empty is unknown.
        in_uv: whether the waveform is in uV.
        good: s, starts and ends of the stretches in which the unit was well isolated, as the file says; None where it
            says nothing.
        amplitudes: of each spike, on a scale of their own; None where the file holds none.
        counts: by name, finished histograms of the spikes that a file holds, for instance "correlogram" and "isi"
            (see `readers.files`); used where there are no spikes.
        notes: what was assumed or found out on the way.

    Raises:
        UserError: with what is wrong: text that is none, spikes that are not ascending, arrays of other lengths.
    """

    cell_id: str
    label: str
    group: str
    waveform: Float32[np.ndarray, "channel time"]
    waveform_rate: float
    spikes: Float64[np.ndarray, " spike"] | None
    duration: float
    source: str = ""
    file: str = ""
    layer: str = ""
    in_uv: bool = False
    good: Float64[np.ndarray, "span 2"] | None = None
    amplitudes: Float32[np.ndarray, " _"] | None = None
    counts: Mapping[str, Float32[np.ndarray, " bin"]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        cell = f"cell {self.cell_id if isinstance(self.cell_id, str) else ''} ({self.file})"
        for name in TEXTS:
            try:
                object.__setattr__(self, name, as_text(getattr(self, name)))
            except UserError as error:
                raise UserError(f"{cell}: {name}: {error}") from error
        object.__setattr__(self, "layer", layer_of(self.layer))
        low, high = RATES
        if self.waveform.size and not low <= (rate := self.waveform_rate) <= high:
            looks = "kHz" if low <= 1e3 * rate <= high else "the seconds between samples" if 0 < rate < 1 else ""
            raise UserError(
                f"{cell}: the sampling rate of its waveform is {rate:g} Hz{looks and f', which looks like {looks}'}; "
                f"expected {low:,.0f} to {high:,.0f} Hz"
            )
        if self.layer and self.layer not in LAYERS:
            raise UserError(f"{cell}: its layer is {self.layer!r}; expected one of {', '.join(LAYERS)}")
        if self.spikes is not None and len(self.spikes) > 1 and (np.diff(self.spikes) < 0).any():
            raise UserError(f"{cell}: its spikes are not in the order of time")
        if self.amplitudes is not None and (self.spikes is None or len(self.amplitudes) != len(self.spikes)):
            n = 0 if self.spikes is None else len(self.spikes)
            raise UserError(f"{cell}: it has {len(self.amplitudes)} amplitudes of {n} spikes; expected one each")
