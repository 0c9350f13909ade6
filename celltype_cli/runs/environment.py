"""What a run was made with: versions, hardware, code, threads."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

DRIVERS = ("libcuda.so.1", "nvcuda.dll")  # of NVIDIA, on Linux and Windows
AMD = Path("/dev/kfd")  # what its driver makes
PACKAGES = (
    "celltype", "torch", "pytorch-lightning", "numpy", "scipy", "pandas", "scikit-learn", "hydra-core", "omegaconf",
    "mlflow", "h5py", "PyWavelets", "matplotlib",
)  # fmt: skip


def describe() -> dict[str, Any]:
    """Returns versions, platform, processor, cores, memory in GiB, GPU and the commit of the source tree."""
    import psutil

    return {
        "versions": {"python": platform.python_version(), **{name: installed(name) for name in PACKAGES}},
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": gpu(),
        "commit": commit(),
    }


def installed(package: str) -> str | None:
    """Returns the installed version, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads(wanted: int | None) -> int:
    """Returns threads: as wanted, as OMP_NUM_THREADS says, or all cores."""
    if wanted is not None:
        return wanted
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return int(limit) if limit.isdigit() and int(limit) > 0 else cores()


def limit_threads(wanted: int | None) -> int:
    """Limits numpy's libraries, and torch where a model brought it, to `threads(wanted)`, and returns how many that is.

    A network's config brings torch when it is checked; trees do without it, which is 1.5 s less to wait.
    """
    from threadpoolctl import threadpool_limits

    n = threads(wanted)
    threadpool_limits(n)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(n)
    return n


def gpu() -> str | None:
    """Returns the name of the GPU that torch uses, or None; torch, which takes seconds, is asked where a driver is."""
    if "torch" not in sys.modules and not AMD.exists() and not any(map(_loads, DRIVERS)):
        return None
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def commit() -> str | None:
    """Returns the commit of the source tree this package runs from, marked when files differ from it."""
    here = Path(__file__).parents[1]
    if not (here.parent / ".git").exists():
        return None
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def network_filesystem(path: Path) -> str | None:
    """Returns the kind of network file system that holds `path`, where SQLite is unsafe, or None."""
    import psutil

    path = path.resolve()
    mounts = [p for p in psutil.disk_partitions(all=True) if path.is_relative_to(p.mountpoint)]
    kind = max(mounts, key=lambda p: len(p.mountpoint)).fstype if mounts else ""
    remote = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "afs", "fuse.sshfs", "glusterfs")
    return kind if kind.startswith(remote) else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
