"""Three small recordings written in each format, to be broken: for tests of bad input."""

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from celltype_cli.core.messages import UserError
from made.configs import cells

TRACE = np.random.default_rng(0).normal(size=(3, 60))
META = {"cell_id": ["c1", "c2", "c3"], "label": ["PV", "SST", "VIP"], "group": ["m1", "m2", "m3"]}
PV_FILE = "DS24-GCaMP6f-m-PV-V1/CAttachedPVVitro05_Cell01_PuffKCl02_mini.mat"


def refused(message, load, *args, **settings):
    with pytest.raises(UserError, match=message) as caught:
        load(*args, **settings)
    return str(caught.value)


def read(path, **changes):
    return cells("traces", path=str(path), **{"timesteps": 20, "unusable": "error"} | changes)


def read_cascade(path, subset="slice3", **changes):
    return cells("cascade", path=str(path), subset=subset, **{"unusable": "error"} | changes)


def npz(tmp_path, trace=TRACE, drop=(), **changes):
    arrays = {"trace": trace, **META, "sampling_rate": 10.0, **changes}
    np.savez(tmp_path / "x.npz", **{name: np.asarray(v) for name, v in arrays.items() if name not in drop})
    return tmp_path / "x.npz"


def csv(tmp_path, **changes):
    wide = pd.DataFrame({**META, "sampling_rate": 10.0, **changes}).join(pd.DataFrame(TRACE))
    wide.to_csv(tmp_path / "x.csv", index=False)
    return tmp_path / "x.csv"


def long(tmp_path, edit=lambda table: table):
    table = pd.DataFrame({name: np.repeat(values, 60) for name, values in META.items()})
    table = table.assign(time_s=np.tile(np.arange(60) / 10, 3), value=TRACE.ravel())
    edit(table).to_csv(tmp_path / "x.csv", index=False)
    return tmp_path / "x.csv"


def hdf5(tmp_path, edit=lambda file: None):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for k, cell in enumerate(META["cell_id"]):
            file[f"neurons/{cell}/dff"] = TRACE[k]
            file[f"neurons/{cell}"].attrs.update(cell_type=META["label"][k], frame_rate_hz=10.0)
        edit(file)
    return tmp_path / "x.h5"


def mat(tmp_path, drop=(), name=PV_FILE, **fields):
    made = {"fluo_time": np.arange(4000) / 26.6, "fluo_mean": np.random.default_rng(0).normal(size=4000), **fields}
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"CAttached": {key: value for key, value in made.items() if key not in drop}})
    return path
