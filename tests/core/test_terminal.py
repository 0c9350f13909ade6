"""Tables and lines of the terminal say all that they are given."""

from celltype_cli.core.terminal import say_pairs, say_table


def test_a_table_keeps_brackets_and_what_is_long(capsys):
    long = "x" * 200
    say_table(["score [95 %]", "[b]"], [[0.5, "[red]"], [long, 1]])
    out = capsys.readouterr().out
    assert "score [95 %]" in out and "[b]" in out and "[red]" in out
    assert out.count("x") == 200  # folded, not cut


def test_names_and_what_belongs_to_them_stand_in_two_columns_and_are_not_wrapped(capsys):
    say_pairs({"a": "y" * 200, "next": "[z]"})
    assert capsys.readouterr().out == f"\na     {'y' * 200}\nnext  [z]\n"
