"""A report in its formats: marks and words everywhere, names escaped, one page that needs nothing."""

from html.parser import HTMLParser

import pandas as pd
from made.paper import CNN, PAPER, RNN, job
from made.runs import fake_run
from matplotlib.text import Text

from celltype_cli.core import terminal
from celltype_cli.studies.papers.paper import SPLITS
from celltype_cli.studies.papers.report import formats, report


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


def test_a_profile_is_said_to_be_of_the_usual_dataset_where_another_was_given(written, tmp_path):
    profile = "Profile quick of the usual dataset (cells, groups and splits of the one given by hand stand under each"
    assert profile in (written[1] / "report.md").read_text()
    made = report.build(PAPER, {job("table1", CNN, "published"): fake_run(tmp_path / "r", [0.8, 0.7])})
    assert "\n* Profile quick: " in formats.markdown(made) or "\n* Profile full: " in formats.markdown(made)


def test_a_note_keeps_the_name_of_its_file(tmp_path):
    notes = ["hull.npz holds no spike times", "few animals"]
    run = fake_run(tmp_path / "r", [0.8, 0.7], notes=notes)
    made = report.build(PAPER, {job("table1", CNN, "published"): run})
    told = formats.section(made, made.tables[0])
    assert "* hull.npz holds no spike times." in told and "* Few animals." in told


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


def test_the_terminal_takes_commands_whole_and_columns_that_fit(written, capsys, monkeypatch):
    made, _ = written
    report.show(made)
    out = capsys.readouterr().out
    assert made.tables[0].lines[1].command in out and "published training, s" in out
    monkeypatch.setattr(terminal.console, "_force_terminal", True)
    monkeypatch.setattr(terminal.console, "_width", 80)
    report.show(made)
    out = capsys.readouterr().out
    assert "published training, s" not in out and "ours, random splits" in out
