"""Journals and results of a search that are damaged: refused with the way out, or made again, never passed over."""

import json

import pytest
from made.configs import compose
from made.search import SPACE

from celltype_cli.core.messages import UserError
from celltype_cli.studies.search.journal import Study
from celltype_cli.studies.search.space import parse
from celltype_cli.studies.search.trials import Result, Search, _kept

SEARCH = Search(space=SPACE, n_trials=3, metric="accuracy", folds=2, split="grouped", valid_fraction=0.2, sampler="tpe",
                seed=0)  # fmt: skip


def study(folder):
    from omegaconf import OmegaConf

    from celltype_cli.runs.settings import Settings

    model = {"_target_": "made.search.Recorder", "_partial_": True, "quality": 0.5, "depth": 2, "broken": False}
    whole = compose("train", "model=forest", "logger=none")
    whole.model = OmegaConf.create(model)
    return Study(folder, SEARCH, parse(SPACE, whole, Settings))


@pytest.fixture
def journal(tmp_path):
    opened = study(tmp_path)
    for k in range(3):
        claim = opened.claim()
        opened.finish(claim, Result([0.1 * k, 0.5], [], 1.0))
        claim.lock.release()
    assert len(study(tmp_path).done()) == 3
    return tmp_path / "journal.jsonl"


def lines(journal):
    return journal.read_bytes().splitlines(keepends=True)


DAMAGES = {
    "zeroed": lambda whole: [bytes(sum(map(len, whole)))],
    "without its first line": lambda whole: whole[1:],
    "without half of its first line": lambda whole: [whole[0][20:], *whole[1:]],
    "a line in the middle cut": lambda whole: [*whole[:3], whole[3][:9] + b"\n", *whole[4:]],
    "its last line cut": lambda whole: [*whole[:-1], whole[-1][:9] + b"\n"],
    "without ends of lines": lambda whole: [line.strip() for line in whole],
    "text": lambda whole: [b"hello"],
    "lines that say nothing": lambda whole: [b"3\n", b"[]\n"],
    "an operation that is unknown": lambda whole: [whole[0], b'{"op_code": 99}\n', *whole[1:]],
    "a result that is none": lambda whole: [line.replace(b'"values"', b'"valued"') for line in whole],
    "zeros at the end": lambda whole: [*whole, bytes(40)],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_journal_is_refused_and_left_as_it_is(journal, damage):
    journal.write_bytes(b"".join(damage(lines(journal))))
    damaged = journal.read_bytes()
    with pytest.raises(UserError, match="journal.jsonl .*; the same command then searches from the start"):
        study(journal.parent).done()
    assert journal.read_bytes() == damaged


def test_a_line_that_a_killed_worker_has_begun_is_cut_off(journal):
    whole = journal.read_bytes()
    journal.write_bytes(whole + lines(journal)[-1][:15])
    assert len(study(journal.parent).done()) == 3
    assert journal.read_bytes() == whole
    journal.write_bytes(lines(journal)[0][:15])  # killed while it began
    assert study(journal.parent).done() == []


@pytest.mark.parametrize("text", ["", "\0\0", "[]", "{}", '{"values": [1]}'])
def test_the_result_of_an_inner_fold_that_cannot_be_read_is_made_again(tmp_path, text):
    file = tmp_path / "result.json"
    assert _kept(file) is None
    file.write_text(text)
    assert _kept(file) is None
    file.write_text(json.dumps({"values": [1.0], "epochs": [], "seconds": 1.0}))
    assert _kept(file).value == 1.0
