"""NWB files of calcium imaging, written with pynwb; tests that import this are skipped where it is not installed."""

import warnings
from datetime import datetime, timezone

import numpy as np
import pandas as pd
import pytest

from made.configs import cells

pynwb = pytest.importorskip("pynwb", reason="extra nwb is not installed")
from pynwb.ophys import DfOverF, ImageSegmentation, RoiResponseSeries  # noqa: E402

RATE, SAMPLES, IDS = 10.0, 300, (101, 205, 307)
TYPES = {"cell_type": ["PV", "SOM", "PV"]}


def values(n=3, seed=0):
    return np.random.default_rng(seed).normal(size=(SAMPLES, n)).astype("f4")


class Made:
    """One session: call series() for each RoiResponseSeries, then write()."""

    def __init__(self, subject="m1", genotype=None, ids=IDS, planes=("PlaneSegmentation",), columns=None):
        start = datetime(2020, 1, 1, tzinfo=timezone.utc)
        self.nwb = pynwb.NWBFile("made", "made", start, institution="Made Institute")
        if subject:
            self.nwb.subject = pynwb.file.Subject(subject_id=subject, genotype=genotype, species="Mus musculus")
        device = self.nwb.create_device("scope")
        channel = pynwb.ophys.OpticalChannel(name="green", description="green", emission_lambda=510.0)
        plane = self.nwb.create_imaging_plane(
            name="plane", optical_channel=channel, description="", device=device, excitation_lambda=920.0,
            indicator="GCaMP6f", location="VISp",
        )  # fmt: skip
        self.ophys = self.nwb.create_processing_module("ophys", "processed")
        segmentation = ImageSegmentation(name="ImageSegmentation")
        self.ophys.add(segmentation)
        self.tables = {}
        for name in planes:
            table = self.tables[name] = segmentation.create_plane_segmentation("rois", plane, name=name)
            for column in columns or {}:
                table.add_column(column, column)
            for k, number in enumerate(ids):
                row = {column: labels[k] for column, labels in (columns or {}).items()}
                table.add_roi(id=number, pixel_mask=[(0, k, 1.0)], **row)

    def series(self, name="RoiResponseSeries", container=DfOverF, box="DfOverF", data=None, plane="PlaneSegmentation",
               rows=None, **timing):  # fmt: skip
        table = self.tables[plane]
        rows = list(range(len(table))) if rows is None else rows
        if box not in self.ophys.data_interfaces:
            self.ophys.add(container(name=box))
        one = RoiResponseSeries(
            name=name, data=values(len(rows)) if data is None else data, unit="n.a.",
            rois=table.create_roi_table_region(description="all", region=rows),
            **timing if "timestamps" in timing else {"rate": RATE} | timing,
        )  # fmt: skip
        self.ophys[box].add_roi_response_series(one)
        return self

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with pynwb.NWBHDF5IO(str(path), "w") as io, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            io.write(self.nwb)
        return path


def load(path, labels, **changes):
    settings = {"timesteps": 100, "sampling_rate": None, "unusable": "error"} | changes
    return cells("nwb_ophys", path=str(path), labels=labels, **settings)


def by_cell(cells):
    first = np.unique(cells.cell_id, return_index=True)[1]
    names = (*cells.classes, "")  # label -1, of no class, is the last
    return {cells.cell_id[r].rpartition("/")[2]: names[cells.label[r]] for r in first}


def write_csv(tmp_path, **columns):
    pd.DataFrame(columns).to_csv(tmp_path / "types.csv", index=False)
    return {"path": str(tmp_path / "types.csv")}
