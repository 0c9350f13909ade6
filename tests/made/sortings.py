"""Sortings and analyzers as SpikeInterface 0.105 saves them, written without it, with the units of `made.units`."""

import json

import numpy as np

from made.units import RATE, N, trains, waveforms

SPIKE = [("sample_index", "i8"), ("unit_index", "i8"), ("segment_index", "i8")]


def vector(n=N, segments=1):
    """Spikes of all units in the order of segments and of time; of a second segment the later half of each unit's."""
    rows = []
    for k in range(n):
        half = np.arange(len(trains()[k])) >= len(trains()[k]) / segments
        start = np.where(half, trains()[k][half].min(initial=2**40), 0) if segments > 1 else 0
        rows += [*zip(trains()[k] - start, [k] * len(half), half.astype(int) if segments > 1 else [0] * len(half))]
    spikes = np.array(rows, dtype=SPIKE)
    return spikes[np.lexsort((spikes["sample_index"], spikes["segment_index"]))]


def sorting(folder, *, spikes=None, ids=None, rate=RATE, segments=1, **properties):
    folder.mkdir(parents=True, exist_ok=True)
    about = {"sampling_frequency": rate, "unit_ids": ids or [*range(N)], "num_segments": segments}
    (folder / "numpysorting_info.json").write_text(json.dumps(about))
    np.save(folder / "spikes.npy", vector(segments=segments) if spikes is None else spikes)
    (folder / "properties").mkdir(exist_ok=True)
    for name, values in properties.items():
        np.save(folder / "properties" / f"{name}.npy", np.array(values))
    evil = {"class": "subprocess.Popen", "kwargs": {"args": ["touch", str(folder / "ran")]}, "module": "subprocess"}
    (folder / "si_folder.json").write_text(json.dumps(evil))
    return folder


def analyzer(folder, *, templates=True, lengths=None, **changes):
    sorting(folder / "sorting", **changes)
    (folder / "spikeinterface_info.json").write_text(json.dumps({"version": "0.105.3", "object": "SortingAnalyzer"}))
    (folder / "settings.json").write_text(json.dumps({"return_in_uV": True}))
    (folder / "recording_info").mkdir()
    attributes = {"sampling_frequency": RATE, "num_samples": lengths or [int(RATE * 20)]}
    (folder / "recording_info" / "recording_attributes.json").write_text(json.dumps(attributes))
    if templates:
        for name, values in (("templates/average", waveforms()), ("spike_amplitudes/amplitudes", -np.ones(1000))):
            (folder / "extensions" / name).parent.mkdir(parents=True)
            np.save(folder / "extensions" / f"{name}.npy", values)
    return folder


class Sorting:
    """What is asked of a Sorting of SpikeInterface."""

    unit_ids = np.arange(N)

    def __init__(self, **properties):
        self.properties = properties

    def to_spike_vector(self):
        return vector()

    def get_sampling_frequency(self):
        return RATE

    def get_num_segments(self):
        return 1

    def get_property_keys(self):
        return [*self.properties]

    def get_property(self, name):
        return np.array(self.properties[name])


class Analyzer:
    """What is asked of a SortingAnalyzer."""

    return_in_uV = True

    def __init__(self, **properties):
        self.sorting = Sorting(**properties)

    def get_num_samples(self, _):
        return int(RATE * 20)

    def get_extension(self, name):
        return Extension({"average": waveforms()}) if name == "templates" else None


class Extension:
    def __init__(self, data):
        self.data = data
