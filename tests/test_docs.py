"""Pages: links and files that they name are there; beside each picture, in full colour, the command that makes it."""

import re
from pathlib import Path

import pytest
from PIL import Image

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted((REPOSITORY / "docs").rglob("*.md"))
OTHERS = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")]
PICTURES = sorted((REPOSITORY / "docs").rglob("*.png"))
SHOWN = [
    (page, match)
    for page in PAGES
    if page.name != "report.md"  # made as a whole by the command that its folder's README names
    for match in re.finditer(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
]
NAMED = re.compile(r"(?<![\w/.])(?:celltype_cli|conf|tests|scripts|benchmarks|docs)/[\w/.-]+(?![\w/.*<-])")
BY_USER = ("cascade", "traces", "sweeps", "sts_features", "sts_scalograms", "nwb_ophys", "dandi_000020")


@pytest.mark.parametrize("picture", PICTURES, ids=lambda file: file.name)
def test_no_palette_is_reduced(picture):
    """A palette of few entries gives classes of like colours one."""
    with Image.open(picture) as image:
        assert image.mode != "P"


@pytest.mark.parametrize(("page", "match"), SHOWN, ids=lambda one: getattr(one, "name", None))
def test_a_command_stands_beside_every_picture(page, match):
    assert (page.parent / match[1]).is_file()
    text = page.read_text(encoding="utf-8")
    after = re.split(r"^## |^# ", text[match.end() :], flags=re.MULTILINE)[0]
    commands = re.findall(r"(?:celltype \w+|python scripts/\w+\.py) [^`]+", after)
    assert commands, f"{page}: nothing says how {match[1]} is made"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "report.md"], ids=lambda page: page.name)
def test_commands_of_recorded_data_name_their_path(page):
    """A caption can be typed as it stands."""
    for command in re.findall(r"`(celltype [^`]+)`", page.read_text(encoding="utf-8")):
        if re.search(rf"dataset=({'|'.join(BY_USER)})\b", command):
            assert "dataset.path=" in command, f"{page}: {command}"


def anchors(page):
    """The names by which headings of a page are linked to."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def name_of(page):
    return page.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=name_of)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?:", link):
            continue
        place, _, anchor = link.partition("#")
        target = page.parent / place if place else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", [*PAGES, *OTHERS[:2], OTHERS[3]], ids=name_of)
def test_files_and_code_that_a_page_names_are_there(page):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(
        r"(?<![\w/.])(?:celltype_cli|conf|tests|scripts|benchmarks|docs)/[\w/.-]+(?![\w/.*<-])", text
    ):
        assert (REPOSITORY / name.rstrip(".")).exists(), name
    for line in re.findall(r"^from celltype_cli[\w.]* import .*$", text, flags=re.MULTILINE):
        exec(line, {})


SHOWN_TO_TYPE = re.compile(r"(?:pip install|celltype \w+|python scripts/\w+\.py) [^`\n#]*")


def places_with_commands():
    code = [*(REPOSITORY / "celltype_cli").rglob("*.py"), *(REPOSITORY / "conf").rglob("*.yaml")]
    return [*[page for page in PAGES if page.name != "report.md"], *OTHERS[:2], *code]


def test_brackets_are_quoted_where_they_are_typed():
    """zsh, the shell of macOS, takes [ and ] for a pattern, and runs no line that holds them bare."""
    for place in places_with_commands():
        for line in SHOWN_TO_TYPE.findall(place.read_text(encoding="utf-8")):
            bare = re.sub(r"\{[^}]*\}|'[^']*'|\"[^\"]*\"", "", line)  # what f-strings fill in, and what is quoted
            assert not re.search(r"(=|celltype)\[", bare), f"{place}: {line}"
