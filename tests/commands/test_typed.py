"""What was typed, taken apart and put together again."""

import shlex

from celltype_cli.commands.typed import first_name, less, line


def test_an_override_is_about_its_first_name():
    names = {"model=rnn": "model", "model.depth=3": "model", "+split.extra=1": "split", "~trainer.lr": "trainer",
             "++seed=1": "seed", "dataset@extra=traces": "dataset"}  # fmt: skip
    assert {override: first_name(override) for override in names} == names


def test_overrides_of_a_group_are_left_out_and_those_that_begin_alike_stay():
    assert less(["model=rnn", "+model.x=1", "models=2", "fold=1"], "model", "fold") == ["models=2"]


def test_a_shell_reads_a_line_as_it_is_meant():
    words = ["model.layers=[conv, pool]", "dataset.path=it's here"]
    assert shlex.split(line("train", *words)) == ["celltype", "train", *words]
