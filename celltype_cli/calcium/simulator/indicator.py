"""From spikes to dF/F: calcium, a GCaMP6f-like indicator, drift, baseline and photon noise."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32
from scipy.signal import lfilter

from celltype_cli.calcium.simulator.spikes import slow_noise

NU_TO_SD = 1 / 95.4  # white noise of sd 1 has a median |step| of 0.954; nu is 100 times that, per sqrt(Hz)


def calcium(
    spikes: Float[np.ndarray, " spike"], n_samples: int, dt: float, *, rise_s: float, decay_s: float
) -> Float[np.ndarray, " time"]:
    """Returns calcium at samples 0, dt, 2 dt ... in units of the peak after one spike.

    Each spike (in seconds, at its exact time and not at a sample) adds (1 - exp(-t / rise_s)) exp(-t / decay_s).
    """
    after = np.ceil(spikes / dt).astype(int)
    late = after * dt - spikes
    falling, rising = (
        lfilter([1.0], [1.0, -np.exp(-dt / tau)], np.bincount(after, np.exp(-late / tau), n_samples + 1)[:n_samples])
        for tau in (decay_s, 1 / (1 / rise_s + 1 / decay_s))
    )
    peak_s = rise_s * np.log1p(decay_s / rise_s)
    peak = (1 - np.exp(-peak_s / rise_s)) * np.exp(-peak_s / decay_s)
    return np.maximum(falling - rising, 0.0) / peak


def measured(
    spikes: Float[np.ndarray, " spike"],
    seed: np.random.SeedSequence,
    *,
    n_before: int,
    n_samples: int,
    dt: float,
    rise_s: float,
    decay_s: float,
    half_spikes: float,
    hill: float,
    max_dff: float,
    drift_dff: float,
    drift_s: float,
    baseline_percentile: float,
    noise_nu: float,
) -> Float32[np.ndarray, " time"]:
    """Returns the dF/F that a microscope would show of one cell.

    Args:
        spikes: in seconds from the start of the recording, `n_before` samples before the first one returned.
        seed: of drift and noise.
        n_before: samples before the first one returned, to which dF/F refers.
        n_samples: samples returned.
        dt: length of a sample in seconds.
        rise_s: time constant of the rise in seconds.
        decay_s: time constant of the decay of calcium in seconds.
        half_spikes: calcium at which the indicator shines half as bright as it can, in peaks of single spikes.
        hill: Hill exponent of the indicator; above 1, bursts count more than the same spikes one by one.
        max_dff: dF/F at saturation.
        drift_dff: sd of the drift of the fluorescence, in units of the resting fluorescence.
        drift_s: correlation time of the drift in seconds.
        baseline_percentile: of the fluorescence before the first sample; this is F in dF/F.
        noise_nu: photon noise at baseline in % / sqrt(Hz), as CASCADE defines it (Rupprecht et al., Nat Neurosci
            24:1324, 2021); its variance grows with the fluorescence.
    """
    drift, noise = (np.random.default_rng(child) for child in seed.spawn(2))
    bound = calcium(spikes, n_before + n_samples, dt, rise_s=rise_s, decay_s=decay_s) ** hill
    bright = 1 + max_dff * bound / (bound + half_spikes**hill)
    bright += drift_dff * slow_noise(drift, len(bright), dt, tau_s=drift_s)
    bright = np.maximum(bright / np.percentile(bright[:n_before], baseline_percentile), 0.0)[n_before:]
    sd = noise_nu * NU_TO_SD / np.sqrt(dt)
    return (bright - 1 + sd * np.sqrt(bright) * noise.standard_normal(n_samples)).astype(np.float32)
