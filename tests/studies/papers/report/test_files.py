"""Files of a report: commands that run what is missing, the same bytes twice, figures drawn when they have changed."""

import shlex
from dataclasses import replace
from functools import partial
from math import isnan

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from made.paper import CNN, PAPER, RNN, job, load

from celltype_cli.core import configs
from celltype_cli.studies.papers import jobs as paper_jobs
from celltype_cli.studies.papers.paper import SPLITS
from celltype_cli.studies.papers.report import formats, pictures, report, sheets


def test_a_missing_row_shows_a_command_that_plans_it(written):
    made, folder = written
    _, line, _ = made.tables[0].lines
    assert made.tables[0].missing == 1 and made.tables[0].planned == 3
    assert isnan(line.ours) and line.published == 0.8
    program, command, *arguments = shlex.split(line.command)
    assert (program, command) == ("celltype", "reproduce")
    values = {o.key_or_group: o.value() for o in OverridesParser.create().parse_overrides(arguments)}
    assert {name: str(values[name]) for name in ("paper", "table", "rows", "profile", "dataset.path")} == {
        "paper": "toy", "table": "table1", "rows": "rnn: T = 2: rnn", "profile": "quick", "dataset.path": "/my data",
    }  # fmt: skip
    assert made.tables[0].command == "celltype reproduce paper=toy table=table1 profile=quick dataset=cascade " \
                                     "'dataset.path=/my data'"  # fmt: skip
    for file in ("report.md", "report.html", "report.tex", "table1.csv"):
        text = (folder / file).read_text()
        assert "table=table1" in text and "T = 2: rnn" in text


@pytest.mark.parametrize("split", SPLITS)
def test_half_a_row_shows_its_half_and_the_command(toy_runs, split):
    found = {job("table1", CNN, s): toy_runs["cnn1d", s] if s == split else None for s in SPLITS}
    table = report.build(PAPER, found).tables[0]
    sheet = sheets.lines_sheet(table)
    assert table.missing == 1 and {*map(len, sheet.columns.values())} == {1}
    lacking = [name for name, [cell] in sheet.columns.items() if cell == "not run"]
    assert lacking == ["ours, groups apart [95 %]" if split == "published" else "ours, random splits"]
    assert f"* `{table.lines[0].command}`" in formats.markdown(report.build(PAPER, found)).splitlines()
    assert any(note == "Left out here: rnn: T = 2: rnn; svm_rbf: Gaussian SVM." for note in table.notes)


def test_every_command_of_the_paper_plans_its_row():
    paper = load(configs.folder() / "paper" / "calcium_ann.yaml")
    planned = paper_jobs.plan_jobs(paper, profile="quick")
    for table in report.build(paper, dict.fromkeys(planned)).tables:
        for line in table.lines:
            arguments = shlex.split(line.command)[2:]
            asked = {o.key_or_group: o.value() for o in OverridesParser.create().parse_overrides(arguments)}
            jobs = paper_jobs.plan_jobs(paper, profile="quick", tables=[asked["table"]], rows=[str(asked["rows"])])
            name = line.group, line.name
            assert name in {(job.row.model, job.row.name) for job in jobs} or table.kind == "per_class"
            assert {job.table for job in jobs} == {table.key}
        assert table.missing == table.planned


def test_the_files_are_the_same_twice_and_nothing_is_left(written, toy_runs, tmp_path):
    made, folder = written
    report.write(made, tmp_path)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert "figures/fig3.svg" in names and not any(name.startswith(".") or "/." in name for name in names)
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_pictures_of_before_are_removed_and_files_of_others_stay(written, tmp_path):
    made, _ = written
    report.write(replace(made, pictures=made.pictures[:2]), tmp_path, ["pdf"])
    (tmp_path / "figures" / "mine.svg").write_text("<svg/>")
    report.write(replace(made, pictures=made.pictures[:1]), tmp_path)
    names = {file.name for file in (tmp_path / "figures").iterdir()}
    assert names == {"mine.svg", *(f"{made.pictures[0].key}.{kind}" for kind in ("svg", "pdf"))}


def test_figures_stand_beside_svg_in_the_formats_that_were_asked_for(written, tmp_path):
    made, folder = written
    report.write(replace(made, pictures=made.pictures[:2]), tmp_path, ["png", "pdf", "svg"])
    keys = [picture.key for picture in made.pictures[:2]]
    names = sorted(file.name for file in (tmp_path / "figures").iterdir())
    assert names == sorted(f"{key}.{kind}" for key in keys for kind in ("png", "pdf", "svg"))
    before = {file: file.read_bytes() for file in (tmp_path / "figures").iterdir()}
    assert all(b"drawn from" in content for content in before.values())
    for file, content in before.items():  # of the same data it is taken as it is
        assert pictures.drawn(next(one for one in made.pictures if one.key == file.stem), file) == content


def test_a_figure_is_drawn_again_only_when_its_data_or_code_have_changed(written, tmp_path, monkeypatch):
    made, folder = written
    picture = next(picture for picture in made.pictures if picture.key == "table1_published")
    drawn = (folder / "figures" / "table1_published.svg").read_bytes()
    kept = tmp_path / "kept.svg"
    kept.write_bytes(drawn.replace(b"</svg>", b"<!-- as it was --></svg>"))
    assert b"as it was" in pictures.drawn(picture, kept)
    other = replace(picture, draw=partial(picture.draw.func, *picture.draw.args[:-1], "another title"))
    assert b"as it was" not in pictures.drawn(other, kept)
    monkeypatch.setattr(pictures, "digests", lambda modules: "another code")
    assert pictures.drawn(picture, kept).count(b"as it was") == 0
    kept.write_bytes(drawn[:100])
    assert pictures.drawn(picture, kept).endswith(b"</svg>\n")


def test_figures_say_what_they_lack(written):
    made, folder = written
    lacking = {picture.key: picture.commands for picture in made.pictures if picture.commands}
    assert set(lacking) == {"fig2"} and len(lacking["fig2"]) == 1 and "rnn" in lacking["fig2"][0]
    nothing = report.build(PAPER, {job("fig2", RNN, "published"): None})
    assert nothing.pictures[0].draw is None and "Not run yet." in formats.markdown(nothing)
