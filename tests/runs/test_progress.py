"""The bar of a run says fold, epoch, score and the time left, on a terminal of 80 columns too."""

import io
import re

import pytest
from rich.console import Console

from celltype_cli.core import terminal
from celltype_cli.runs.progress import Progress


@pytest.fixture
def screen(monkeypatch):
    """What a terminal of 80 columns is sent."""
    sent = io.StringIO()
    console = Console(file=sent, width=80, force_terminal=True, highlight=False)
    monkeypatch.setattr(terminal, "console", console)
    return sent


def lines(sent):
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", sent.getvalue())
    return [line for line in re.split(r"[\r\n]", plain) if line.strip()]


@pytest.mark.parametrize("words", ["", "trial 120, "])
def test_all_is_seen_at_80_columns(screen, words):
    with Progress(10, words) as progress:
        progress.begin_fold(10)
        progress.epoch(10, 100, 200, {"train_accuracy": 0.9, "valid_accuracy": 0.67})
        progress.bar.refresh()
        progress.finish_fold(10, 0.5)
    shown = lines(screen)
    assert all(len(line) <= 80 for line in shown)
    (bar,) = {line.split("━")[0].strip() for line in shown if "epoch" in line}
    assert bar == f"{words}fold 10/10, epoch 100/200"
    assert any("valid accuracy 0.67" in line and line.rstrip().endswith("left") for line in shown)
    assert any("  fold 10/10: balanced accuracy 0.500 per cell" in line for line in shown)


def test_the_fits_of_a_grid_are_no_epochs(screen):
    with Progress(2) as progress:
        progress.epoch(1, 3, 15, {"grid_accuracy": 0.5})
        progress.bar.refresh()
    assert any("fold 1/2, fit 3/15" in line and "grid accuracy 0.50" in line for line in lines(screen))


def test_without_a_terminal_there_are_lines_alone(capsys):
    with Progress(2) as progress:
        progress.begin_fold(1)
        progress.epoch(1, 1, 2, {"valid_accuracy": 0.5})
        progress.finish_fold(1, 0.25)
    assert capsys.readouterr().out.strip() == "fold 1/2: balanced accuracy 0.250 per cell"
