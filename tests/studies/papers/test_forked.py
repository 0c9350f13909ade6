"""Work shared with a forked process: the same results in order, and errors as in a plain loop."""

import os
import subprocess
import sys

import pytest

from celltype_cli.studies.papers import forked

WORK = """
import os, time
from celltype_cli.studies.papers.forked import shared
here = os.getpid()
def work(item):
    time.sleep(0.05)
    if item == 3 and os.getpid() != here:
        FAIL
    return item, os.getpid() != here
print(shared(work, range(8)), len(list(os.scandir("/proc/self/fd"))))
"""


def run(fail):
    out = subprocess.run([sys.executable, "-c", WORK.replace("FAIL", fail)], capture_output=True, text=True, timeout=60)
    assert not out.stderr
    return out.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
@pytest.mark.parametrize("fail", ["pass", "raise ValueError", "os._exit(1)", "return lambda: 1"])
def test_a_copy_takes_a_share_and_what_fails_there_is_done_here(fail):
    found, *_ = run(fail).rsplit(" ", 1)
    items, elsewhere = zip(*eval(found))
    assert items == tuple(range(8))
    if fail == "pass" and len(os.sched_getaffinity(0)) > 1:
        assert {*elsewhere} == {True, False}


@pytest.mark.parametrize("items", [[], [1], [1, 2, 3]])
def test_without_a_copy_it_is_a_loop(monkeypatch, items):
    monkeypatch.setattr(forked, "_can_fork", lambda: False)
    called = []
    assert forked.shared(lambda x: x + 1, items, meanwhile=lambda: called.append(1)) == [x + 1 for x in items]
    assert called == [1]


def test_errors_come_out_as_they_are(monkeypatch):
    def fail(item):
        raise KeyError(item)

    for can in (True, False):
        monkeypatch.setattr(forked, "_can_fork", lambda can=can: can)
        with pytest.raises(KeyError):
            forked.shared(fail, [1, 2])
