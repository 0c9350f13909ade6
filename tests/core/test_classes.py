"""The vocabulary of cell types: one colour and one order for all names of a type."""

import pytest

from celltype_cli.core import classes, files
from celltype_cli.core.messages import UserError


def test_names_of_one_type_share_its_colour():
    assert classes.colour_of("PV") == classes.colour_of("Pvalb") == "#0072B2"
    assert classes.same_as("SOM") == {"Sst", "SST", "SOM", "Somatostatin"}
    assert classes.same_as("nothing") == {"nothing"} and classes.colour_of("nothing") is None


def test_names_of_one_type_are_found_in_any_case():
    assert classes.synonyms(["PV", "pvalb", "SST", "Vip", "x"]) == [("PV", "pvalb")]


def test_known_classes_come_first_in_their_order():
    assert classes.in_order(["b", "Sst", "a", "Pvalb"]) == ["Pvalb", "Sst", "a", "b"]
    assert classes.in_order({"VIP", "PV", "SOM"}) == ["PV", "SOM", "VIP"]  # other names: by name


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "mine.yaml").write_text('Pvalb: {colour: "#111111"}\nGranule: {colour: "#222222"}\n')
    monkeypatch.setattr(files, "own_configs", [tmp_path])
    classes.vocabulary.cache_clear()
    yield
    classes.vocabulary.cache_clear()


def test_a_vocabulary_of_ones_own_comes_first(own):
    assert (classes.colour_of("Pvalb"), classes.colour_of("Granule")) == ("#111111", "#222222")
    assert classes.colour_of("Sst") == "#009E73"


@pytest.mark.parametrize("content", ["", "# nothing\n", "VIP:\n"])
def test_a_vocabulary_may_say_little(tmp_path, monkeypatch, content):
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "mine.yaml").write_text(content)
    monkeypatch.setattr(files, "own_configs", [tmp_path])
    classes.vocabulary.cache_clear()
    try:
        assert classes.colour_of("Sst") == "#009E73"
        (tmp_path / "classes" / "mine.yaml").write_text("[VIP]")
        classes.vocabulary.cache_clear()
        with pytest.raises(UserError, match="mine.yaml.* expected lines"):
            classes.colour_of("Sst")
    finally:
        classes.vocabulary.cache_clear()
