"""`celltype runs` and `celltype clean` as they are typed."""

import pytest
import yaml
from made.runs import fake_run


@pytest.fixture
def two(tmp_path):
    """Finished runs whose names are as long as names are, of two models."""
    for seed, model in enumerate(("forest", "lstm")):
        name = f"allen_visual_coding-{model}-leave_one_group_out-seed{seed}-0123456{seed}"
        run = fake_run(tmp_path / "outputs" / "runs" / name, [0.5 + seed / 2], per_class=5, seed=seed)
        run._json("run.json", {**run.facts(), "labels": {**run.facts()["labels"], "model": model}})
        (run.path / "config.yaml").write_text(yaml.safe_dump({"model": {"width": 3, "deep": {"er": {"x": 1}}}}))
        (run.path / "overrides.yaml").write_text(yaml.safe_dump([f"model={model}", f"seed={seed}"]))
        (run.path / "fold_0" / "x.ckpt").write_bytes(bytes(2000))
    return tmp_path / "outputs"


def test_a_list_that_is_piped_has_a_line_for_each_run_with_its_full_name(two, celltype):
    code, out, _ = celltype("runs", "sort=score")
    assert code == 0
    first, second = out.splitlines()[1:3]
    assert first.startswith("1.000") and first.endswith("allen_visual_coding-lstm-leave_one_group_out-seed1-01234561")
    assert "model=lstm seed=1 simulated" in first and "2026-01-01 00:00" in first
    assert second.startswith("0.5") and "model=forest seed=0" in second
    assert "2 runs" in out and "checkpoints 4.0 kB" in out
    assert "with its 95 % interval (jackknife over groups)" in out


def test_a_terminal_of_80_columns_gets_no_longer_lines_than_a_name(two, celltype, monkeypatch):
    from celltype_cli.core import terminal

    monkeypatch.setattr(terminal.console, "_force_terminal", True)
    monkeypatch.setattr(terminal.console, "_width", 80)
    _, out, _ = celltype("runs", "model=forest,lstm")
    assert "  allen_visual_coding-forest-leave_one_group_out-seed0-01234560\n" in out
    assert all(len(line) <= 80 for line in out.splitlines()[:-2])


def test_lines_to_type_next_keep_the_folder(two, celltype):
    _, out, _ = celltype("runs", f"outputs={two}")
    assert f"next: celltype runs outputs={two} show=<part of a run's name>, celltype clean outputs={two} " in out
    _, out, _ = celltype("runs", "outputs=elsewhere")
    assert "next: celltype demo outputs=elsewhere" in out


def test_settings_choose_runs(two, celltype):
    _, out, _ = celltype("runs", "model=lstm", "status=finished", "model.width=3")
    assert "-lstm-" in out and "-forest-" not in out
    code, _, err = celltype("runs", "modle=lstm")
    assert code == 2 and "modle is no setting of these runs; nearest: model" in err
    code, _, err = celltype("runs", "sort=best")
    assert code == 2 and "sort=best" in err


def test_one_run_is_shown_with_its_size_and_settings(two, celltype):
    code, out, _ = celltype("runs", "show=lstm")
    assert code == 0
    assert "typed: celltype train model=lstm seed=1" in out
    assert "  model=lstm: width=3\n" in out
    assert "and 1 more in " in out and "(checkpoints 2.0 kB)" in out


def test_intervals_of_a_bootstrap_are_shown_by_choice(two, celltype):
    """Half of each animal's cells are right: nothing varies, so the bootstrap has no interval, the jackknife has."""
    shown = {method: celltype("runs", "show=forest", f"interval={method}") for method in ("jackknife", "bootstrap")}
    assert [code for code, _, _ in shown.values()] == [0, 0]
    first = {method: out[out.index("balanced accuracy") :].splitlines()[0] for method, (_, out, _) in shown.items()}
    assert first["jackknife"] != first["bootstrap"]
    assert "[95 %]: jackknife over groups; floor" in shown["jackknife"][1]
    assert "[95 %]: bootstrap over groups; of labelled cells: jackknife; floor" in shown["bootstrap"][1]


def test_clean_only_says_what_it_would_remove_until_it_is_told(two, celltype):
    code, out, _ = celltype("clean")
    assert code == 0 and "checkpoints   4.0 kB  2 in 2 runs" in out
    assert "nothing is removed yet; next: celltype clean 'what=[checkpoints]' remove=true" in out
    assert len([*two.rglob("*.ckpt")]) == 2
    code, out, _ = celltype("clean", "what=[checkpoints]", "run=forest", "remove=true")
    assert code == 0 and "removed: 2.0 kB" in out
    assert [path.parts[-3][20:24] for path in two.rglob("*.ckpt")] == ["lstm"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["remove=true"], "say what to remove"),
        (["what=[runs]", "remove=true"], "say how old they are"),
        (["what=[everything]"], "caches"),
        (["older_than=-1"], "older_than=-1 is out of range"),
    ],
)
def test_clean_refuses_what_is_not_clear(two, celltype, arguments, said):
    code, _, err = celltype("clean", *arguments)
    assert code == 2 and said in err
    assert len([*two.rglob("*.ckpt")]) == 2


@pytest.mark.parametrize(
    ("place", "typed", "said"),
    [
        (".", "outputs=outptus", "no runs in outptus/runs yet; nearest: outputs; next"),
        (
            ".",
            "outputs=outputs/runs",
            "no runs in outputs/runs/runs yet; runs lie in outputs/runs: outputs=outputs;",
        ),
        ("outputs", "sort=name", "no runs in outputs/runs yet; nearest: ../outputs; next"),
        ("outputs/runs", "sort=name", "no runs in outputs/runs yet; runs lie in .: outputs=..; next"),
        (".", "outputs=a.csv", "no runs in a.csv/runs yet; outputs=a.csv is a file"),
    ],
)
def test_runs_that_lie_elsewhere_are_found(two, celltype, monkeypatch, place, typed, said):
    (two.parent / "a.csv").write_text("")
    monkeypatch.chdir(two.parent / place)
    assert said in celltype("runs", typed)[1]


def test_a_run_is_named_by_its_path_in_any_case_or_nearly(two, celltype):
    place = next((two / "runs").glob("*forest*"))
    for show in (f"{place}/", f"outputs/runs/{place.name}", "outputs/runs/allen_visual_coding-forest", "FOREST"):
        code, out, err = celltype("runs", f"show={show}")
        assert code == 0 and "forest on" in out, err
    _, _, err = celltype("runs", "show=forst")
    assert err.index("forest") < err.index("lstm")
    assert celltype("runs", f"show=other/{place.name}")[0] == 2  # there is no such folder


@pytest.mark.parametrize("name", ["config.yaml", "overrides.yaml"])
def test_damaged_settings_of_one_run_spoil_no_list(two, celltype, name):
    (next((two / "runs").glob("*forest*")) / name).write_text("")
    code, out, err = celltype("runs")
    assert code == 0 and "lstm" in out, err
    assert celltype("runs", "show=seed")[0] == 2 and "Traceback" not in err
    assert ("passed over" in out + err) == (name == "config.yaml")
