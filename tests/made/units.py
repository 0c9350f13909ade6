"""Sorted units, made up: a Kilosort folder as Phy opens it, and an npz file of units."""

import numpy as np
import pytest

from celltype_cli.core.messages import UserError
from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How
from celltype_cli.extracellular.recording import Recording

RATE = 30000.0
N, TIME, CHANNELS = 4, 82, 12
PARAMS = "dat_path = r'absent.bin'\nn_channels_dat = 12\ndtype = 'int16'\nsample_rate = 30000.\n"


def unit(cell, n=1000, group="r1", seed=0, **changes):
    """A unit that fires at any time in 100 s, as often as not."""
    spikes = np.sort(np.random.default_rng(seed).uniform(0, 100, n))
    usual = {"waveform": np.ones((1, 90), "f4"), "waveform_rate": 3e4, "spikes": spikes, "duration": 100.0}
    return Recording(cell, "", group, **{**usual, **changes})


def waveforms():
    """Of each template [template, time, channel], not whitened: a trough on a channel of its own, smaller beside it."""
    t = np.arange(TIME)[:, None]
    channel = np.arange(CHANNELS)
    shapes = [-np.exp(-(((t - 41) / (2 + k)) ** 2)) + 0.4 * np.exp(-(((t - 52) / (4 + k)) ** 2)) for k in range(N)]
    return np.array([s * np.exp(-(((channel - 2 * k - 2) / 1.5) ** 2)) for k, s in enumerate(shapes)])


def whitening():
    """A matrix that has an inverse and mixes neighbours."""
    return np.eye(CHANNELS) + 0.3 * np.eye(CHANNELS, k=1) + 0.2 * np.eye(CHANNELS, k=-1)


def trains(seconds=20.0):
    """Spikes of each template, in samples, ascending."""
    rng = np.random.default_rng(0)
    return [np.sort(rng.integers(0, int(seconds * RATE), 100 * (k + 1))) for k in range(N)]


def phy(folder, *, params=PARAMS, clusters=range(N), tables=None, drop=(), **arrays):
    """Writes what Kilosort and Phy do; `clusters` says which cluster the spikes of each template are of.

    Args:
        tables: by name, the text of a table; None for one that calls all good.
        arrays: by name of an npy file without its ending, what it holds in place of the usual.
    """
    folder.mkdir(parents=True, exist_ok=True)
    template = np.repeat(np.arange(N), [len(train) for train in trains()])
    times = np.concatenate(trains())
    order = np.argsort(times, kind="stable")
    template = template[order]
    usual = {
        "spike_times": times[order].astype(np.uint64)[:, None],
        "spike_templates": template.astype(np.uint32)[:, None],
        "spike_clusters": np.array(clusters)[template].astype(np.uint32)[:, None],
        "amplitudes": np.full((len(times), 1), 20.0),
        "templates": (waveforms() @ whitening()).astype(np.float32),
        "whitening_mat": whitening(),
        "whitening_mat_inv": np.linalg.inv(whitening()),
        "channel_map": np.arange(CHANNELS, dtype=np.int32)[:, None],
        "channel_positions": np.c_[np.zeros(CHANNELS), 20.0 * np.arange(CHANNELS)],
    }
    for name, array in {**usual, **arrays}.items():
        if name not in drop:
            np.save(folder / f"{name}.npy", array, allow_pickle=True)
    if params is not None:
        (folder / "params.py").write_text(params)
    good = {"cluster_group.tsv": table("group", dict.fromkeys(sorted({*clusters}), "good"))}
    for name, text in (good if tables is None else tables).items():
        (folder / name).write_text(text)
    return folder


def found(path, **how):
    """What a file or folder holds."""
    return read(path, How(**how))


def refused(said, path, **how):
    with pytest.raises(UserError, match=said):
        found(path, **how)


def table(column, words):
    """The text of a table of clusters."""
    return "".join(f"{a}\t{b}\n" for a, b in [("cluster_id", column), *words.items()])


def npz(path, n=3, **arrays):
    """Writes units with spikes; an array that is None is left out."""
    each = trains()[:n]
    usual = {
        "waveform": waveforms()[:n].transpose(0, 2, 1),
        "sampling_rate": RATE,
        "spike_times": np.concatenate(each) / RATE,
        "spike_offsets": np.cumsum([0, *map(len, each)]),
        "label": np.array(["MLI", "GoC", ""])[:n],
        "cell_id": np.array([f"u{k}" for k in range(n)]),
        "group": np.array(["r1", "r1", "r2"])[:n],
        "layer": np.array(["ML", "GCL", ""])[:n],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: array for name, array in {**usual, **arrays}.items() if array is not None})
    return path


def many(path, recordings=6):
    """Units of two classes in several recordings, each like the second or fourth template of the Phy folder."""
    rng = np.random.default_rng(1)
    kind = np.tile([1, 3], recordings * 2)
    shapes = waveforms().transpose(0, 2, 1)[kind]
    each = [np.sort(rng.integers(0, 20 * int(RATE), 200 if k == 1 else 400)) / RATE for k in kind]
    return npz(
        path,
        waveform=shapes + rng.normal(0, 0.01, shapes.shape),
        spike_times=np.concatenate(each),
        spike_offsets=np.cumsum([0, *map(len, each)]),
        label=np.where(kind == 1, "GoC", "MLI"),
        cell_id=np.array([f"u{k}" for k in range(len(kind))]),
        group=np.array([f"r{k // 4}" for k in range(len(kind))]),
        layer=None,
    )
