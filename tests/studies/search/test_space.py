"""Search spaces: the published ones, what is refused and how it is said, and values as overrides that Hydra reads."""

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from made.configs import compose
from omegaconf import OmegaConf
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.runs.settings import Settings
from celltype_cli.studies.search.space import difference, parse, put, text, values
from celltype_cli.studies.search.training import epochs_behind, final, stops_early
from celltype_cli.trainers.protocol import Fitted
from celltype_cli.trainers.sklearn import SklearnPredictor

# Amprimo et al. 2025, LightGBM and networks.
LIGHTGBM = {
    "model.num_leaves": IntDistribution(10, 100),
    "model.max_depth": IntDistribution(3, 12),
    "model.learning_rate": FloatDistribution(0.001, 0.2, log=True),
    "model.n_estimators": IntDistribution(50, 300),
    "model.min_child_samples": IntDistribution(5, 30),
    "model.subsample": FloatDistribution(0.5, 1),
    "model.colsample_bytree": FloatDistribution(0.5, 1),
    "model.reg_alpha": FloatDistribution(0, 1),
    "model.reg_lambda": FloatDistribution(0, 1),
}
NETWORK = {
    "trainer.batch_size": CategoricalDistribution(["32", "64"]),
    "trainer.lr": FloatDistribution(0.001, 0.08, log=True),
    "trainer.lr_decay": CategoricalDistribution(["0.0", "0.01", "0.1"]),
    "trainer.period": IntDistribution(5, 20),
    "trainer.patience": IntDistribution(10, 20),
    "model.dropout": CategoricalDistribution(["0.0", "0.3", "0.5", "0.7"]),
}


def parsed(space, *overrides):
    return parse(space, compose("train", *overrides), Settings)


def faults(space, *overrides):
    with pytest.raises(UserError) as error:
        parsed(space, *overrides)
    return str(error.value)


@pytest.mark.parametrize(("option", "published"), [("sts", LIGHTGBM), ("sts_network", NETWORK)])
def test_the_shipped_spaces_are_the_published_ones(option, published):
    cfg = compose("search", f"search={option}")
    assert (cfg.search.n_trials, cfg.search.folds) == (50, 3)
    assert (cfg.search.split, cfg.search.metric, cfg.search.sampler) == ("stratified", "balanced_accuracy", "tpe")
    space = configs.build(cfg.search).space
    assert parse(space, OmegaConf.masked_copy(cfg, [key for key in cfg if key != "search"]), Settings) == published


def test_ranges_and_choices_are_read_nested_and_with_dots():
    space = parsed(
        {
            "trainer": {"lr": {"low": 0.001, "high": 0.1, "log": True}, "epochs": {"low": 2, "high": 9, "int": True}},
            "model.layers": [["conv"], ["conv", "pool"]],
            "model": {"dropout": [0.0, 0.5]},
        }
    )
    assert space == {
        "trainer.lr": FloatDistribution(0.001, 0.1, log=True),
        "trainer.epochs": IntDistribution(2, 9),
        "model.layers": CategoricalDistribution(["[conv]", "[conv,pool]"]),
        "model.dropout": CategoricalDistribution(["0.0", "0.5"]),
    }


def test_a_choice_of_any_kind_comes_back_as_it_was():
    choices = [None, True, 1, 1.0, "1", "null", ["a", 2], "sqrt"]
    space = parsed({"model": {"max_features": choices}}, "model=forest")
    drawn = space["model.max_features"].choices
    assert len(set(drawn)) == len(choices)
    for choice, name in zip(choices, drawn):
        found = values(space, {"model.max_features": name})["model.max_features"]
        assert (found, type(found)) == (choice, type(choice))


def test_a_range_comes_back_as_it_was_drawn():
    space = parsed({"trainer": {"lr": {"low": 0.1, "high": 1}, "epochs": {"low": 2, "high": 9, "int": True}}})
    assert values(space, {"trainer.epochs": 3, "trainer.lr": 0.5}) == {"trainer.lr": 0.5, "trainer.epochs": 3}


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, "it is empty"),
        ({"modle": {"width": [8, 16]}}, "modle.width: modle is no setting; nearest: model"),
        ({"model": {"widht": [8, 16]}}, "model.widht: widht is no setting; nearest: width; known here: layers"),
        ({"model": [1, 2]}, "model: it is a group of settings; name one of them: layers, width_first"),
        ({"model": {"width": 8}}, "model.width: 8 is one value, expected a list of choices or {low"),
        ({"model": {"width": [8]}}, "model.width: [8] leaves no choice"),
        ({"model": {"width": [8, 8]}}, "model.width: [8,8] leaves no choice"),
        ({"trainer": {"lr": {"low": 0.1, "high": 0.01}}}, "trainer.lr: `low <= high` must hold, but got (low=0.1"),
        ({"trainer": {"lr": {"low": 0.0, "high": 0.1, "log": True}}}, "trainer.lr: `low > 0` must hold for `log=True`"),
        ({"trainer": {"lr": {"low": 0.1}}}, "trainer.lr: low=0.1, high=null: both are needed"),
        ({"trainer": {"lr": {"low": 0.1, "high": 0.1}}}, "trainer.lr: {low:0.1,high:0.1} leaves no choice"),
        ({"trainer": {"lr": {"low": 0.1, "log": 1, "lwo": 1}}}, "lwo is no setting; nearest: low"),
        ({"trainer": {"lr": {"low": "a", "high": 1}}}, "trainer.lr: low=a is text, expected a number"),
        ({"trainer": {"lr": {"low": 0.1, "high": 1.0, "log": 1}}}, "log=1 is a whole number, expected true or false"),
        ({"trainer": {"lr": {"low": 0.1, "high": 1.0, "lgg": True}}}, "trainer.lr: lgg is no setting; nearest: log"),
        ({"trainer": {"epochs": {"low": 1, "high": 3}}}, "epochs: the config has a whole number, 20: add int: true"),
        ({"trainer": {"epochs": {"low": 1.5, "high": 3}}}, "trainer.epochs: 1.5 is a number, expected a whole number"),
        ({"trainer": {"epochs": {"low": 1.5, "high": 3, "int": True}}}, "low=1.5, high=3 is no whole number"),
        ({"trainer": {"keep": ["last", "worst"]}}, "trainer.keep: worst is text, expected one of last, best"),
        ({"split": {"n_folds": [4, 5]}}, "split.n_folds: the hold-out must be the same cells in every trial"),
        ({"seed": [0, 1]}, "seed: it does not say what is learned"),
        ({"trainer": {"devices": [1, 2]}}, "trainer.devices: it does not say what is learned"),
    ],
)  # fmt: skip
def test_a_space_that_cannot_be_searched_is_refused(space, said):
    assert said in faults(space)


def test_all_faults_are_said_at_once():
    said = faults({"model": {"widht": [8, 16]}, "trainer": {"lr": {"low": 2, "high": 1}, "epochs": [1.5, 2]}})
    for fault in ("model.widht: widht is no setting", "trainer.lr: `low <= high`", "trainer.epochs: 1.5 is a number"):
        assert fault in said


def test_arguments_that_the_config_leaves_out_may_be_searched():
    assert parsed({"model": {"max_features": ["sqrt", None]}}, "model=forest")
    assert "nearest: max_features" in faults({"model": {"max_featurs": ["sqrt", None]}}, "model=forest")


@pytest.mark.parametrize(
    "value",
    [None, True, False, 3, -2, 0.5, 1e-05, "sqrt", "a/b.csv", "null", "True", "3", "1e3", "", "two words", "it's",
     'a"b', "a\\", "a\\'b", "[x]", "a,b", "a=b", "${x}", [1, "b", None], {"a": 1, "b": ["c d"]}],
)  # fmt: skip
def test_hydra_reads_back_what_is_written(value):
    override = OverridesParser.create().parse_override(f"key={text(value)}")
    assert override.value() == value
    assert type(override.value()) is type(value) or isinstance(value, str)


def test_the_difference_makes_one_config_of_another():
    base = compose("train")
    wanted = put(base, {"model.width": 7, "trainer.lr": 1e-05, "seed": 3, "figures": [], "split.extra.deep": "a b"})
    del wanted["split"]["valid_fraction"]
    found = difference(base, wanted)
    assert found == ["+split.extra.deep='a b'", "trainer.lr=1e-05", "model.width=7", "seed=3", "~split.valid_fraction"]
    again = compose("train", *found)
    wanted.figures = again.figures
    assert OmegaConf.to_container(again, resolve=True) == OmegaConf.to_container(wanted)
    assert difference(base, base) == []


def test_the_refit_trains_on_everything_for_the_mean_of_the_epochs():
    cfg = compose("train", "trainer.patience=3", "trainer.keep=best", "trainer.epochs=40")
    assert stops_early(cfg)
    last = final(cfg, [7, 12, 12])
    assert (last.trainer.epochs, last.trainer.patience, last.trainer.keep) == (10, None, "last")
    assert last.split.valid_fraction == 0
    assert not stops_early(last)


def test_without_early_stopping_the_epochs_stay():
    cfg = compose("train", "trainer.epochs=40")
    assert final(cfg, [40, 40, 40]).trainer == cfg.trainer
    forest = compose("train", "model=forest")
    assert final(forest, []).trainer == OmegaConf.create(OmegaConf.to_container(forest.trainer, resolve=True))


def test_a_split_within_a_split_holds_nothing_out_either():
    cfg = compose("train", "split=with_new_cells", "split@split.split=grouped_kfold")
    assert final(cfg, []).split.split.valid_fraction == 0


def test_epochs_are_those_behind_the_weights_that_predict():
    losses = [0.9, 0.5, 0.4, 0.6, 0.7]
    predict = SklearnPredictor(None, lambda cells: None, [], None)
    fitted = Fitted(predict, [{"epoch": n, "valid_loss": loss} for n, loss in enumerate(losses, 1)], 1.0)
    assert epochs_behind(compose("train", "trainer.keep=best"), fitted) == [3]
    assert epochs_behind(compose("train", "trainer.keep=last"), fitted) == [5]
    assert epochs_behind(compose("train", "model=forest"), Fitted(fitted.predict, [], 1.0)) == []


@pytest.mark.parametrize("option", ["sts", "sts_network"])
def test_every_setting_of_a_shipped_space_has_its_unit_or_meaning(option):
    file = configs.folder() / "search" / f"{option}.yaml"
    lines = file.read_text().splitlines()
    settings = [name for part in yaml.safe_load(file.read_text())["search"]["space"].values() for name in part]
    for name in settings:
        assert "  # " in next(line for line in lines if line.strip().startswith(f"{name}:"))
