"""Scores and their intervals against hand-worked tables and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from made.predictions import random_table, table_of
from scipy.stats import beta
from sklearn import metrics as reference

from celltype_cli.evaluation import scores
from celltype_cli.evaluation.intervals import resample
from celltype_cli.evaluation.rates import rates, tally

# Hand-worked: 4 of A, 2 of B and 2 of C.
#            predicted A  B  C
#   true A             3  1  0     precision A 3/4, B 1/3, C 1/1
#   true B             1  1  0     recall    A 3/4, B 1/2, C 1/2
#   true C             0  1  1     specificity A 3/4, B 4/6, C 6/6
HAND = table_of("AAAABBCC", "AAABABBC", classes="ABC")


def test_scores_by_hand():
    level = scores.scores(HAND, n_resamples=10)["window"]
    values = {name: [level["classes"][c][name]["value"] for c in "ABC"] for name in ("precision", "recall", "f1")}
    assert values["precision"] == pytest.approx([3 / 4, 1 / 3, 1])
    assert values["recall"] == pytest.approx([3 / 4, 1 / 2, 1 / 2])
    assert values["f1"] == pytest.approx([3 / 4, 2 / 5, 2 / 3])
    assert [level["classes"][c]["specificity"]["value"] for c in "ABC"] == pytest.approx([3 / 4, 4 / 6, 1])
    assert [level["classes"][c]["support"] for c in "ABC"] == [4, 2, 2]
    assert level["accuracy"]["value"] == 5 / 8
    assert level["balanced_accuracy"]["value"] == pytest.approx((3 / 4 + 1 / 2 + 1 / 2) / 3)
    assert level["macro_f1"]["value"] == pytest.approx((3 / 4 + 2 / 5 + 2 / 3) / 3)
    assert level["weighted_f1"]["value"] == pytest.approx((4 * 3 / 4 + 2 * 2 / 5 + 2 * 2 / 3) / 8)
    assert level["brier"]["value"] == 2 * 3 / 8  # a certain error costs 1 + 1
    f1 = 2 * 0.5 / 1.5  # of the most frequent class, a half of all; the other two have 0
    assert level["floor"] == pytest.approx(
        {
            "accuracy": 4 / 8,
            "balanced_accuracy": 1 / 3,
            "macro_f1": f1 / 3,
            "weighted_f1": f1 / 2,
            "log_loss": np.log(2) / 2 + np.log(4) / 2,
            "brier": 1 - 1 / 4 - 2 / 16,
        }
    )
    assert level["n"] == 8


def test_confusion_by_hand():
    counts = scores.confusion(HAND)
    assert counts.to_numpy().tolist() == [[3, 1, 0], [1, 1, 0], [0, 1, 1]]
    assert counts.loc["C", "B"] == 1 and counts.index.name == "label"


@pytest.mark.parametrize("seed", range(5))
def test_scores_agree_with_scikit_learn(seed):
    table = random_table(seed)
    level = scores.scores(table, n_resamples=2)["window"]
    y, guess, proba = table["label"], table["predicted"], table[["p_A", "p_B", "p_C"]].to_numpy()
    expected = {
        "accuracy": reference.accuracy_score(y, guess),
        "balanced_accuracy": reference.balanced_accuracy_score(y, guess),
        "macro_f1": reference.f1_score(y, guess, average="macro"),
        "weighted_f1": reference.f1_score(y, guess, average="weighted"),
        "log_loss": reference.log_loss(y, proba),
        "brier": ((proba - pd.get_dummies(y).to_numpy(float)) ** 2).sum(axis=1).mean(),
    }
    assert {name: level[name]["value"] for name in expected} == pytest.approx(expected)
    rates_of = reference.precision_recall_fscore_support(y, guess)
    for name, values in zip(("precision", "recall", "f1"), rates_of):
        assert [level["classes"][c][name]["value"] for c in "ABC"] == pytest.approx(values)


def test_absent_and_never_predicted_classes():
    # C has no example and is never predicted; B is never predicted.
    level = scores.scores(table_of("AABB", "AAAA", classes="ABC"), n_resamples=10)["window"]
    assert level["balanced_accuracy"]["value"] == (1 + 0) / 2
    assert level["macro_f1"]["value"] == pytest.approx((2 / 3 + 0) / 2)
    assert np.isnan(level["classes"]["B"]["precision"]["value"]) and level["classes"]["B"]["recall"]["value"] == 0
    assert np.isnan(level["classes"]["C"]["recall"]["value"]) and level["classes"]["C"]["specificity"]["value"] == 1
    assert level["floor"]["balanced_accuracy"] == 1 / 2


def test_log_loss_of_a_certain_error_is_finite():
    # -ln(2.2e-16), over two lines of which one is right
    level = scores.scores(table_of("AB", "AA"), n_resamples=2)["window"]
    assert level["log_loss"]["value"] == pytest.approx(52 * np.log(2) / 2)


def test_interval_of_two_groups():
    # One group all right, one all wrong: the score without one is 1 or 0, sd 1/2, 2 on the logit; t(1) is 12.7.
    values = scores.scores(table_of("ABAB", "ABBA", group="ppqq"))
    entry = values["window"]["accuracy"]
    assert (entry["value"], entry["fold_mean"]) == (0.5, 0.5) and np.isnan(entry["fold_sd"])
    end = 1 / (1 + np.exp(2 * 12.7062))
    assert (entry["low"], entry["high"]) == pytest.approx((end, 1 - end), abs=1e-14)
    assert values["notes"] == ["intervals (jackknife) from 2 groups are wide, and cover 95 % only roughly"]
    drawn = scores.scores(table_of("ABAB", "ABBA", group="ppqq"), interval="bootstrap")  # 0, 1/2, 1: 1/4, 1/2, 1/4
    assert (drawn["window"]["accuracy"]["low"], drawn["window"]["accuracy"]["high"]) == (0, 1)
    assert drawn["notes"] == ["intervals (bootstrap) from 2 groups are as a rule too narrow"]


def test_interval_is_of_groups_not_of_rows():
    # 400 rows in 4 groups that are each right or wrong throughout: the binomial interval would be 0.45 to 0.55.
    right, group = np.repeat([1, 0, 1, 0], 100), np.repeat(list("pqrs"), 100)
    table = table_of(
        ["AB"[i % 2] for i in range(400)], ["AB"[(i + 1 - r) % 2] for i, r in enumerate(right)], group=group
    )
    entry = scores.scores(table)["window"]["accuracy"]
    assert entry["value"] == 0.5
    # Without one: 1/3 or 2/3, variance 3/4 * 4/36 = 1/12; on the logit four times its root, times t(3) = 3.18245.
    end = 1 / (1 + np.exp(4 * 3.18245 / np.sqrt(12)))
    assert (entry["low"], entry["high"]) == pytest.approx((end, 1 - end), rel=1e-4)


def test_resampled_scores_equal_scores_of_the_resampled_table():
    table = random_table(1, n=60, n_groups=5)
    group, _ = pd.factorize(table["group"], sort=True)
    label = pd.Index(list("ABC")).get_indexer(table["label"])
    proba = table[["p_A", "p_B", "p_C"]].to_numpy()
    drawn = rates(*resample(*tally(group, label, proba), 20, np.random.default_rng(7)))
    weights = np.random.default_rng(7).multinomial(5, np.full(5, 1 / 5), size=20)
    for k, weight in enumerate(weights):
        copies = pd.concat([table[group == g] for g in range(5) for _ in range(weight[g])])
        y, guess = copies["label"], copies["predicted"]
        assert drawn["accuracy"][k] == pytest.approx(reference.accuracy_score(y, guess))
        assert drawn["macro_f1"][k] == pytest.approx(reference.f1_score(y, guess, average="macro"))
        assert drawn["log_loss"][k] == pytest.approx(
            reference.log_loss(y, copies[["p_A", "p_B", "p_C"]].to_numpy(), labels=list("ABC"))
        )


def test_one_group_has_no_interval_and_says_so():
    values = scores.scores(table_of("ABAB", "ABBB", group="pppp"))
    assert np.isnan([values["window"]["accuracy"][end] for end in ("low", "high")]).all()
    assert values["window"]["accuracy"]["value"] == 0.75
    assert values["notes"] == ["no interval: all predictions belong to one group"]


def test_a_model_that_learnt_nothing_is_told():
    """Fold 0: the same for both cells, of three windows and one; fold 1: two are told apart; fold 2: of one class."""
    table = table_of("AAABABBB", "AAAABABB", fold=[0, 0, 0, 0, 1, 1, 2, 2], cell_id=list("pppqrstu"))
    table.loc[table["fold"] == 0, ["p_A", "p_B"]] = 0.9, 0.1  # of which the mean of three is another number
    said = "in 1 of 3 folds every cell got the same probabilities: the model learnt nothing"
    assert [note.startswith(said) for note in scores.scores(table)["notes"]].count(True) == 1
    assert not any("probabilities" in note for note in scores.scores(table[table["fold"] > 0])["notes"])


def test_no_interval_has_no_width():
    """All right, in every animal; and three animals of A of which each has one of two cells right, beside varied B."""
    entry = scores.scores(table_of("ABAB", "ABAB"))["cell"]["balanced_accuracy"]
    assert (entry["low"], entry["high"]) == pytest.approx((0.025 ** (1 / 4), 1))  # the rule of three, for 4 animals
    table = table_of("AAAAAABBBB", "ABABABBBBA", group=list("uuvvwwxxyy"))
    level = scores.scores(table)["cell"]
    alike, varied = level["classes"]["A"]["recall"], level["classes"]["B"]["recall"]
    end = beta(1.5, 2.5).ppf(0.025)  # 1.5 of 3 animals, Clopper and Pearson
    assert alike["value"] == 0.5 and (alike["low"], alike["high"]) == pytest.approx((end, 1 - end))
    assert varied["low"] < varied["high"]
    assert [level["groups"], *(level["classes"][c]["groups"] for c in "AB")] == [5, 3, 2]
    drawn = scores.scores(table_of("ABAB", "ABAB"), interval="bootstrap")
    assert np.isnan(drawn["cell"]["accuracy"]["low"]) and any("resamples of 4" in note for note in drawn["notes"])


def test_a_class_of_one_group_has_no_interval_and_is_named():
    found = scores.scores(table_of("ABABAAC", "ABBAACC", classes="ABC", group="ppqqrrs"))
    level = found["cell"]
    assert np.isnan([level["classes"]["C"][rate]["low"] for rate in ("recall", "precision", "f1")]).all()
    assert np.isnan([level[name]["low"] for name in ("balanced_accuracy", "macro_f1")]).all()
    assert level["accuracy"]["low"] < level["accuracy"]["value"] < level["accuracy"]["high"]
    assert any("recall, precision and F1 of C: all cells of such a class are of one" in note for note in found["notes"])


def test_repeats_of_cells_do_not_narrow_an_interval():
    once = random_table(5, n_groups=6)
    thrice = pd.concat([once.assign(fold=once["fold"] + 3 * k) for k in range(3)], ignore_index=True)
    a, b = (scores.scores(table)["cell"]["macro_f1"] for table in (once, thrice))
    assert (a["low"], a["high"]) == pytest.approx((b["low"], b["high"]))


def test_mean_and_sd_over_folds():
    # Accuracies 1, 1/2 and 0: mean 1/2, sd sqrt((1/4 + 0 + 1/4) / 2) = 1/2; over all five lines together 3/5.
    table = table_of("ABABA", "ABAAB", fold=[0, 0, 1, 1, 2])
    entry = scores.scores(table, n_resamples=5)["window"]["accuracy"]
    assert (entry["value"], entry["fold_mean"], entry["fold_sd"]) == pytest.approx((0.6, 0.5, 0.5))


def test_scores_depend_on_the_seed_and_not_on_the_order_of_lines():
    table, drawn = random_table(3), {"interval": "bootstrap", "n_resamples": 50}
    first = scores.scores(table, **drawn, seed=1)
    assert scores.scores(table, **drawn, seed=1) == first
    assert scores.scores(table, **drawn, seed=2) != first
    shuffled = scores.scores(table.sample(frac=1, random_state=0), **drawn, seed=1)
    assert shuffled["window"]["macro_f1"] == pytest.approx(first["window"]["macro_f1"])
