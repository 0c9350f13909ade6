"""The check for GPUs, on the CPU with small sizes: all of it runs, and a part that fails stops no other."""

import json
from pathlib import Path

import pytest
import torch

from celltype_cli.trainers.networks import lstm_in_bf16

NETWORKS = ("lstm" if lstm_in_bf16() else "rnn", "mobilenet_v2")  # one of each kind of input


@pytest.fixture
def gpu(monkeypatch, tmp_path, capsys):
    """Calls the check; returns the exit code, what it printed, and what it saved."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    import gpu

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["gpu.py", "--out", str(tmp_path), *arguments])
        code = gpu.main()
        out = capsys.readouterr().out
        assert (tmp_path / "gpu.txt").read_text() in out
        return code, out, json.loads((tmp_path / "gpu.json").read_text())

    call.module = gpu
    return call


def test_everything_runs_and_is_saved(gpu):
    code, out, found = gpu("--small", "--networks", *NETWORKS)
    parts = found["parts"]
    assert code == 0, found["failures"]
    assert "no check failed" in out
    assert "small sizes: the program runs, times and memory say nothing" in out
    assert [*parts] == ["command", "agreement", "speed", "resumed", "table1"]
    assert len(parts["agreement"]) == 2 * 3
    assert {(row["network"], row["precision"]) for row in parts["speed"]} == {
        (name, precision) for name in NETWORKS for precision in ("fp32", "bf16")
    }
    assert all(row["trainer / loop"] == pytest.approx(row["trainer"] / row["loop"]) for row in parts["speed"])
    assert len(parts["table1"]) == 3
    for row in parts["table1"]:  # 10 splits and 5 folds of 20 epochs
        assert row["fits"] == 15
        assert row["minutes"] == pytest.approx(15 * (20 * row["seconds an epoch"] + row["seconds beside"]) / 60)
    if found["device"] == "cpu":
        assert "on the CPU, for want of a GPU" in out
        assert all(row["equal to the bit"] for row in parts["resumed"])
        assert {row["trained"] for row in parts["agreement"] if row["setting"] == "fp32"} == {0}


def test_all_rows_of_the_table_are_timed_in_full(gpu):
    module = gpu.module
    rows = module.rows_of_table1(module.Setting("cuda", module.Sizes()))
    assert len(rows) == 26
    assert all(len(runs) == 2 and all("trainer=cuda" in run for run in runs) for runs in rows.values())


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "inception_v3"])
def test_every_backbone_takes_its_small_pictures(gpu, name):
    from loops import CLASSES, loss

    on = gpu.module.Setting("cpu", gpu.module.SMALL)
    cells = on.sizes.cells(name)
    network = on.made(name)[1](cells.shapes, len(CLASSES))
    inputs = [torch.from_numpy(values) for values in cells.inputs.values()]
    assert torch.isfinite(loss(network, inputs, torch.from_numpy(cells.label), "fp32", 0.4))


def test_a_check_that_fails_stops_no_other(gpu, monkeypatch):
    def failing(on, name, precision):
        yield {"network": name, "precision": precision}
        raise RuntimeError("out of memory")

    monkeypatch.setattr(gpu.module, "speed", failing)
    code, out, found = gpu("--small", "--parts", "speed", "resumed", "--networks", "lstm")
    assert code == 1
    assert "FAILED speed lstm fp32: RuntimeError: out of memory" in out
    assert [failure["check"] for failure in found["failures"]] == ["lstm fp32", "lstm bf16"]
    assert len(found["parts"]["speed"]) == len(found["parts"]["resumed"]) == 2


def test_what_was_not_begun_in_time_is_said(gpu):
    code, out, _ = gpu("--small", "--parts", "resumed", "--networks", "lstm", "--minutes", "0")
    assert code == 1
    assert "FAILED resumed lstm: TimeoutError: not begun, 0.0 minutes were over" in out


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(gpu, capsys):
    with pytest.raises(SystemExit) as end:
        gpu()
    assert end.value.code == 2
    assert "PyTorch finds no GPU here" in capsys.readouterr().err
