"""The output of suite2p and of CaImAn, made up: folders of npy files, and HDF5."""

import h5py
import numpy as np

N, TIME, FS = 5, 200, 10.0
OPS = {"nplanes": 1, "fs": FS, "tau": 1.0}
IS_CELL = (1, 0, 1, 1, 0)


def fluorescence(seed=0, n=N):
    """F and Fneu [ROI, time]: positive, with transients."""
    rng = np.random.default_rng(seed)
    neuropil = 100 + rng.normal(0, 2, (n, TIME))
    return (400 + 0.7 * neuropil + 80 * (rng.random((n, TIME)) < 0.05)).astype("f4"), neuropil.astype("f4")


def suite2p(folder, *, seed=0, n=N, iscell=IS_CELL, ops=OPS, drop=()):
    """Writes what suite2p does into a plane's folder; ops.npy and stat.npy are pickles, as there."""
    folder.mkdir(parents=True, exist_ok=True)
    full, neuropil = fluorescence(seed, n)
    probability = np.linspace(0.1, 0.9, n)
    arrays = {"F": full, "Fneu": neuropil, "spks": np.zeros_like(full), "iscell": np.c_[iscell[:n], probability]}
    for name, array in arrays.items():
        if name not in drop:
            np.save(folder / f"{name}.npy", array)
    if ops is not None:
        np.save(folder / "ops.npy", np.array(ops, dtype=object), allow_pickle=True)
    np.save(folder / "stat.npy", np.array([{"npix": 9}] * n, dtype=object), allow_pickle=True)
    return folder


def caiman(path, *, fr=FS, good=(0, 2, 3), bad=(1, 4), drop=()):
    """Writes what `CNMF.save` does, as far as traces go; `None` becomes the text NoneType."""
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        for name in ("F_dff", "C", "YrA"):
            file[f"estimates/{name}"] = "NoneType" if name in drop else rng.normal(0, 0.1, (N, TIME))
        for name, chosen in (("idx_components", good), ("idx_components_bad", bad)):
            file[f"estimates/{name}"] = "NoneType" if chosen is None else np.array(chosen, dtype=np.int64)
        file["params/data/fr"] = fr
        file["dims"] = [64, 64]
    return path
