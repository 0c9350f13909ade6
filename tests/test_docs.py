"""Pictures of the docs: all there, in full colour, and beside each the whole command that makes it."""

import re
from pathlib import Path

import pytest
from PIL import Image

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted((REPOSITORY / "docs").rglob("*.md"))
PICTURES = sorted((REPOSITORY / "docs").rglob("*.png"))
SHOWN = [
    (page, match)
    for page in PAGES
    if page.name != "report.md"  # made as a whole by the command that its folder's README names
    for match in re.finditer(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
]
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
