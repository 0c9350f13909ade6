"""Scalograms of current-clamp sweeps, as a network sees them; pure array functions.

1. `stimulus_window`: from 0.1 s before to 0.1 s after a current step of 1 s, at 4 kHz: 4,800 samples in mV.
2. `scalogram`: the absolute value of PyWavelets' continuous wavelet transform of the window (Mexican hat, 20 to 199 Hz
   in steps of 1 Hz, zeros outside the window), then `resize`, which is bilinear and has no low-pass.

Frequencies, window, rate and resize are those of Amprimo et al. 2025 (Spike Train Scalograms, IEEE EMBC) and
its code, github.com/smilies-polito/spike-train-scalograms, which starts from finished transforms and does not show
whether they keep their sign; the absolute value is what is called a scalogram, and changes less when a spike moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from math import ceil, floor, log

import numpy as np
import pywt
from jaxtyping import Float, Float32, Shaped
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import firwin, resample_poly

from celltype_cli.core.messages import UserError

WAVELET = "mexh"
FILTER_PERIODS = 10  # of the cut-off frequency, to either side of the anti-aliasing filter's centre
REACH = 6  # scales, to either side; the integral of the wavelet beyond is below 1e-7
END = 0.01  # s at either end of a window; the level there is their median
BACKENDS = ("fast", "pywavelets")


def stimulus_window(
    voltage: Float[np.ndarray, " time"],
    sampling_rate: float,
    onset: float,
    *,
    new_rate: float = 4000.0,
    before: float = 0.1,
    duration: float = 1.0,
    after: float = 0.1,
) -> Float32[np.ndarray, " timesteps"]:
    """Cuts the response to a current step out of a sweep and brings it to a lower rate, the onset on a sample.

    The anti-aliasing filter is a zero-phase FIR low-pass (Kaiser window, beta 5), 20 periods of the new Nyquist
    frequency long and at half amplitude there: tones below 0.8 times that frequency keep their amplitude within 0.3 %,
    those above 1.2 times are lowered at least 500-fold. A sweep is taken to stay at its last value beyond its ends.

    The line through the levels at both ends of the window is subtracted. The wavelet is blind to a line, because its
    first two moments vanish; without this it would see a step of the resting potential (70 mV) at either end.

    Args:
        voltage: mV.
        sampling_rate: Hz.
        onset: of the current step, s from the first sample.
        new_rate: Hz.
        before, duration, after: of the window before the step, during it, and after it, s.

    Returns:
        mV relative to the line; sample k lies k / new_rate - before seconds from the onset.

    Raises:
        UserError: for values that are not finite, a rate below `new_rate`, a window that reaches outside the sweep.
    """
    reach = (before, duration + after)
    _check("sweep", [*_not_finite(voltage), *_window_faults(len(voltage), sampling_rate, onset, new_rate, reach)])
    up, down = Fraction(new_rate / sampling_rate).limit_denominator(10_000).as_integer_ratio()
    half = ceil(FILTER_PERIODS * down / up)  # of the filter, in samples of the sweep
    blocks = ceil((before * sampling_rate + half) / down)  # of `down` samples each, resampled before the onset
    skipped, count = blocks * up - round(before * new_rate), round(sum(reach) * new_rate)
    start = round(onset * sampling_rate) - blocks * down
    wanted = np.arange(start, start + ceil((skipped + count) * down / up) + half)
    held = voltage.take(wanted, mode="clip").astype(np.float64)
    held -= np.median(held)  # a polyphase filter ripples a little on a constant
    if up < down:
        lowpass = firwin(2 * FILTER_PERIODS * down + 1, 1 / down, window=("kaiser", 5.0))
        held = resample_poly(held, up, down, window=lowpass)
    window, end = held[skipped : skipped + count], round(END * new_rate)
    first, last = np.median(window[:end]), np.median(window[-end:])
    line = first + (last - first) * (np.arange(count) - (end - 1) / 2) / (count - end)
    return (window - line).astype(np.float32)


def frequencies(low: float = 20.0, high: float = 200.0, step: float = 1.0) -> Float[np.ndarray, " row"]:
    """Returns the frequencies (Hz) of a scalogram's rows before the resize: `low`, and on in steps, below `high`."""
    return low + step * np.arange(round((high - low) / step))


def scalogram(
    window: Float[np.ndarray, "sweep timesteps"],
    *,
    size: Sequence[int] = (224, 224),
    sampling_rate: float = 4000.0,
    low: float = 20.0,
    high: float = 200.0,
    step: float = 1.0,
    backend: str = "fast",
) -> Float32[np.ndarray, "sweep row column"]:
    """Transforms windows into images: row 0 is the lowest frequency, column 0 the start of the window.

    Defined as `resize(abs(pywt.cwt(window, scales, "mexh")), size)`, with the scales that PyWavelets gives for
    `frequencies(low, high, step)` and its defaults otherwise; so computed by the backend "pywavelets". The backend
    "fast" evaluates the same sums, in float32, at those samples only that the resize reads.

    Args:
        window: mV, near zero at both ends, as `stimulus_window` returns it.
        size: rows and columns.
        sampling_rate, low, high, step: of the window and of `frequencies`, Hz.
        backend: "fast" or "pywavelets".

    Returns:
        mV times the square root of a sample, the unit of PyWavelets' coefficients.

    Raises:
        UserError: for values that are not finite, frequencies not between 0 and Nyquist's, an unknown backend.
    """
    _check("window", [*_not_finite(window), *_setting_faults(sampling_rate, low, high, step, backend)])
    scales = pywt.frequency2scale(WAVELET, frequencies(low, high, step) / sampling_rate)
    if backend == "pywavelets":
        return resize(np.abs(np.moveaxis(pywt.cwt(window, scales, WAVELET)[0], 0, 1)), size)
    return _fast(window, tuple(scales), size)


def resize(image: Float[np.ndarray, "*stack row column"], size: Sequence[int]) -> Float32[np.ndarray, "*stack r c"]:
    """Brings images to `size` as torch's `interpolate(mode="bilinear", align_corners=False)` does, without antialias.

    A pixel comes from two rows and two columns: at a width of 224, 448 of 4,800 columns count.
    """
    return resize_axis(resize_axis(image, size[1], axis=-1), size[0], axis=-2).astype(np.float32, copy=False)


def resize_axis(values: Float[np.ndarray, ...], size: int, axis: int = -1) -> Float[np.ndarray, ...]:
    """Interpolates along one axis, as `resize` does; of `frequencies` and times it gives those of the new pixels."""
    left, right, weight = _neighbours(values.shape[axis], size)
    values = np.moveaxis(values, axis, -1)
    return np.moveaxis(_between(values[..., left], values[..., right], weight), -1, axis)


def _fast(window: Float[np.ndarray, "sweep timesteps"], scales: tuple[float, ...], size: Sequence[int]):
    kernels, half = _kernels(scales)
    left, right, weight = _neighbours(window.shape[1], size[1])
    padded = np.pad(window.astype(np.float32), ((0, 0), (half, half)))
    read = padded.shape[1] * np.arange(len(window))[:, None] + np.concatenate([left, right])  # by the resize
    around = sliding_window_view(padded.ravel(), 2 * half + 1)[read.ravel()]
    coefficient = np.empty((len(scales), len(window), 2, size[1]), dtype=np.float32)
    for rows, kernel in kernels:
        beyond = half - kernel.shape[1] // 2
        taps = around[:, beyond : beyond + kernel.shape[1]]
        np.matmul(kernel, taps.T, out=coefficient[rows].reshape(len(kernel), -1))
    np.abs(coefficient, out=coefficient)
    image = _between(coefficient[:, :, 0], coefficient[:, :, 1], weight)
    below, above, weight = _neighbours(len(image), size[0])
    image = _between(image[below], image[above], weight[:, None, None])
    return np.ascontiguousarray(np.moveaxis(image, 0, 1))


def _between(left, right, weight):
    """Writes over `right`: new memory would take longer than the sums."""
    right -= left
    right *= weight
    right += left
    return right


@lru_cache(maxsize=8)
def _kernels(scales: tuple[float, ...]):
    """Returns PyWavelets' own kernels (its response to an impulse, backwards), by rows of similar length."""
    halves = [ceil(REACH * scale) for scale in scales]
    centre = max(halves)
    impulse = np.eye(1, 2 * centre + 1, centre)[0]
    response = pywt.cwt(impulse, scales, WAVELET)[0][:, ::-1].astype(np.float32)
    # Few groups keep the products large, many keep the kernels short.
    groups = [[*rows] for _, rows in groupby(range(len(scales)), lambda row: floor(log(scales[row], 1.7)))]
    longest = [(slice(rows[0], rows[-1] + 1), halves[rows[0]]) for rows in groups]
    return [(rows, response[rows, centre - half : centre + half + 1]) for rows, half in longest], centre


@lru_cache(maxsize=32)
def _neighbours(length: int, size: int) -> tuple[Shaped[np.ndarray, " size"], ...]:
    """Returns the two indices between which each new value lies, and how far towards the second.

    The centre of pixel k lies at (k + 1/2) length / size - 1/2 of the old ones, and never before the first.
    """
    centre = np.maximum((np.arange(size) + 0.5) * length / size - 0.5, 0.0)
    left = centre.astype(int)
    return left, np.minimum(left + 1, length - 1), (centre - left).astype(np.float32)


def _not_finite(voltage: Float[np.ndarray, ...]) -> Iterable[str]:
    bad = ~np.isfinite(voltage)
    if bad.any():
        yield f"{bad.sum():,} values are NaN or infinite, first at sample {np.argwhere(bad)[0, -1]:,}; leave it out"


def _window_faults(length: int, sampling_rate: float, onset: float, new_rate: float, reach: tuple[float, float]):
    if not 0 < new_rate <= sampling_rate < np.inf:
        yield f"recorded at {sampling_rate:,g} Hz, expected at least new_rate={new_rate:,g} Hz; leave it out"
        return
    held = (onset, length / sampling_rate - onset)
    if not np.subtract(held, reach).min() > -1 / new_rate:
        pairs = ["{:,.1f} ms before and {:,.1f} ms after".format(*np.multiply(pair, 1e3)) for pair in (held, reach)]
        yield "it holds {} the stimulus onset, the window {}; leave it out, or choose a shorter window".format(*pairs)


def _setting_faults(sampling_rate: float, low: float, high: float, step: float, backend: str) -> Iterable[str]:
    if not (0 < low < high <= sampling_rate / 2 and 0 < step <= high - low):
        nyquist = f"{sampling_rate / 2:g} Hz, the Nyquist frequency"
        yield f"low={low:g}, high={high:g}, step={step:g} Hz; expected 0 < low, low + step <= high, high <= {nyquist}"
    if backend not in BACKENDS:
        yield f"backend={backend} is none of {', '.join(BACKENDS)}"


def _check(what: str, faults: list[str]) -> None:
    if faults:
        raise UserError("\n  ".join([f"the voltage {what} cannot be used:", *faults]))
