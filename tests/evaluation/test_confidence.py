"""What a run says of its confidences: honest, complete, and in words; and its pictures."""

import json

import numpy as np
import pandas as pd
import pytest
from made.predictions import random_table, table_of
from matplotlib.text import Text

from celltype_cli.core.messages import UserError
from celltype_cli.evaluation import confidence_words, draw_confidence
from celltype_cli.evaluation.confidence import Judged, confidence
from celltype_cli.evaluation.predictions import classes_of
from celltype_cli.evaluation.saved_scores import read_confidence, write_scores
from celltype_cli.evaluation.scores import scores


def simulated(seed=0, n=600, animals=20, folds=5, power=2.0, spread=2.0):
    """Predictions of two classes that are too sure: the logits are `power` times those that would be right."""
    rng = np.random.default_rng(seed)
    logit = spread * rng.normal(size=n)
    label = rng.random(n) < 1 / (1 + np.exp(-logit))
    proba = 1 / (1 + np.exp(-power * logit))
    animal = np.arange(n) % animals
    columns = {"fold": animal % folds, "row": np.arange(n), "cell_id": [f"c{i}" for i in range(n)]}
    columns |= {"group": [f"m{a}" for a in animal], "label": np.where(label, "B", "A")}
    columns |= {"predicted": np.where(proba > 0.5, "B", "A"), "p_A": 1 - proba, "p_B": proba}
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def found():
    return confidence(simulated(), group="animal")


def test_temperature_mends_what_is_too_sure(found):
    assert found["temperature"] == pytest.approx(2, rel=0.15)
    assert found["ece"]["before"] > 0.06
    assert found["ece"]["after"] < 0.05
    assert found["log_loss"]["after"] < found["log_loss"]["before"]
    assert sum(entry["n"] for entry in found["bins"]["after"]) == 600


def test_cells_are_judged_by_what_others_give():
    """Other labels in one part leave the calibration of that part's own cells as it was, and change the others'."""
    label, part = np.arange(200) % 2, np.repeat([0, 1], 100)
    guess = np.where(np.arange(200) % 5 == 0, 1 - label, label)  # right in 4 of 5, at 0.99
    proba = np.where(guess[:, None] == [0, 1], 0.99, 0.01)
    changed = np.where(part == 0, guess, label)
    by_part = [[*Judged(known, proba, part, part).held_out()] for known in (label, changed)]
    for (here, cells), (_, others), same in zip(*by_part, (True, False)):
        assert np.array_equal(cells.proba[here], others.proba[here]) == same
    assert by_part[0][0][1].sure == pytest.approx(0.8, abs=0.01)


def test_labels_reach_the_accuracy_and_say_how_many_they_are(found):
    by_wish = {entry["wanted"]: entry for entry in found["labels"]}
    assert [*by_wish] == [0.9, 0.95, 0.99]
    assert by_wish[0.9]["coverage"]["value"] > by_wish[0.95]["coverage"]["value"] > 0.2
    for wanted in (0.9, 0.95):
        entry = by_wish[wanted]
        assert entry["accuracy"]["low"] < wanted < entry["accuracy"]["high"]
        assert entry["n"] == round(entry["coverage"]["value"] * 600)
        assert 0.5 < entry["confidence"] < 1


def test_sets_hold_what_they_promise(found):
    sets = found["sets"]
    assert 1 <= sets["size"] <= 2
    for entry in sets["classes"].values():
        assert entry["promise"] == 0.9
        assert entry["low"] <= entry["coverage"] <= 1
        assert entry["groups"] <= entry["worth"] <= entry["n"]
    assert sets["words"] == (
        "in a new animal, on average over animals, the true type is in the set for 90 % of the A, B cells"
    )
    assert found["notes"] == []


def test_a_fold_that_differs_in_kind_is_told():
    """Of a second laboratory's fold every class is called the other."""
    table = simulated(folds=2, spread=10.0)
    odd = table["fold"] == 1
    table.loc[odd, ["p_A", "p_B"]] = table.loc[odd, ["p_B", "p_A"]].to_numpy()
    notes = confidence(table)["notes"]
    assert any("the promise does not hold there" in note for note in notes)


def test_few_animals_weaken_the_promise_and_fewer_end_it():
    table = simulated(n=120, animals=6, folds=3)
    kept = table[(table["label"] == "A") | table["group"].isin(["m0", "m1"])]
    found = confidence(kept, group="animal")
    assert [entry["promise"] for entry in found["sets"]["classes"].values()] == [pytest.approx(6 / 7), 0]
    assert found["sets"]["classes"]["B"]["threshold"] == 0
    weak = "of A there are cells in 6 animals each, which allow a weak promise only: in a new animal, sets hold 86 %"
    none = "of B there are cells in 2 animals each; at least 4 are needed to promise anything, so they are in every set"
    assert none in found["notes"]
    assert any(note.startswith(weak) and note.endswith("90 % takes 9 animals") for note in found["notes"])
    assert found["sets"]["words"].endswith("for 86 % of the A cells")


def test_shared_animals_are_told(found):
    shared = confidence(simulated(), group="animal", shares=("group",))
    assert shared["notes"] == [
        "animals stand on both sides of the split, so confidences and sets may not hold in a new animal"
    ]
    assert shared["sets"]["words"].startswith("in new cells of these animals")


def test_unknown_animals_are_told():
    table = simulated()
    notes = confidence(table.assign(group=table["cell_id"]), group="animal")["notes"]
    assert notes[0].startswith("the animal of 600 cells is unknown: if cells of one animal are alike")


def test_one_animal_can_try_nothing():
    found = confidence(table_of("ABAB", "ABBB", group="pppp"), group="animal")
    assert np.isnan(found["ece"]["after"]) and found["bins"]["after"] == [] and found["curve"] == []
    assert found["ece"]["before"] == 0.25
    assert found["labels"][0]["n"] == 0
    assert found["notes"][0] == "all cells are of one animal: whether confidences hold in another could not be tried"
    assert confidence_words.told(found, "animal") == {}


def test_the_ratio_of_the_c4_paper():
    table = table_of("AABB", "AABB").assign(p_A=[0.7, 0.6, 0.3, 0.5], p_B=[0.3, 0.4, 0.7, 0.5])
    entry = confidence(table)["ratio"]
    assert (entry["wanted"], entry["n"]) == (2, 2)  # 7 : 3 twice, 3 : 2 and 1 : 1 stay without label
    assert (entry["coverage"]["value"], entry["accuracy"]["value"]) == (0.5, 1)


def test_intervals_of_labels_are_those_of_scores():
    """Where every cell gets a label, of these as many are right as are of all: one number, one interval."""
    table = simulated(animals=6, folds=3, spread=10.0)
    proba = np.where(table[["p_A"]].to_numpy() > 0.5, [0.9, 0.1], [0.1, 0.9])
    table[["p_A", "p_B"]] = proba
    entry, accuracy = confidence(table)["ratio"], scores(table)["cell"]["accuracy"]
    assert entry["n"] == 600 and entry["accuracy"] == {end: accuracy[end] for end in ("value", "low", "high")}
    assert 0.5 < entry["coverage"]["low"] < entry["coverage"]["high"] == 1


def test_windows_count_once_per_cell_and_rows_without_label_not_at_all():
    table = simulated(n=100)
    twice = pd.concat([table, table, simulated(seed=1, n=40).assign(label="", cell_id="new")])
    once, again = confidence(table), confidence(twice)
    assert again["n_cells"] == 100
    assert again["ece"] == pytest.approx(once["ece"])
    with pytest.raises(UserError, match="no labels"):
        confidence(table.assign(label=""))


def test_words_for_the_terminal(found):
    lines = confidence_words.told(found, "animal")
    assert [*lines] == ["calibration", "labels at accuracy 0.95", "labels at confidence ratio 2", "sets at 90 %"]
    ece, labels = found["ece"], found["labels"][1]
    assert lines["calibration"].startswith(f"ECE {ece['before']:.3f} -> {ece['after']:.3f} (temperature ")
    assert lines["labels at accuracy 0.95"].startswith(f"{100 * labels['coverage']['value']:.0f} % of the cells, ")
    assert lines["labels at accuracy 0.95"].endswith(f"(confidence >= {labels['confidence']:.2f})")
    low, high = (100 * found["ratio"]["coverage"][end] for end in ("low", "high"))
    covered = f"{100 * found['ratio']['coverage']['value']:.0f} % [{low:.0f}, {high:.0f}] of the cells, "
    assert lines["labels at confidence ratio 2"].startswith(covered)
    assert "of held-out animals they hold the true type of A " in lines["sets at 90 %"]
    sure = confidence_words.told(confidence(table_of("AB" * 30, "AB" * 30)), "animal")
    assert sure["labels at accuracy 0.95"] == "100 % of the cells, 100.0 % of them right (at any confidence)"
    wrong = confidence_words.told(confidence(table_of("AB" * 30, "BA" * 30)), "animal")
    assert wrong["labels at accuracy 0.95"].startswith("none")


@pytest.mark.parametrize("seed", range(3))
def test_it_survives_the_disk_and_is_drawn(tmp_path, seed):
    found = confidence(random_table(seed, n=60, n_groups=5))
    write_scores(found, tmp_path / "calibration.json")
    json.loads((tmp_path / "calibration.json").read_text(), parse_constant=pytest.fail)
    np.testing.assert_equal(read_confidence(tmp_path / "calibration.json"), found)


def test_pictures_draw_the_numbers(found):
    draw = {"reliability": draw_confidence.reliability, "coverage": draw_confidence.coverage}
    figures = {name: of(found, "toy (simulated)") for name, of in draw.items()}
    axes, counts = figures["reliability"].axes
    after = next(line for line in axes.lines if line.get_color() == "#0072B2")
    assert after.get_ydata().tolist() == [entry["accuracy"] for entry in found["bins"]["after"]]
    assert "n = 600" in counts.get_ylabel()
    figures["reliability"].canvas.draw()
    assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1  # it covers no bar
    left, right = figures["coverage"].axes
    assert left.lines[0].get_ydata().tolist() == [entry["accuracy"] for entry in found["curve"]]
    marks = [line.get_xdata()[0] for line in right.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert marks == [found["sets"]["classes"][name]["coverage"] for name in classes_of(simulated(n=20))]
    words = [text.get_text() for figure in figures.values() for text in figure.findobj(Text)]
    assert sum("toy (simulated)" in text for text in words) == 2
