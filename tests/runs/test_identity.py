"""Two configs are the same run exactly when nothing that could change the result differs."""

import pytest

from celltype_cli.core import classes, code, files
from celltype_cli.runs.identity import run_identity


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # digests of files are kept under `outputs`
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("1 2 3")
    return {
        "dataset": {
            "_target_": "celltype_cli.patch_clamp.datasets.own.load",
            "path": str(tmp_path / "data"),
            "classes": ["a"],
        },
        "model": {"_target_": "celltype_cli.models.cnn1d.CNN1d", "width": 64},
        "trainer": {"_target_": "celltype_cli.trainers.lightning.LightningTrainer", "accelerator": "cpu", "devices": 1},
        "logger": {"_target_": "celltype_cli.runs.tracking.NoTracking"},
        "seed": 0,
        "threads": 1,
        "outputs": "outputs",
    }


def changed(config, where, value):
    first, *rest = where
    return {**config, first: changed(config[first], rest, value) if rest else value}


@pytest.mark.parametrize(
    ("where", "value"),
    [(["outputs"], "elsewhere"), (["logger"], {}), (["trainer", "accelerator"], "cuda")],
)
def test_place_and_device_do_not_count(config, where, value):
    assert run_identity(changed(config, where, value)) == run_identity(config)


@pytest.mark.parametrize(
    ("where", "value"),
    [(["seed"], 1), (["threads"], 8), (["model", "width"], 32), (["dataset", "classes"], ["b"])],
)
def test_settings_count(config, where, value):
    assert run_identity(changed(config, where, value)) != run_identity(config)


def test_data_count_by_content_and_not_by_place(config, tmp_path):
    before = run_identity(config)
    (tmp_path / "data").rename(tmp_path / "moved")
    config["dataset"]["path"] = str(tmp_path / "moved")
    assert run_identity(config) == before
    (tmp_path / "moved" / "a.txt").write_text("1 2 4")
    assert run_identity(config) != before


def test_a_file_of_labels_counts_by_content_too(config, tmp_path):
    config["dataset"]["labels"] = str(tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_text("cell_id,label\na,PV\n")
    before = run_identity(config)
    (tmp_path / "labels.csv").write_text("cell_id,label\na,SST\n")
    assert run_identity(config) != before


def test_the_code_a_config_needs_counts_and_no_other(config, tmp_path, monkeypatch):
    before = run_identity(config)
    plain = code.digest

    def edited(module):
        source = code.source_of(module)
        return lambda path: "edited" if path == source else plain(path)

    for module, counts in (
        ("celltype_cli.models.cnn1d", True),
        ("celltype_cli.trainers.history", True),
        ("celltype_cli.cells.cells", True),
        ("celltype_cli.models.recurrent", False),
        ("celltype_cli.runs.train", True),
        ("celltype_cli.runs.build", True),
        ("celltype_cli.core.plots", False),
        ("celltype_cli.runs.tracking", False),
    ):
        monkeypatch.setattr(code, "digest", edited(module))
        assert (run_identity(config) != before) is counts, module


def test_a_user_module_counts(config, tmp_path, monkeypatch):
    (tmp_path / "my_network.py").write_text("class Net: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    config["model"]["_target_"] = "my_network.Net"
    before = run_identity(config)
    (tmp_path / "my_network.py").write_text("class Net: depth = 2\n")
    assert run_identity(config) != before


def test_the_order_of_known_classes_counts_and_their_colours_do_not(config, tmp_path, monkeypatch):
    before = run_identity(config)
    file = tmp_path / "own" / "classes" / "mine.yaml"
    file.parent.mkdir(parents=True)
    monkeypatch.setattr(files, "own_configs", [tmp_path / "own"])

    def identity(content):
        file.write_text(content)
        classes.vocabulary.cache_clear()
        return run_identity(config)

    try:
        first = next(iter(classes.vocabulary()))
        assert identity(f'{first}: {{colour: "#111111"}}') == before
        assert identity("Granule: {}") != before
    finally:
        classes.vocabulary.cache_clear()


def test_files_of_linked_folders_count_and_answers_of_ours_do_not(config, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "b.txt").write_text("4")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "far")
    before = run_identity(config)
    (tmp_path / "far" / "b.txt").write_text("5")
    assert run_identity(config) != before
    before = run_identity(config)
    (tmp_path / "data" / "celltype.csv").write_text("an answer")
    (tmp_path / "data" / files.OURS).write_text(f"{files.digest(tmp_path / 'data' / 'celltype.csv')}  celltype.csv\n")
    assert run_identity(config) == before
