"""The C4 database, made up: HDF5 in its layout, with the units of `made.units`."""

import h5py
import numpy as np

from made.units import RATE, trains, waveforms

LABELS = ("MLI", "GoC", "", "MFB")


def c4(path, n=4, *, link=True, transposed=(), single=(), drop=(), per_unit=None, root=True, **fields):
    """Writes units; each lies in the root and below /datasets.

    Args:
        link: whether the second place is a link to the first, or a copy of it.
        transposed: units whose waveform is [time, channel].
        single: units whose waveform is of one channel.
        drop: fields that are left out.
        per_unit: by unit, fields in place of the usual.
        fields: likewise, of all units.
    """
    shapes = waveforms().transpose(0, 2, 1)
    with h5py.File(path, "w") as file:
        for k in range(n):
            spikes = trains()[k]
            wave = shapes[k].T if k in transposed else shapes[k][2 * k + 2] if k in single else shapes[k]
            usual = {
                "lab_id": "hausser", "line": "none", "dataset_id": f"21-01-0{1 + k // 2}_aa001_probe0",
                "neuron_id": f"/hausser_neuron_{k}", "neuron_relative_id": 10 + k, "sampling_rate": RATE,
                "sane_periods": "all", "spike_indices": spikes.astype(np.uint32),
                "sane_spikes": np.ones(len(spikes), bool), "fn_fp_filtered_spikes": np.ones(len(spikes), bool),
                "optostims": np.array([[15.0, 15.2], [16.0, 16.2]]), "mean_waveform_preprocessed": wave,
                "raw_waveforms": np.zeros((2, 12, 82), np.int16), "scaling_factor": 2.34,
                "raw_voltage_snippet": np.zeros((7, 90), np.int16), "voltage_snippet_start_index": 0,
                "channel_ids": np.arange(12 if k not in single else 1, dtype=np.uint16),
                "channelmap": np.zeros((12, 2)), "channel_noise_std": np.ones(12), "peakchan_SNR": 8.0,
                "acrosschan_SNR": np.ones(12), "amplitudes": np.linspace(10, 20, len(spikes)),
                "phyllum_layer": ("ML", "GCL", "", "unknown")[k], "human_layer": ("", "", "PCL", "GCL")[k],
                "expert_label": ("", "", "PkC_ss", "")[k], "ground_truth_label": LABELS[k],
                "ground_truth_source": "", "mli_cluster": "",
            }  # fmt: skip
            held = {**usual, **fields, **(per_unit or {}).get(k, {})}
            first = file.create_group(f"hausser_neuron_{k}")
            for name, value in held.items():
                if name not in drop and value is not None:
                    first[name] = value
            second = f"datasets/{held['dataset_id']}/{held['neuron_relative_id']}"
            if link:
                file[second] = first
            else:
                file.copy(first, second)
        if not root:
            for k in range(n):
                del file[f"hausser_neuron_{k}"]
    return path
