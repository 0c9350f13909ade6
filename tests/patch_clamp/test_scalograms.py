"""Scalograms against PyWavelets and torch, against tones worked out by hand, and on the real sweeps where at hand."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import pywt
import torch
from torch.nn.functional import interpolate

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.scalograms import frequencies, resize, resize_axis, scalogram, stimulus_window

SIZES = [(224, 224), (299, 299), (7, 5000)]
ALLEN = "patch_clamp/allen_ctdb_long_square"
TIME = np.arange(4800) / 4000 - 0.1  # s from the onset, of the samples of a window


@pytest.fixture(scope="module")
def draw():
    file = Path(__file__).parents[2] / "scripts" / "draw_scalograms.py"
    spec = importlib.util.spec_from_file_location("draw", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def spikes(seed, count=20):
    """A window of 4,800 samples: spikes of 100 mV and 1 ms at any time, each with an undershoot, and noise."""
    draw = np.random.default_rng(seed)
    since = TIME - draw.uniform(0, 1, (count, 1))
    shape = 100 * np.exp(-((since / 0.0004) ** 2)) - 15 * np.exp(-since / 0.02) * (since > 0)
    return shape.sum(axis=0) + draw.normal(0, 0.1, len(TIME))


def expected(windows, size):
    """PyWavelets and torch in double precision, nothing of ours; to PyWavelets a Mexican hat of scale 1 has 0.25 Hz."""
    scales = 0.25 * 4000 / np.arange(20, 200)
    magnitude = np.abs([pywt.cwt(np.asarray(w, dtype=float), scales, "mexh")[0] for w in windows])
    resized = interpolate(torch.from_numpy(magnitude)[None], size=size, mode="bilinear", align_corners=False)
    return resized[0].numpy()


def error(got, wanted):
    return np.abs(got - wanted).max() / np.abs(wanted).max()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("backend", ["fast", "pywavelets"])
def test_both_backends_are_pywavelets_followed_by_the_resize_of_torch(size, backend):
    windows = np.stack([spikes(0), spikes(1, 3)])
    got = scalogram(windows, size=size, backend=backend)
    assert got.shape == (2, *size) and got.dtype == np.float32
    assert error(got, expected(windows, size)) < 1e-5


@pytest.mark.parametrize("size", SIZES[:2])
def test_real_sweeps_agree_with_pywavelets(shared_data, draw, size):
    windows = np.stack([window for _, window in draw.load(shared_data / ALLEN)])
    assert len(windows) == 10 and windows.max(axis=1).min() > 80  # mV: each holds spikes
    assert error(scalogram(windows, size=size), expected(windows, size)) < 1e-5


def test_what_the_definition_costs(shared_data, draw, monkeypatch):
    """By how much the image of a real sweep changes when its spikes come 1 ms later; docs/scalograms.md says so too."""
    still = [window for _, window in draw.load(shared_data / ALLEN)]
    monkeypatch.setattr(draw, "stimulus_window", lambda voltage, rate, at: stimulus_window(voltage, rate, at - 0.001))
    late = [window for _, window in draw.load(shared_data / ALLEN)]
    pairs = [[pywt.cwt(window, 1000 / np.arange(20, 200), "mexh")[0] for window in pair] for pair in zip(still, late)]

    def change(pair, kind, antialias):
        options = {"size": (224, 224), "mode": "bilinear", "align_corners": False, "antialias": antialias}
        before, after = (interpolate(torch.from_numpy(kind(one))[None, None], **options).numpy() for one in pair)
        return np.sqrt(((after - before) ** 2).mean() / (before**2).mean())

    for kind, antialias, found in ((np.abs, False, 0.47), (np.positive, False, 0.55), (np.abs, True, 0.15)):
        assert np.median([change(pair, kind, antialias) for pair in pairs]) == pytest.approx(found, abs=0.01)


@pytest.mark.parametrize("tone", [40.0, 100.0, 160.0])
@pytest.mark.parametrize(("size", "within"), [((180, 4800), 1.0), ((224, 224), 2.0)])
def test_a_tone_peaks_at_the_row_of_its_frequency(tone, size, within):
    # At scale s and angular frequency w a coefficient is s**0.5 * (s w)**2 * exp(-(s w)**2 / 2) times a constant, which
    # is largest at s w = 2.5**0.5; the row of frequency F has s = 0.25 / F, so F = tone * (pi / 2) / 2.5**0.5.
    image = scalogram(np.sin(2 * np.pi * tone * TIME)[None], size=size)[0]
    middle = image[:, size[1] // 4 : -size[1] // 4].mean(axis=1)
    row_frequency = resize_axis(frequencies(), size[0])
    assert row_frequency[middle.argmax()] == pytest.approx(tone * np.pi / 2 / 2.5**0.5, abs=within)


def test_the_height_of_a_tone():
    # Row 100 Hz has s = 10, s w = pi / 2; 2 / (3**0.5 pi**0.25) * (2 pi)**0.5 * 2.4674 * exp(-1.2337) * 10**0.5 = 4.94.
    image = scalogram(np.sin(2 * np.pi * 100 * TIME)[None], size=(180, 4800))[0]
    assert image[80, 1000:3800].max() == pytest.approx(4.94, rel=0.02)
    assert image[0, 1000:3800].max() < 1e-2 * image[80].max()  # at 20 Hz s w = 7.85


def test_rows_go_up_in_steps_and_stop_below_the_highest():
    assert frequencies()[[0, 1, -1]].tolist() == [20, 21, 199] and len(frequencies()) == 180
    assert frequencies(10, 20, 2.5).tolist() == [10, 12.5, 15, 17.5]
    assert scalogram(spikes(0)[None], low=50, high=60, size=(10, 8)).shape == (1, 10, 8)


def test_the_resize_by_hand():
    ramp = np.array([[0.0, 10, 20, 30]])
    assert resize(ramp, (1, 2)).tolist() == [[5, 25]]  # centres at 0.5 and 2.5
    assert resize(ramp[:, :2], (2, 4)).tolist() == [[0, 2.5, 7.5, 10]] * 2  # centres at -0.25, 0.25, 0.75, 1.25
    assert resize_axis(np.arange(4800.0), 224)[:2] == pytest.approx([10.2143, 31.6429], abs=1e-4)
    lone = np.zeros((1, 4800))
    lone[:, 20] = 1  # between columns 10, 11 and 31, 32, which are read
    assert not resize(lone, (1, 224)).any()


@pytest.mark.parametrize("rate", [10_000, 25_000.0, 44_100.0, 50_000.0, 200_000.0])
def test_resampling_keeps_a_low_tone_and_removes_one_above_half_the_rate(rate):
    time = np.arange(int(1.6 * rate)) / rate - 0.2
    during = np.exp(-(((time - 0.5) / 0.15) ** 2))  # so that the ends are level

    def window(tone):
        return stimulus_window(-70 + 10 * during * np.sin(2 * np.pi * tone * time), rate, 0.2)

    kept = 10 * np.exp(-(((TIME - 0.5) / 0.15) ** 2)) * np.sin(2 * np.pi * 300 * TIME)
    assert np.abs(window(300.0) - kept).max() < 0.04
    assert np.abs(window(2450.0)).max() < 10 / 500  # it would alias to 1,550 Hz


@pytest.mark.parametrize("rate", [4000.0, 20_000.0, 44_100.0, 50_000.0, 200_000.0])
def test_an_event_stays_where_it_was(rate):
    time = np.arange(int(2 * rate)) / rate
    bump = stimulus_window(np.exp(-(((time - 0.75) / 0.002) ** 2)), rate, 0.5)
    assert bump.argmax() == 1400 and bump[1400] == pytest.approx(1, abs=1e-3)  # (0.1 + 0.25) s at 4 kHz


def test_a_sweep_that_just_holds_the_window_does_not_ring():
    got = stimulus_window(np.full(60_000, -70.0) + (np.arange(60_000) > 30_000), 50_000.0, 0.1)
    assert got.shape == (4800,) and got.dtype == np.float32
    assert np.abs(np.diff(got)[[*range(2300), *range(2500, 4799)]]).max() < 2e-3  # a step, and the line taken away


@pytest.mark.parametrize("level", [-70.1, 0.0])
def test_nothing_comes_of_a_constant(level):
    window = stimulus_window(np.full(72_500, level), 50_000.0, 0.205)
    assert not window.any()
    assert not scalogram(window[None]).any()


def test_drift_and_resting_potential_do_not_show():
    time = np.arange(72_500) / 50_000 - 0.2
    sweep = np.random.default_rng(0).normal(0, 20, len(time)) * np.exp(-(((time - 0.5) / 0.15) ** 2))
    drift = -70 + 40 * time  # mV; at the ends of the window, zeros would follow on -74 and -26 mV
    image = scalogram(np.stack([stimulus_window(v, 50_000.0, 0.2) for v in (sweep, sweep + drift)]))
    assert error(image[1], image[0]) < 1e-5


def test_the_image_is_of_magnitudes():
    window = spikes(3)[None]
    image = scalogram(window)
    assert image.min() >= 0
    assert (scalogram(-window) == image).all() and (scalogram(4 * window) == 4 * image).all()


def test_sweeps_stay_apart_and_the_same_twice():
    windows = np.stack([spikes(4), spikes(5)])
    image = scalogram(windows, size=(30, 40))
    assert image.shape == (2, 30, 40) and image.dtype == np.float32 and image.flags.c_contiguous
    assert error(image[1], expected([windows[1]], (30, 40))[0]) < 1e-5
    assert scalogram(windows.copy(), size=[30, 40]).tobytes() == image.tobytes()


GOOD = np.zeros(72_500)


@pytest.mark.parametrize(
    ("voltage", "rate", "onset", "named"),
    [
        (np.where(np.arange(72_500) < 7, np.nan, 0.0), 50_000.0, 0.205, ["7 values are NaN", "sample 0"]),
        (GOOD, 50_000.0, 0.05, ["50.0 ms before", "100.0 ms before", "1,100.0 ms after"]),
        (GOOD, 50_000.0, 0.5, ["950.0 ms after", "1,100.0 ms after"]),
        (GOOD, 50_000.0, np.nan, ["nan ms before"]),
        (GOOD[:3000], 2000.0, 0.2, ["2,000 Hz", "4,000 Hz"]),
        (GOOD, 0.0, 0.2, ["0 Hz"]),
        (np.where(np.arange(72_500) == 9, np.inf, 0.0), 50_000.0, 0.0, ["sample 9", "0.0 ms before"]),  # both at once
    ],
)
def test_a_sweep_that_cannot_be_used_says_why(voltage, rate, onset, named):
    with pytest.raises(UserError) as raised:
        stimulus_window(voltage, rate, onset)
    assert all(words in str(raised.value) for words in named)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"high": 2500.0}, ["high=2500", "2000 Hz, the Nyquist"]),
        ({"sampling_rate": 300.0}, ["high=200", "150 Hz, the Nyquist"]),
        ({"low": 0.0}, ["low=0"]),
        ({"step": 500.0, "backend": "fft"}, ["step=500", "backend=fft is none of fast, pywavelets"]),
    ],
)
def test_settings_that_cannot_be_used_say_why(settings, named):
    with pytest.raises(UserError) as raised:
        scalogram(np.zeros((1, 4800)), **settings)
    assert all(words in str(raised.value) for words in named)


def test_a_window_with_a_hole_is_refused():
    with pytest.raises(UserError, match="sample 5"):
        scalogram(np.where(np.arange(4800) == 5, np.nan, 0.0)[None])
