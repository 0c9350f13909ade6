"""MATLAB structs as files, of version 5 (scipy) and of 7.3 (HDF5 as MATLAB lays it out)."""

from itertools import count

import h5py
import numpy as np
from scipy.io import savemat

NUMBERS = count()


def cell(values):
    """A cell array of one row."""
    array = np.empty((1, len(values)), dtype=object)
    for k, value in enumerate(values):
        array[0, k] = value
    return array


def v5(path, **structs):
    savemat(path, structs)
    return path


def v73(path, **structs):
    """Writes what `v5` does: values say their class, cells are references into #refs#, axes are the other way round."""
    with h5py.File(path, "w", userblock_size=512) as file:
        refs = file.create_group("#refs#")
        for name, value in structs.items():
            _write(file, name, value, refs)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def _write(group, name, value, refs):
    if isinstance(value, dict):
        inner = group.create_group(name)
        inner.attrs["MATLAB_class"] = np.bytes_("struct")
        for key, entry in value.items():
            _write(inner, key, entry, refs)
        return
    array = np.asarray(value)
    if isinstance(value, str):
        made = group.create_dataset(name, data=np.array([[ord(c)] for c in value], dtype="u2"))
        made.attrs["MATLAB_class"] = np.bytes_("char")
    elif array.dtype == object:
        places = np.empty(array.T.shape, dtype=h5py.ref_dtype)
        for k, entry in np.ndenumerate(array.T):
            _write(refs, place := f"r{next(NUMBERS)}", entry, refs)
            places[k] = refs[place].ref
        made = group.create_dataset(name, data=places, dtype=h5py.ref_dtype)
        made.attrs["MATLAB_class"] = np.bytes_("cell")
    else:
        array = np.atleast_2d(array).astype(float)
        made = group.create_dataset(name, data=array.T if array.size else np.array([0, 0], dtype="u8"))
        made.attrs["MATLAB_class"] = np.bytes_("double")
        if not array.size:
            made.attrs["MATLAB_empty"] = np.uint8(1)
