"""Files of a report: marks everywhere, commands that run what is missing, one page that needs nothing."""

import shlex
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from math import isnan

import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from made.paper import CNN, PAPER, RNN, all_jobs, job, load
from made.runs import fake_run
from matplotlib.text import Text

from celltype_cli.core import configs
from celltype_cli.studies.papers import jobs as paper_jobs
from celltype_cli.studies.papers.paper import SPLITS
from celltype_cli.studies.papers.report import formats, pictures, report, sheets


@pytest.fixture(scope="module")
def written(toy_runs, tmp_path_factory):
    """A quick report without the runs of the RNN."""
    found = {job: None if job.row.model == "rnn" else toy_runs[job.row.model, job.split] for job in all_jobs("quick")}
    folder = tmp_path_factory.mktemp("report")
    made = report.build(PAPER, found, extra=["dataset=cascade", "dataset.path=/my data"])
    report.write(made, folder)
    return made, folder


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


def test_quick_and_simulated_mark_every_output(written, capsys):
    made, folder = written
    mark = "[quick profile, simulated data]"
    assert made.marks == ("quick profile", "simulated data")
    text = (folder / "report.md").read_text()
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert len(headings) > 5 and all(line.endswith(mark) for line in headings)
    assert all(mark in line for line in (folder / "report.tex").read_text().splitlines() if r"\caption" in line)
    assert set(pd.read_csv(folder / "table1.csv")["marks"]) == {"quick profile; simulated data"}
    page = (folder / "report.html").read_text()
    assert page.count('<span class="mark">quick profile') == sum(page.count(f"<h{n}") for n in (1, 2, 3)) > 5
    for picture in made.pictures:
        assert any(mark in text.get_text() for text in picture.draw().findobj(Text))
    report.show(made)
    titles = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("Table ", "Figure "))]
    assert len(titles) == 3 and all(mark in title for title in titles)


def test_recorded_data_in_full_carry_no_mark(tmp_path):
    run = fake_run(tmp_path / "r", [0.8, 0.7], title="recorded", simulated=False, notes=[])
    made = report.build(PAPER, {job("table1", CNN, "published"): run})
    assert made.marks == () and formats.section(made, made.tables[0]).startswith("## Table 1. Three models\n")


class Page(HTMLParser):
    """Follows a page: every element that opens closes, and what it would load or lead to."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.ids, self.images = [], [], [], 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.open += [] if tag == "meta" else [tag]
        self.links += [value for name, value in attributes if name in ("href", "src", "srcset", "action", "data")]
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_startendtag(self, tag, attributes):
        self.images += tag == "img"
        self.links += [value for name, value in attributes if name == "src"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(written):
    made, folder = written
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert not page.open and page.images == len(made.pictures) == 6
    assert all(link.startswith(("#", "data:image/svg+xml;base64,")) for link in page.links)
    assert "url(" not in text and "@import" not in text and "<script" not in text
    contents = [link[1:] for link in page.links if link.startswith("#")]
    assert contents == page.ids == [
        "at-a-glance", "how-to-read-this", "table-1-three-models", "table-2-classes", "figure-2-confusion",
        "figure-3-epochs",
    ]  # fmt: skip
    assert "conv &amp; conv_1 &lt;50 %&gt; | x" in text and CNN.name not in text


def test_names_are_escaped(written):
    made, folder = written
    tex = (folder / "report.tex").read_text()
    assert r"conv \& conv\_1 \textless{}50 \%\textgreater{} | x" in tex
    assert r"\toprule" in tex and tex.count(r"\begin{table}") == tex.count(r"\end{table}") == 2
    row = next(line for line in (folder / "report.md").read_text().splitlines() if line.startswith("| cnn1d "))
    assert r"conv & conv\_1 \<50 %> \| x" in row
    assert formats._tex("a−b ± c\\{}") == r"a$-$b $\pm$ c\textbackslash{}\{\}"


def test_markdown_tables_have_equal_columns(written):
    made, folder = written
    blocks = (folder / "report.md").read_text().split("\n\n")
    tables = [block.replace(r"\|", "").splitlines() for block in blocks if block.startswith("|")]
    assert len(tables) == 5  # at a glance; two tables; the order and the pairs of the first
    assert all(len({line.count("|") for line in table}) == 1 and len(table) > 2 for table in tables)


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


def test_a_split_that_is_not_random_is_not_called_so(tmp_path):
    """As with a paper's published lists: in legend, caption, column and notes."""
    found = {job("table1", CNN, "published"): fake_run(tmp_path / "listed", [0.5, 0.6])}
    facts = tmp_path / "listed" / "run.json"
    facts.write_text(facts.read_text().replace('"split": "shuffle"', '"split": "repeated"'))
    made = report.build(PAPER, found, name="toy")
    [table], picture = made.tables, made.pictures[0]
    assert table.way == "split=repeated" and "Full circle: ours on split=repeated, bar" in picture.caption
    legend = [text.get_text() for text in picture.draw().legends[0].get_texts()]
    assert "ours, split=repeated, mean and sd" in legend
    assert any(note.startswith("Split=repeated: 2 splits") for note in table.notes)
    written = formats.markdown(made)
    assert "ours, split=repeated" in written
    assert written.lower().count("random splits") == 1  # what they are, where it says how to read a report


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


def test_groups_are_called_what_the_dataset_calls_them(toy_runs, tmp_path):
    donors = fake_run(tmp_path / "d", [0.6, 0.7], group="donor")
    found = {job("table1", CNN, split): donors for split in SPLITS} | {
        job("fig2", CNN, split): donors for split in SPLITS
    }
    made = report.build(PAPER, found)
    report.write(made, tmp_path / "report")
    for file in ("report.md", "report.html", "report.tex"):
        text = (tmp_path / "report" / file).read_text()
        assert "ours, donors apart [95" in text and "Donors kept apart: 2 folds" in text, file
        assert "animals" not in text.replace("animal was", ""), file
    legend = [text.get_text() for text in made.pictures[0].draw().legends[0].get_texts()]
    assert "ours, donors kept apart, 95 % interval (jackknife)" in legend
    found[job("table1", RNN, "published")] = toy_runs["rnn", "published"]  # whose groups have no name
    assert report.build(PAPER, found).tables[0].group == "group"


def test_figures_say_what_they_lack(written):
    made, folder = written
    lacking = {picture.key: picture.commands for picture in made.pictures if picture.commands}
    assert set(lacking) == {"fig2"} and len(lacking["fig2"]) == 1 and "rnn" in lacking["fig2"][0]
    nothing = report.build(PAPER, {job("fig2", RNN, "published"): None})
    assert nothing.pictures[0].draw is None and "Not run yet." in formats.markdown(nothing)


def test_the_terminal_takes_commands_whole_and_columns_that_fit(written, capsys, monkeypatch):
    made, _ = written
    report.show(made)
    out = capsys.readouterr().out
    assert made.tables[0].lines[1].command in out and "published training, s" in out
    from celltype_cli.core import terminal

    monkeypatch.setattr(terminal.console, "_force_terminal", True)
    monkeypatch.setattr(terminal.console, "_width", 80)
    report.show(made)
    out = capsys.readouterr().out
    assert "published training, s" not in out and "ours, random splits" in out
