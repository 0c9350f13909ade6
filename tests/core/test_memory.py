"""What a process may still take: limits of its container count, and pages of files that can be taken back do not."""

import psutil
import pytest

from celltype_cli.core import memory
from celltype_cli.core.messages import UserError

GB = 10**9


def machine(root, cgroup, folders):
    """Writes what Linux says of control groups: by folder, what each file holds."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(cgroup)
    for folder, files in folders.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (root / folder / name).write_text(f"{text}\n")
    return root


def new(limit, taken, pages=0):
    return {"memory.max": limit, "memory.current": taken, "memory.stat": f"anon 5\ninactive_file {pages}"}


def old(limit, taken, pages=0):
    stat = f"inactive_file 5\ntotal_inactive_file {pages}"
    return {"memory.limit_in_bytes": limit, "memory.usage_in_bytes": taken, "memory.stat": stat}


@pytest.mark.parametrize(
    ("cgroup", "folders", "expected"),
    [
        ("0::/", {"sys/fs/cgroup": new(2 * GB, GB // 2)}, 1.5),  # a container
        ("0::/", {"sys/fs/cgroup": new(2 * GB, GB, GB // 2)}, 1.5),
        ("0::/a/b", {"sys/fs/cgroup/a/b": new("max", GB), "sys/fs/cgroup/a": new(3 * GB, GB)}, 2),  # of the one above
        ("0::/a", {"sys/fs/cgroup/a": new("max", GB)}, 8),
        ("0::/a", {"sys/fs/cgroup/a": new(GB, 2 * GB)}, 0),
        ("3:cpu:/x\n5:memory:/docker/1", {"sys/fs/cgroup/memory": old(GB, GB // 4)}, 0.75),  # as a container sees it
        ("5:memory:/a", {"sys/fs/cgroup/memory/a": old(2**63 - 4096, GB)}, 8),  # what version 1 has for no limit
        ("0::/gone", {}, 8),
    ],
)
def test_the_least_of_all_limits_counts(tmp_path, monkeypatch, cgroup, folders, expected):
    monkeypatch.setattr(memory, "ROOT", machine(tmp_path, cgroup, folders))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Free", (), {"available": 8 * GB}))
    assert memory.available() == expected * GB


def test_without_control_groups_the_machine_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "ROOT", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Free", (), {"available": 8 * GB}))
    assert memory.available() == 8 * GB


def test_what_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: GB)
    memory.check_room(GB, "rows")
    with pytest.raises(UserError, match="rows need 2 GB of memory, and 1 GB are free"):
        memory.check_room(2 * GB, "rows")
