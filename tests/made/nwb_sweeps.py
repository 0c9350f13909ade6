"""NWB 2 files of current clamp written with h5py alone, so that anything in them may be wrong."""

import h5py
import numpy as np

from made.sweeps import AMPLITUDES, RATE, current, voltage

RESPONSE, STIMULUS = "acquisition", "stimulus/presentation"


class Plain:
    """Three sweeps; `change(place, number)` opens a series to alter it."""

    def __init__(self, path, electrodes=("electrode_0",), starts=(0.0, 0.0)):
        self.path = path
        with h5py.File(path, "w") as file:
            file.attrs["nwb_version"] = "2.5.0"
            for place in (RESPONSE, STIMULUS):
                file.create_group(place)
            for electrode in electrodes:
                file.create_group(f"general/intracellular_ephys/{electrode}")
        for electrode in electrodes:
            for number in AMPLITUDES:
                self.add(number, voltage(number), current(number), electrode, starts)

    def add(self, number, response, stimulus, electrode="electrode_0", starts=(0.0, 0.0), rate=RATE):
        kinds = ("CurrentClampSeries", "CurrentClampStimulusSeries")
        with h5py.File(self.path, "a") as file:
            for place, kind, data, start, unit, factor in zip(
                (RESPONSE, STIMULUS), kinds, (response, stimulus), starts, ("volts", "amperes"), (1e-3, 1e-12)
            ):
                series = file.create_group(f"{place}/{electrode}_{number}")
                series.attrs.update({"neurodata_type": kind, "sweep_number": np.uint32(number)})
                series["data"] = data
                series["data"].attrs.update({"unit": unit, "conversion": factor})
                series["starting_time"] = start
                series["starting_time"].attrs["rate"] = rate
                series["electrode"] = h5py.SoftLink(f"/general/intracellular_ephys/{electrode}")
        return self

    def change(self, place, number, alter):
        with h5py.File(self.path, "a") as file:
            alter(file[f"{place}/electrode_0_{number}"])
        return self.path
