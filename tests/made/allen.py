"""The cache of Allen Visual Coding as allensdk leaves it: NWB 1 files, tables as of the server, all made up."""

import h5py
import numpy as np

from made.archives import Archive, no_connection
from made.configs import cells as cells_of

RATE, SAMPLES = 30.0, 2000
# id: container, line, reporter, donor, session
EXPERIMENTS = {
    11: (1, "Cux2-CreERT2", "Ai93(TITL-GCaMP6f)", "100001", "three_session_A"),
    12: (1, "Cux2-CreERT2", "Ai93(TITL-GCaMP6f)", "100001", "three_session_B"),
    13: (2, "Cux2-CreERT2", "Ai93(TITL-GCaMP6f)", "100001", "three_session_A"),
    14: (3, "Rorb-IRES2-Cre", "Ai93(TITL-GCaMP6f)", "100002", "three_session_A"),
    15: (4, "Cux2-CreERT2", "Ai93(TITL-GCaMP6f)", "100003", "three_session_A"),
    16: (5, "Emx1-IRES-Cre", "Ai93(TITL-GCaMP6f)", "100004", "three_session_A"),  # tagged
    21: (6, "Pvalb-IRES-Cre", "Ai162(TIT2L-GC6s-ICL-tTA2)", "200001", "three_session_A"),
    31: (7, "Sst-IRES-Cre", "Ai148(TIT2L-GC6f-ICL-tTA2)", "300001", "three_session_A"),
    41: (8, "Vip-IRES-Cre", "Ai148(TIT2L-GC6f-ICL-tTA2)", "400001", "three_session_A"),
    91: (9, "Chat-IRES-Cre", "Ai93(TITL-GCaMP6f)", "900001", "three_session_A"),  # of no class
    92: (8, "Vip-IRES-Cre", "Ai148(TIT2L-GC6f-ICL-tTA2)", "400001", "OPHYS_1_images_A"),  # Visual Behavior
}


def specimen(line, reporter, donor):
    kinds = (("driver", line), ("driver", "Camk2a-tTA"), ("reporter", reporter))
    lines = [{"name": name, "transgenic_line_type_name": kind} for kind, name in kinds]
    donor_row = {"external_donor_name": donor, "transgenic_lines": lines, "date_of_birth": "2016-01-01T00:00:00Z"}
    return {"name": f"{line}-{donor}", "donor": donor_row}


def tables():
    common = {"imaging_depth": 275, "targeted_structure": {"acronym": "VISp"}}
    experiments, containers = [], {}
    for number, (container, line, reporter, donor, session) in EXPERIMENTS.items():
        row = {**common, "id": number, "experiment_container_id": container, "stimulus_name": session,
               "specimen": specimen(line, reporter, donor), "date_of_acquisition": "2016-05-01T00:00:00Z",
               "experiment_container": {"failed": False}}  # fmt: skip
        experiments.append(row)
        mouse = specimen(line, reporter, donor)
        containers[container] = {**common, "id": container, "failed": False, "specimen": mouse}
    containers[5]["specimen"]["donor"]["conditions"] = [{"name": "Epileptiform Events"}]
    return experiments, list(containers.values())


def write_nwb(path, cells=(501, 502), dff=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    time = 8.5 + np.arange(SAMPLES) / RATE
    dff = np.random.default_rng(cells[0]).normal(size=(len(cells), SAMPLES)).astype("f4") if dff is None else dff
    with h5py.File(path, "w") as file:
        file["general/session_type"] = np.bytes_("three_session_A")
        file["general/subject/genotype"] = np.bytes_("Cux2-CreERT2;Camk2a-tTA;Ai93(TITL-GCaMP6f)")
        file["general/generated_by"] = np.array([b"pipeline_version", b"3.0"])
        pipeline = file.create_group("processing/brain_observatory_pipeline")
        for name in ("DfOverF", "Fluorescence"):
            pipeline[f"{name}/imaging_plane_1/data"] = dff if name == "DfOverF" else 100 * (1 + dff)
            pipeline[f"{name}/imaging_plane_1/timestamps"] = time
        pipeline["ImageSegmentation/cell_specimen_ids"] = np.array(cells)
        pipeline["ImageSegmentation/roi_ids"] = np.array([str(c).encode() for c in cells])
    return path


def load(path, **changes):
    return cells_of("allen_visual_coding", path=str(path), **{"timesteps": 100} | changes)


class Observatory(Archive):
    """Answers allensdk's BrainObservatoryApi."""

    client = "allensdk"
    settings = ("dataset=allen_visual_coding", "dataset.experiments_per_class=1")
    keys, one, label = [11, 21, 31, 41], 21, "PV 21"
    cells = {f"{cell}_{number}" for number in keys for cell in (number, number + 1)}
    size = "about 1.6 GB (0.4 GB a session is the median"

    def __init__(self, folder, monkeypatch):
        from celltype_cli.calcium.datasets.allen_experiments import API
        from celltype_cli.core import allen

        api = type(allen.client(API))
        super().__init__(folder)
        experiments, containers = tables()

        def query(_, __, name, **arguments):
            if name == "ophys_experiment_data":
                return [{"download_link": f"/{arguments['ophys_experiment_id']}"}]
            return {"ophys_experiment_by_ids": experiments, "experiment_container": containers}[name]

        def retrieve(_, url, path):
            number = int(url.rpartition("/")[2])
            server = folder.with_name("server") / f"{number}.nwb"
            self.save(number, write_nwb(server, (number, number + 1)).read_bytes(), path)

        monkeypatch.setattr(api, "template_query", query)
        monkeypatch.setattr(api, "retrieve_file_over_http", retrieve)
        self.offline = lambda: monkeypatch.setattr(api, "template_query", no_connection)

    def path(self, key):
        return self.folder / "ophys_experiment_data" / f"{key}.nwb"

    def load(self):
        return load(self.folder, experiments_per_class=1)
