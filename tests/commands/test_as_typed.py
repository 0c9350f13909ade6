"""Settings of a bundle's reader and preparation may be typed without the node that they are of."""

import pytest

from celltype_cli.commands.as_typed import for_hydra


@pytest.mark.parametrize("command", ["predict", "evaluate", "compare"])
@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("units=[1,2,3]", "+dataset.units=[1,2,3]"),
        ("quality=all", "+dataset.quality=all"),
        ("layers=a/b.tsv", "+dataset.layers=a/b.tsv"),
        ("frame_rate=30", "+dataset.frame_rate=30"),
        ("min_spikes=50", "+prepare.min_spikes=50"),
        ("dataset.units=[1]", "+dataset.units=[1]"),
        ("prepare.min_spikes=50", "+prepare.min_spikes=50"),
        ("input=rec", "input=rec"),
        ("out=x", "out=x"),
        ("outputs=x", "outputs=x"),
        ("out=eine Antwort für uns", 'out="eine Antwort für uns"'),  # which is not there yet
        ("out='in quotes'", "out='in quotes'"),
        ("path=x", "path=x"),
        ("seed=1", "seed=1"),  # of simulations only, which no bundle reads
        ("nothing=1", "nothing=1"),
        ("hydra.verbose=true", "hydra.verbose=true"),
        ("-m", "-m"),
    ],
)
def test_bare_settings_go_to_their_node(command, typed, taken):
    assert for_hydra(command, [typed]) == [taken]


def test_settings_of_a_command_stay_its_own():
    assert for_hydra("evaluate", ["labels=types.csv", "model=a"]) == ["labels=types.csv", "bundle=a"]
    assert for_hydra("train", ["units=[1]"]) == ["units=[1]"]


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("dataset=units seed=1 -m", "dataset=units model=units_forest seed=1 -m"),
        ("dataset=units --config-dir x", "dataset=units model=units_forest --config-dir x"),
        ("-m dataset=units,c4 seed=1", "-m dataset=units,c4 model=units_forest seed=1"),
        ("-m dataset=units,traces", "-m dataset=units,traces"),  # of two usual models none is chosen
        ("dataset=traces dataset=units", "dataset=traces dataset=units model=units_forest"),  # the last counts
        ("dataset=units model.max_depth=3", "dataset=units model=units_forest model.max_depth=3"),
        ("dataset=units model=fusion", "dataset=units model=fusion"),
        ("+model=fusion dataset=units", "+model=fusion dataset=units"),
        ("dataset=simulated", "dataset=simulated"),
        ("seed=1", "seed=1"),
        ("run=x dataset=units", "run=x dataset=units"),
    ],
)
def test_a_dataset_brings_its_usual_model(typed, taken):
    assert for_hydra("train", typed.split()) == taken.split()


def test_conditions_of_the_list_stand_together_with_its_settings():
    typed = ["sort=seed", "model=forest", "seed=1", "--cfg", "job"]
    assert for_hydra("runs", typed) == ["sort=seed", 'where=["model=forest", "seed=1"]', "--cfg", "job"]


@pytest.mark.parametrize("typed", ["prepare.signal=raw_to_dff", "dataset.labels=types.csv", "min_spikes=50"])
def test_settings_of_the_recording_of_a_cell_stand_apart_from_those_of_a_run(typed):
    whole = typed if "." in typed.partition("=")[0] else f"prepare.{typed}"
    words = ["model=a", "cell=r/1", typed]
    assert for_hydra("explain", words) == ["bundle=a", "cell=r/1", f"++recording.{whole}"]


def test_paths_of_what_is_there_and_ids_may_have_odd_characters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a=b, c.npz", "ä.npz", "it's", "x,y"):
        (tmp_path / name).touch()
        assert for_hydra("predict", [f"input={name}"]) == [f'input="{name}"']
    assert for_hydra("predict", ["-m", "input=x,y"]) == ["-m", "input=x,y"]
    assert for_hydra("predict", ["input=gone=b", "units=[1,2]"]) == ["input=gone=b", "+dataset.units=[1,2]"]
    for cell in ("x,y", "1e5", "1_000", "true", "[a]"):
        assert for_hydra("explain", [f"cell={cell}"]) == [f'cell="{cell}"']
    assert for_hydra("explain", ["cell=ks/2", "cell='a b'"]) == ["cell=ks/2", "cell='a b'"]
