"""`celltype explain model=... input=... cell=...`: why this label, by the nearest training cells and what counted."""

import numpy as np
import pandas as pd
import pytest
from made.bundles import command, make_bundle, suite2p

from celltype_cli import load_bundle
from celltype_cli.core import files

NETWORK = ("model=rnn", "model.layers=[rnn]", "model.hidden=4", "trainer.epochs=1")
CELL = "my_session/plane0/3"
OWN = ("input=my_session", "prepare.signal=raw_to_dff")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the bundle of a forest, runs of a network and of a linear model, and a session of suite2p."""
    folder = tmp_path_factory.mktemp("why")
    make_bundle(folder)
    suite2p(folder / "my_session/suite2p/plane0")
    fast = ("prepare=windows_64s", "split.n_folds=2", "logger=none", "figures=[]", f"outputs={folder / 'outputs'}")
    for model in (NETWORK, ("model=logistic",)):
        assert command("train", "dataset=traces", f"dataset.path={folder / 'labelled.npz'}", *fast, *model) == 0
    return folder


@pytest.fixture
def explained(place, tmp_path, monkeypatch, capsys):
    """Explains a cell from within the folder; returns exit code, output and the folder of the answer."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(files, "own_configs", [])

    def call(*words):
        capsys.readouterr()
        code = command("explain", *words, f"out={tmp_path / 'why'}", "outputs=outputs")
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split()), tmp_path / "why"

    return call


def test_trees_have_shap_values_beside_the_neighbours(explained, place):
    code, said, out = explained("model=my_model", *OWN, f"cell={CELL}")
    assert code == 0, said
    near, counted = pd.read_csv(out / "nearest.csv"), pd.read_csv(out / "counted-table.csv")
    training = load_bundle(place / "my_model").training
    label = dict(zip(training.cell_id, training.label))
    assert near["label"].tolist() == [label[name] for name in near["cell_id"]]
    assert near["distance"].is_monotonic_increasing and len(near) == 5
    quantities = pd.read_csv(out / "quantities.csv", index_col="quantity")
    gaps = np.clip(quantities, -10, 10).sub(np.clip(quantities["this cell"], -10, 10), axis=0)[near["cell_id"]]
    np.testing.assert_allclose(np.sqrt((gaps**2).mean()), near["distance"], rtol=1e-5)  # the distance is made of them
    assert counted["amount"].abs().is_monotonic_decreasing and "SHAP value (probability)" in said
    assert counted["amount"].sum() > 0.1  # of the type that is called: above an average cell's probability
    assert (out / "why.png").is_file() and f"{near['distance'][0]:.2f}" in said and counted["column"][0] in said
    assert "celltype predict model=my_model input=my_session prepare.signal=raw_to_dff" in said


def test_the_neighbours_are_those_of_predict(explained, place):
    bundle = load_bundle(place / "my_model")
    from celltype_cli.bundles.nearest import nearest
    from celltype_cli.bundles.predict import predict
    from celltype_cli.bundles.recordings import recordings_of

    answer = predict(bundle, recordings_of(bundle, place / "my_session"), prepare={"signal": "raw_to_dff"})
    k = answer.used["cell_id"].tolist().index(CELL)
    expected = nearest(bundle, answer, k).table
    _, said, out = explained("model=my_model", *OWN, f"cell={CELL}", "figures=[]")
    pd.testing.assert_frame_equal(pd.read_csv(out / "nearest.csv", keep_default_na=False), expected, check_dtype=False)
    assert f"confidence {answer.used['confidence'].iloc[k]:.2f}" in said and not (out / "why.png").exists()


def test_answers_of_two_models_stand_beside_each_other(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = [f"input={place / 'my_session'}", *OWN[1:], f"cell={CELL}", "figures=[]"]
    assert command("explain", f"model={place / 'my_model'}", *own) == 0
    assert [folder.name for folder in tmp_path.iterdir()] == [f"{CELL.replace('/', '_')}-why-my_model"]


def test_an_answer_of_before_is_kept_unless_told_and_files_of_others_always(explained):
    code, said, out = explained("model=my_model", *OWN, f"cell={CELL}")
    assert code == 0 and (out / "why.png").is_file(), said
    code, said, _ = explained("model=my_model", *OWN, f"cell={CELL}")
    assert code == 2 and "nearest.csv is an answer of before: choose another out=, or type overwrite=true" in said
    code, said, _ = explained("model=my_model", *OWN, f"cell={CELL}", "overwrite=true", "figures=[]")
    assert code == 0 and not (out / "why.png").exists(), said  # it would show another answer
    (out / "why.svg").write_text("mine")
    before = (out / "nearest.csv").stat().st_mtime_ns
    code, said, _ = explained("model=my_model", *OWN, f"cell={CELL}", "overwrite=true", "figures=[svg]")
    assert code == 2 and "why.svg was not written by celltype" in said
    assert (out / "why.svg").read_text() == "mine" and (out / "nearest.csv").stat().st_mtime_ns == before


def test_networks_have_integrated_gradients(explained):
    code, said, out = explained("model=traces-rnn", *OWN, f"cell={CELL}")
    assert code == 0, said
    counted = pd.read_csv(out / "counted-trace.csv")
    assert [*counted] == ["channel", "time (s)", "value", "amount"] and len(counted) == 480
    assert np.isclose(counted["time (s)"].max(), 479 / 7.5) and counted["amount"].abs().max() > 0
    assert "contribution to the logit of" in said and (out / "why.png").is_file()


def test_other_estimators_take_the_training_cells_that_the_bundle_keeps(explained, place):
    code, said, out = explained("model=logistic", *OWN, f"cell={CELL}", "figures=[]")
    assert code == 0 and (out / "counted-table.csv").is_file(), said
    bundle = next((place / "outputs/runs").glob("*logistic*/bundle"))
    training = load_bundle(bundle).training
    assert training.tables["features"].shape[0] == 36 == len(training.examples["trace"])


def test_a_bundle_of_before_shows_the_neighbours_all_the_same(explained, place, monkeypatch):
    from celltype_cli.bundles.training import Training

    read = Training.read.__func__
    monkeypatch.setattr(Training, "read", classmethod(lambda cls, path: cls(*[*vars(read(cls, path)).values()][:-1])))
    code, said, out = explained("model=logistic", *OWN, f"cell={CELL}")
    assert code == 0 and (out / "nearest.csv").is_file() and (out / "why.png").is_file()
    assert "what the model looked at is not shown: SHAP values of this model need the inputs of training cells" in said


def test_the_last_part_of_an_id_is_enough_where_one_cell_has_it(explained):
    code, said, _ = explained("model=my_model", *OWN, f"cell={CELL.rpartition('/')[2]}", "figures=[]")
    assert code == 0 and f"cell {CELL} with" in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("model=my_model", *OWN, "cell=plane0/33"), "my_session has no cell plane0/33; nearest of its 7: my_session/"),
        (("model=my_model", "cell=3"), "add input=..."),
        (("model=my_model",), "add input=... cell=..."),
        (("model=my_model", *OWN), "add cell=..."),
        (("input=my_session", "cell=3"), "add model=..."),
        (("model=my_model", *OWN, f"cell={CELL}", "fold=2"), "fold=2 goes with a run"),
        (("model=my_model", *OWN, f"cell={CELL}", "prepare=windows"), "type single settings: prepare.<setting>="),
        (("model=my_model", *OWN, f"cell={CELL}", "dataset=traces"), "dataset=traces: the model says how recordings"),
        (("model=nothing", *OWN, f"cell={CELL}"), "model=nothing fits 0 runs"),
        (("model=my_model", "input=gone", f"cell={CELL}"), "gone"),
        (("run=traces-rnn", "out=here"), "goes with model=..., input=... and cell=..."),
    ],
)
def test_what_is_missing_or_too_much_is_said(explained, words, expected):
    code, said, out = explained(*words)
    assert code == 2 and expected in said and not out.exists(), said
