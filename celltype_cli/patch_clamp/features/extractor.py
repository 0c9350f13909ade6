"""allensdk's extractor of spikes and voltages, on a stretch of a sweep.

The software is that of the feature table of the Allen Cell Types Database (`allensdk.ephys`; Gouwens et al. 2019, doi
10.1038/s41593-019-0417-0).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import PchipInterpolator

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.recording import Sweep
from celltype_cli.patch_clamp.stimuli import MARGIN_S

if TYPE_CHECKING:
    from allensdk.ephys.ephys_extractor import EphysSweepFeatureExtractor

FINE = 40_000.0  # Hz, to which slower sweeps are interpolated; the low-pass of allensdk, at 10 kHz, needs over 20,000


def extractor(
    sweep: Sweep, onset_s: float, duration_s: float, finest: float = 0.0, **detection: float
) -> EphysSweepFeatureExtractor:
    """Returns the extractor on a stretch of the sweep and 0.1 s on both sides, interpolated to `finest` (Hz) or more.

    The interpolation is cubic and monotone between samples (Fritsch & Carlson 1980), so that no extreme appears that
    was not recorded.

    Args:
        onset_s, duration_s: of the stretch, which ends with the recording at the latest.
        detection: other criteria of a spike than allensdk's own.

    Raises:
        UserError: when allensdk is missing.
    """
    try:
        from allensdk.ephys.ephys_extractor import EphysSweepFeatureExtractor
    except ImportError as error:
        raise UserError(f"allensdk is missing ({error}): pip install 'celltype[allen]'") from error

    rate = sweep.sampling_rate
    onset, duration = round(onset_s * rate), round(duration_s * rate)
    margin = min(onset, round(MARGIN_S * rate))
    voltage = sweep.voltage[onset - margin : onset + duration + margin].astype(np.float64)
    factor = max(1, math.ceil(finest / rate))
    if factor > 1:
        fine = np.arange((len(voltage) - 1) * factor + 1) / factor
        voltage = PchipInterpolator(np.arange(len(voltage)), voltage)(fine)
    time = np.arange(len(voltage)) / (factor * rate)
    start, end = time[factor * margin], time[min(factor * (margin + duration), len(time) - 1)]
    return EphysSweepFeatureExtractor(time, voltage, start=start, end=end, **detection)


def with_spikes(
    sweep: Sweep, onset_s: float, duration_s: float, **detection: float
) -> EphysSweepFeatureExtractor | None:
    """Returns the extractor with the spikes it found, or None where there is none by its criteria."""
    found = extractor(sweep, onset_s, duration_s, FINE, **detection)
    try:
        found.process_spikes()
    except ValueError:  # an empty stretch between peak and trough: in recordings of noise, by chance
        return None
    return found if found.sweep_feature("avg_rate") > 0 else None
