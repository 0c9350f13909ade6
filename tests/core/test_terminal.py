"""Tables and lines of the terminal say all that they are given."""

import io

import pytest
from rich.console import Console

from celltype_cli.core import terminal
from celltype_cli.core.terminal import say, say_pairs, say_table


def test_a_table_keeps_brackets_and_what_is_long(capsys):
    long = "x" * 200
    say_table(["score [95 %]", "[b]"], [[0.5, "[red]"], [long, 1]])
    out = capsys.readouterr().out
    assert "score [95 %]" in out and "[b]" in out and "[red]" in out
    assert long in out  # piped: whole


def test_a_table_is_folded_in_a_terminal_alone(monkeypatch):
    for is_terminal in (True, False):
        file = io.StringIO()
        shown = Console(file=file, force_terminal=is_terminal, width=80, color_system=None)
        monkeypatch.setattr(terminal, "console", shown)
        say_table(["column", "AUC"], [["x" * 100, "0.7"]])
        assert file.getvalue().count("x") == 100
        assert (max(map(len, file.getvalue().splitlines())) <= 80) == is_terminal


def test_names_and_what_belongs_to_them_stand_in_two_columns_and_are_not_wrapped(capsys):
    say_pairs({"a": "y" * 200, "next": "[z]"})
    assert capsys.readouterr().out == f"\na     {'y' * 200}\nnext  [z]\n"


def test_names_are_no_style_and_their_codes_are_written_out(capsys):
    say("PV [basket] \x1b[31m")
    say_table(["[b]class"], [["PV [chandelier]"], ["[/b]\x1b[2J"]])
    out = capsys.readouterr().out
    assert "PV [basket] \\x1b[31m" in out and "PV [chandelier]" in out and "[/b]\\x1b[2J" in out
    assert "\x1b" not in out


def test_a_bar_takes_names_as_they_are(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=screen, force_terminal=True, width=100, color_system=None))
    assert [*terminal.track([1], "PV [basket]\x07", 1)] == [1]
    assert "PV [basket]\\x07" in screen.getvalue()


def test_notes_break_between_words_in_a_terminal_only(monkeypatch):
    note = "6 cells hold a recording that another holds too: cell_1 = cell_22 (identical values); cell_3 = cell_20"
    for is_terminal, lines in (
        (True, [f"note: {note[:65]}", f"      {note[66:]}"]),
        (False, [f"note: {note}"]),
    ):
        file = io.StringIO()
        shown = Console(file=file, force_terminal=is_terminal, width=80, color_system=None)
        monkeypatch.setattr(terminal, "console", shown)
        terminal.say_note(note)
        assert file.getvalue().splitlines() == lines


def test_a_reader_who_has_seen_enough_is_told_as_an_error_not_as_an_exit(monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(terminal, "console", terminal.Lines(file=Closed()))
    with pytest.raises(BrokenPipeError):
        terminal.say("line")
