"""DANDI 000020, made up: its files and table of cells, and the archive as its client sees it over HTTP."""

import io
import json
import warnings
from datetime import datetime, timezone
from functools import cache
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import requests

from made.archives import Archive, no_connection
from made.configs import cells
from made.sweeps import NWB2, three

# As in the release: session, cell, donor, dendrites, transcriptomic type, and the archive's own number of the donor
ROWS = [
    (10, 11, 331294, "sparsely spiny", "Vip Gpc3 Slc18a3", 900),
    (20, 21, 331663, "aspiny", "Sst Myh8 Etv1 ", 901),  # with a blank at its end
    (30, 31, 331663, "aspiny", "Pvalb Tpbg", 901),
    (40, 41, 331664, "spiny", "", 902),
    (50, 51, 331665, "spiny", "L2/3 IT VISp Agmat", 903),
    (60, 61, 331665, "aspiny", "", 903),  # failed the quality control of its RNA
]
COLUMNS = ["ephys_session_id", "cell_specimen_id", "donor_id", "dendrite_type", "T-type Label"]


def path_of(session, archive_donor):
    return f"sub-{archive_donor}/sub-{archive_donor}_ses-{session}_icephys.nwb"


FILES = {row[1]: path_of(row[0], row[5]) for row in ROWS}
OTHERS = ["sub-904/sub-904_ses-70_icephys.nwb", "dandiset.yaml"]  # a cell that is not in the table, and no cell


def write_table(path, kind="T-type Label", rows=ROWS):
    table = pd.DataFrame([row[:5] for row in rows], columns=[*COLUMNS[:4], kind])
    table.insert(0, "project", "mIVSCC-MET")
    table.to_csv(path, index=False)
    return path


VERSION = "/api/dandisets/000020/versions/0.210913.1639/assets/"
PAGE = 2  # files
DATE = datetime(2021, 9, 13, tzinfo=timezone.utc).isoformat()


def write_recording(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sweep_number is deprecated, and in all files of MIES
        return three(NWB2()).write(path)


@cache
def content():
    with TemporaryDirectory() as folder:
        return write_recording(Path(folder) / "one.nwb").read_bytes()


def load(folder, **changes):
    """Cells of the dataset, as small scalograms where nothing else is asked for."""
    quick = {"inputs": ["scalogram"], "size": [6, 8], "cache": Path(folder).parent / "cache"}
    return cells("dandi_000020", path=folder, **quick | changes)


class Dandiset(Archive):
    """Answers instead of `requests.Session.request`.

    Attributes:
        files: content by path in the archive.
        checksums: by path, where they are to differ from those of the files.
        offsets: where in a file a download was asked to begin.
    """

    client = "dandi"
    settings = ("dataset=dandi_000020", "dataset.cells_per_class=null")
    keys, one = [FILES[cell] for cell in (11, 21, 31, 41, 51)], FILES[21]
    label, cells = "Sst 21 (Sst Myh8 Etv1)", {"11", "21", "31", "41", "51"}
    size, cut = "about 0.0 GB (the sizes that the archive states)", "its checksum is"

    def __init__(self, folder, monkeypatch):
        from dandi import dandiapi

        super().__init__(folder)
        self.files = {path: content() + bytes(k) for k, path in enumerate([*FILES.values(), *OTHERS])}
        self.checksums, self.offsets = {}, []
        folder.mkdir()
        write_table(folder / "20200711_patchseq_metadata_mouse.csv")
        monkeypatch.setenv("DANDI_NO_ET", "1")  # it would ask another server for the newest version of itself
        monkeypatch.setattr(dandiapi, "REQUEST_RETRIES", 1)
        monkeypatch.setattr(requests.Session, "request", self.request)
        self.offline = lambda: monkeypatch.setattr(requests.Session, "request", no_connection)

    def path(self, key):
        return self.folder / key

    def load(self):
        return load(self.folder)

    def request(self, method, url, **arguments):
        """Takes what `Session.request` takes."""
        assert method.upper() == "GET"
        where = urlsplit(url)
        query = {**{k: v[0] for k, v in parse_qs(where.query).items()}, **(arguments.get("params") or {})}
        if where.path == VERSION:
            return answer(url, json.dumps(self.page(int(query.get("page", 1)))).encode())
        if where.path.startswith(VERSION):
            path = self.named(where.path.removeprefix(VERSION).strip("/"))
            return answer(url, json.dumps({"digest": {"dandi:dandi-etag": self.checksum(path)}}).encode())
        if where.path.startswith("/api/assets/"):
            return self.download(url, self.named(where.path.split("/")[3]), arguments.get("headers") or {})
        return answer(url, b"{}", status=404)  # /info/: the client then uses the addresses that it knows

    def page(self, number):
        listed = [
            {"asset_id": f"id-{k}", "blob": f"blob-{k}", "zarr": None, "path": path, "size": len(content),
             "created": DATE, "modified": DATE}
            for k, (path, content) in enumerate(self.files.items())
        ]  # fmt: skip
        more = number * PAGE < len(listed)
        following = f"https://api.dandiarchive.org{VERSION}?page={number + 1}" if more else None
        rows = listed[(number - 1) * PAGE : number * PAGE]
        return {"count": len(listed), "next": following, "previous": None, "results": rows}

    def named(self, asset_id):
        return [*self.files][int(asset_id.removeprefix("id-"))]

    def checksum(self, path):
        """The checksum of files up to 64 MiB, one part: MD5 of the MD5 of the part, and the number of parts."""
        return self.checksums.get(path, f"{md5(md5(self.files[path]).digest()).hexdigest()}-1")

    def download(self, url, path, headers):
        self.ask(path)
        start = int(headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.offsets.append(start)
        fault = self.broken.get(path)
        body = self.files[path][start : 9000 if fault else None]
        return answer(url, body, body=Stopped(body) if fault == "stop" else None)


class Stopped(io.BytesIO):
    """A body after which Ctrl-C is pressed."""

    def read(self, size=-1):
        chunk = super().read(size)
        if not chunk:
            raise KeyboardInterrupt
        return chunk


def answer(url, content, status=200, body=None):
    response = requests.Response()
    response.url, response.status_code, response.raw = url, status, body or io.BytesIO(content)
    return response
