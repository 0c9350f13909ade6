"""The CASCADE reader on made-up .mat files of every shape that occurs, and on the real ones where they are at hand."""

from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from made.configs import cells as prepared
from scipy.io import savemat

from celltype_cli.calcium.datasets import cascade
from celltype_cli.calcium.datasets.fake_classes import fake_classes
from celltype_cli.calcium.recording import Recording
from celltype_cli.core.messages import UserError

SLICE3 = {  # file: id, animal, label
    "DS24-GCaMP6f-m-PV-V1/CAttachedPVVitro05_Cell01_PuffKCl02_mini.mat": ("DS24_PVVitro05_Cell01", "PVVitro05", "PV"),
    "DS25-GCaMP6f-m-SST-V1/CAttachedSomVitro01_Cell04_Puff01_mini.mat": ("DS25_SomVitro01_Cell04", "SOMVitro01", "SST"),
    "DS26-GCaMP6f-m-VIP-V1/CAttachedVIPVitro03_Cell03_Puff01_mini.mat": ("DS26_VIPVitro03_Cell03", "VIPVitro03", "VIP"),
}


def trial(n=1000, rate=26.6, **fields):
    made = {"fluo_time": np.arange(n)[:, None] / rate, "fluo_mean": np.random.default_rng(n).normal(size=(n, 1))}
    return made | {"events_AP": np.zeros((0, 1))} | fields


def write(path, *trials, struct_array=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    if struct_array:
        kinds = [(name, object) for name in trials[0]]
        attached = np.array([[tuple(t.values()) for t in trials]], dtype=kinds)
    else:
        attached = np.empty((1, len(trials)), dtype=object)
        attached[0] = trials
    savemat(path, {"CAttached": attached})
    return path


@pytest.fixture
def folder(tmp_path):
    for n, name in enumerate(SLICE3, 4000):  # another number of samples is another trace
        write(tmp_path / "Ground_truth" / name, trial(n))
    write(tmp_path / "Ground_truth/DS07-GCaMP6f-zf-dD/CAttached_fish_mini.mat", trial(4000))
    return tmp_path / "Ground_truth"


def load(path, **changes):
    return prepared("cascade", path=str(path), **changes)


def read_one(tmp_path, *trials, **options):
    return cascade.read(write(tmp_path / next(iter(SLICE3)), *trials, **options))


@pytest.mark.parametrize("path", ["Ground_truth", "."])  # the folder, or the clone that holds it
def test_the_subset_is_read_from_a_clone(folder, path):
    cells = load(folder.parent / path)
    assert cells.classes == ("PV", "SST", "VIP")
    assert cells.inputs["trace"].shape == (6, 1, 480)  # 4000 / 26.6 = 150 s: two windows of 64 s each
    rows = zip(cells.cell_id[::2], cells.group[::2], (cells.classes[k] for k in cells.label[::2]), strict=True)
    assert list(rows) == list(SLICE3.values())
    assert cells.about.name == "cascade slice3"
    assert cells.about.notes == ()


@pytest.mark.parametrize("struct_array", [False, True])
@pytest.mark.parametrize("shape", [(1, -1), (-1, 1)])
def test_every_layout_of_trials_is_read(tmp_path, struct_array, shape):
    trials = [trial(n) for n in (1000, 500)]
    turned = [{name: value.reshape(shape) for name, value in t.items()} for t in trials]
    recording = read_one(tmp_path, *turned, struct_array=struct_array)
    assert [len(s) for s in recording.segments] == [1000, 500]
    for segment, made in zip(recording.segments, trials, strict=True):
        assert np.array_equal(segment, made["fluo_mean"].ravel())
    assert recording.sampling_rate == pytest.approx(26.6)


def test_gaps_padding_and_repeated_stamps(tmp_path):
    time, trace = np.arange(100) / 10, np.arange(100.0)
    gap = np.where(np.arange(100) < 60, time, time + 5)
    padded = np.append(time, [np.nan, np.nan])
    repeated = np.append(time, time[-1])
    recording = read_one(
        tmp_path,
        trial(fluo_time=gap, fluo_mean=trace),
        trial(fluo_time=padded, fluo_mean=np.append(trace, [np.nan, np.nan])),
        trial(fluo_time=repeated, fluo_mean=np.append(trace, 99.0)),
        trial(fluo_time=time, fluo_mean=np.append(trace, [7.0, 8.0, 9.0])),  # more values than stamps
    )
    assert [len(s) for s in recording.segments] == [60, 40, 100, 100, 100]
    assert all(np.array_equal(s, trace) for s in recording.segments[2:])
    assert recording.sampling_rate == pytest.approx(10)


def test_trials_at_two_rates_are_brought_to_the_slower(tmp_path):
    def slow_sine(rate):
        time = np.arange(int(60 * rate)) / rate
        return trial(fluo_time=time, fluo_mean=np.sin(time))

    recording = read_one(tmp_path, slow_sine(20.0), slow_sine(10.0))
    assert recording.sampling_rate == pytest.approx(10)
    first, second = recording.segments
    assert len(first) == len(second) == 600
    assert np.abs(first - second)[10:-10].max() < 3e-3


ZHANG = "DS{}/CAttached_jGCaMP8s_479572_{}_mini.mat"


def test_mice_of_zhang2_hold_both_classes(tmp_path):
    write(tmp_path / ZHANG.format("32-GCaMP8s-m-V1", 5), trial(5000, cell_type="pyramidal cell"))
    write(tmp_path / ZHANG.format("33-Interneurons2023-m-V1", 6), trial(5000, cell_type="interneuron"))
    cells = load(tmp_path, subset="zhang2", windows="first")
    assert cells.classes == ("EXC", "PV")
    assert cells.group.tolist() == ["479572", "479572"]
    assert cells.source.tolist() == ["Zhang2023, jGCaMP8s, in vivo"] * 2
    assert any("folders of subset zhang2 that are not there: DS28" in note for note in cells.about.notes)
    assert "the type of 1 PV cells is putative, no marker or morphology was seen" in cells.about.notes
    assert not any("one class only" in note for note in cells.about.notes)


def test_the_file_may_not_contradict_its_folder(tmp_path):
    file = write(tmp_path / ZHANG.format("32-GCaMP8s-m-V1", 5), trial(cell_type="interneuron"))
    with pytest.raises(UserError, match="cell_type says 'interneuron', its folder EXC"):
        cascade.read(file)


def test_label_and_laboratory_coincide_in_all(folder):
    write(folder / "DS10-GCaMP6f-m-V1-neuropil-corrected/CAttached_Allen_Emx1_1_mini.mat", trial(5000))
    notes = load(folder, subset="all").about.notes
    assert any(note.startswith("1 of 4 cells come from sources that hold one class only") for note in notes)


def test_short_cells_are_dropped_with_a_note_or_refused(folder):
    name = "DS26-GCaMP6f-m-VIP-V1/CAttachedVIPVitro01_Cell01_PuffKCl01_mini.mat"
    write(folder / name, trial(400))
    assert "1 cell left out, no window of 480 samples fits or varies: VIP 1" in load(folder).about.notes
    with pytest.raises(
        UserError, match="DS26_VIPVitro01_Cell01 .* 113 samples at 7.5 Hz .recorded at 26.6.* Hz., 480 expected"
    ):
        load(folder, too_short="error")  # 400 / 26.6 Hz = 15 s


# The null: one true class under the names of its sources


KWAN, ALLEN = "DS02-OGB1-2-m-V1", "DS10-GCaMP6f-m-V1-neuropil-corrected"


def write_two_sources(folder, n_kwan=5, n_allen=6):
    for k in range(n_kwan):
        write(folder / KWAN / f"CAttached_kwan_{k}_mini.mat", trial(5000 + k))
    for k in range(n_allen):
        write(folder / ALLEN / f"CAttached_Allen_Emx1_{k}_mini.mat", trial(6000 + k))


def test_fake_classes_are_the_sources_of_one_class(folder):
    write_two_sources(folder)
    real, null = load(folder, subset="all"), load(folder, subset="all", null="fake_classes")
    assert real.classes == ("EXC", "PV", "SST", "VIP")
    assert null.classes == ("Allen-Huang2021 GCaMP6f in vivo", "Kwan2012 OGB-1 in vivo")
    first = np.unique(null.cell_id, return_index=True)[1]
    assert {null.cell_id[r][:4]: null.classes[null.label[r]].split()[0] for r in first} == {
        "DS10": "Allen-Huang2021", "DS02": "Kwan2012"}  # fmt: skip
    assert np.bincount(null.label[first]).tolist() == [6, 5]
    rows = {digest: cell for digest, cell in zip(real.row_digests, real.cell_id, strict=True)}
    assert all(rows[digest] == cell for digest, cell in zip(null.row_digests, null.cell_id, strict=True))
    assert null.fingerprint() != real.fingerprint()


def test_a_null_is_called_one(folder):
    write_two_sources(folder)
    about = load(folder, subset="all", null="fake_classes").about
    assert about.title == "cascade all fake_classes (null)"
    assert about.notes[0].startswith("this is a null: all cells are EXC, and the 2 classes are where they come from")
    assert "though the real ones are 4" in about.notes[0]
    assert not any("presumed" in note or "one class only" in note for note in about.notes)


def test_sources_of_few_cells_are_no_fake_classes(folder):
    write_two_sources(folder, n_kwan=4)
    with pytest.raises(UserError, match="needs a class with 5 or more cells from each of two sources; found EXC: A"):
        load(folder, subset="all", null="fake_classes")
    with pytest.raises(UserError, match="dataset.null=fake is none of fake_classes"):
        load(folder, subset="all", null="fake")


def test_laboratories_come_before_second_sources_of_one():
    def some(label, source, n):
        return [Recording(f"{label}{source}{k}", label, "", (np.arange(9.0),), 1.0, source) for k in range(n)]

    recordings = [*some("EXC", "A, x", 9), *some("EXC", "A, y", 8), *some("EXC", "A, z", 7), *some("EXC", "B, x", 5)]
    recordings += [*some("PV", "A, x", 20), *some("PV", "C, x", 20), *some("SST", "A, x", 2)]
    kept, _ = fake_classes(recordings)  # three true classes, so three sources of EXC, which has four
    assert Counter(r.label for r in kept) == {"A x": 9, "B x": 5, "A y": 8}


# Real recordings


@pytest.fixture(scope="session")
def neurons(shared_data):
    table = pd.read_csv(shared_data / "calcium" / "neurons.csv", dtype=str, keep_default_na=False)
    return table.set_index("source_file")


def test_names_tell_what_the_published_table_says(neurons):
    for file, neuron in neurons.iterrows():
        made = cascade.described(Path(file))
        assert (made.cell_id, made.label, made.group) == (neuron.neuron_id, neuron.cell_type, neuron.animal_id)
        source = f"{neuron.lab}, {neuron.indicator.replace('XCaMP-Gf', 'XCaMPgf')}, {neuron.preparation}"
        assert made.source == source
    assert set(neurons.dataset) == set(cascade.ORIGINS)
    for subset in ("slice3", "kwan3", "zhang2"):
        assert set(neurons.dataset[neurons.task == subset]) == set(cascade.SUBSETS[subset])


def test_traces_equal_those_of_the_joined_file(shared_data, neurons):
    """The joined file holds float32 means of `factor` samples of the traces of more than 50 Hz.

    Its rates are of the median interval between stamps, ours of the mean one: they differ by up to 1.4e-4.
    """
    root = shared_data / "calcium" / "cascade"
    files = sorted(root.glob("Ground_truth/*/*.mat"))
    assert len(files) == 76
    with h5py.File(shared_data / "calcium" / "cascade_celltypes.h5") as joined:
        for file in files:
            made = cascade.read(file)
            neuron = joined["neurons"][made.cell_id]
            rate = neuron.attrs["frame_rate_hz"]
            factor = round(made.sampling_rate / rate)
            assert made.sampling_rate / factor == pytest.approx(rate, rel=1.5e-4)
            # Segments of less than 100 samples were not joined.
            segments = [s[: len(s) // factor * factor].reshape(-1, factor).mean(axis=1) for s in made.segments]
            segments = [s for s in segments if len(s) >= 100]
            assert np.cumsum([0] + [len(s) for s in segments[:-1]]).tolist() == neuron["segment_start"][:].tolist()
            assert np.abs(np.concatenate(segments) - neuron["dff"][:]).max() < 1e-5
            assert (made.label, made.group) == (neuron.attrs["cell_type"], neuron.attrs["animal_id"])


@pytest.mark.parametrize(
    ("subset", "cells", "windows", "groups"),
    [("slice3", [8, 13, 8], [116, 243, 143], 9), ("kwan3", [12, 5, 4], [70, 10, 36], 21)],
)
def test_counts_of_the_subsets(shared_data, subset, cells, windows, groups):
    loaded = load(shared_data / "calcium" / "cascade" / "Ground_truth", subset=subset)
    first = np.unique(loaded.cell_id, return_index=True)[1]
    assert np.bincount(loaded.label[first]).tolist() == cells
    assert np.bincount(loaded.label).tolist() == windows
    assert len(np.unique(loaded.group)) == groups


def test_a_null_of_real_recordings(shared_data):
    null = load(shared_data / "calcium" / "cascade" / "Ground_truth", subset="all", null="fake_classes")
    first = np.unique(null.cell_id, return_index=True)[1]
    assert [name.split()[0] for name in null.classes] == ["Allen-Huang2021", "Kwan2012", "Zhang2023"]
    assert np.bincount(null.label[first]).tolist() == [17, 12, 6]
