"""How many CPUs and how much memory this process may use: of the machine, its cgroup and its Slurm job.

``os.cpu_count()`` and the memory of the machine are more than a container or a job on a cluster has.
Sources: ``man 7 cgroups``, the kernel's ``admin-guide/cgroup-v1`` and ``cgroup-v2.rst``, ``man sbatch``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bids_eeg2fmri.errors import UsageError

#: cgroup v1 says "no limit" with the largest number of whole pages; nothing has so much memory.
_NO_LIMIT = 1 << 60
#: Powers of ten and, with an i, of two.
_UNITS = {"": 10**6, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
#: Python with the libraries alone takes about half a gigabyte.
_LEAST_MEMORY = 500 * 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much there may be of something, and who says so."""

    value: int
    source: str


def parse_memory(text: str) -> int:
    """Return an amount of memory in bytes: ``8GB``, ``8G``, ``8000MB``, ``7.5GiB``.

    A number alone is megabytes, as it is to fMRIPrep and to Slurm.

    Raises
    ------
    UsageError
        If the text is no amount, or less than the libraries alone need.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(i)?B?)?", text.strip(), flags=re.IGNORECASE)
    if match is None:
        raise UsageError(
            f"--mem {text}: expected an amount with its unit, for example 8GB, 8000MB or 7.5GiB; a number "
            "alone is megabytes."
        )
    number, letter, binary = match[1], (match[2] or "").upper(), match[3]
    value = int(float(number) * (_BINARY_UNITS if binary else _UNITS)[letter])
    if value < _LEAST_MEMORY:
        raise UsageError(
            f"--mem {text} is {describe_memory(value)}: at least {describe_memory(_LEAST_MEMORY)} is needed. "
            f"{'A number alone is megabytes. ' if not letter else ''}Write for example --mem 8GB."
        )
    return value


def describe_memory(n_bytes: float) -> str:
    """Return an amount of memory for a reader: ``812 MB``, ``3.4 GB``."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def allowed_cpus(environment: Mapping[str, str] | None = None, root: Path = Path("/")) -> Limit:
    """Return how many CPUs this process may use: the least of affinity, cgroup quota and Slurm job.

    Parameters
    ----------
    environment : mapping, optional
        In the place of ``os.environ``.
    root : Path
        Where ``proc`` and ``sys`` are.
    """
    environment = os.environ if environment is None else environment
    limits = [Limit(value=len(os.sched_getaffinity(0)), source="this process's CPU affinity")]
    limits += [
        Limit(value=max(1, round(quota)), source="the CPU quota of its cgroup") for quota in _cpu_quotas(root)
    ]
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        if count := _whole(environment.get(name, "")):
            limits.append(Limit(value=count, source=f"Slurm ({name})"))
            break
    return min(limits, key=lambda limit: limit.value)


def allowed_memory(environment: Mapping[str, str] | None = None, root: Path = Path("/")) -> Limit:
    """Return how much memory, bytes, this process and its workers may use; arguments as `allowed_cpus`."""
    environment = os.environ if environment is None else environment
    limits = [Limit(value=_machine_memory(root), source="the machine's memory")]
    limits += [
        Limit(value=value, source="the memory limit of its cgroup")
        for value in _cgroup_numbers(root, "memory", ("memory.max", "memory.limit_in_bytes"))
        if value < _NO_LIMIT
    ]
    # Slurm writes megabytes of 2**20 bytes; 0 means all of the node's.
    if of_node := _whole(environment.get("SLURM_MEM_PER_NODE", "")):
        limits.append(Limit(value=of_node << 20, source="Slurm (SLURM_MEM_PER_NODE)"))
    elif per_cpu := _whole(environment.get("SLURM_MEM_PER_CPU", "")):
        cpus = _whole(environment.get("SLURM_CPUS_ON_NODE", "")) or allowed_cpus(environment, root).value
        limits.append(Limit(value=(per_cpu * cpus) << 20, source="Slurm (SLURM_MEM_PER_CPU)"))
    return min(limits, key=lambda limit: limit.value)


def _cpu_quotas(root: Path) -> Iterator[float]:
    """Yield the CPU quotas of this process's cgroup and those above it, in CPUs."""
    for folder in _cgroup_folders(root, "cpu"):
        words = _read(folder / "cpu.max").split()
        if not words:
            words = [_read(folder / "cpu.cfs_quota_us").strip(), _read(folder / "cpu.cfs_period_us").strip()]
        if len(words) == 2 and words[0].isdigit() and _whole(words[1]):  # "max" and "-1": no quota
            yield int(words[0]) / int(words[1])


def _cgroup_numbers(root: Path, controller: str, names: Iterable[str]) -> Iterator[int]:
    """Yield the values of a limit in this process's cgroup and in those above it."""
    names = tuple(names)
    for folder in _cgroup_folders(root, controller):
        for name in names:
            if value := _whole(_read(folder / name).strip()):
                yield value


def _cgroup_folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's cgroup of a controller, of version 1 and 2, up to the hierarchy's.

    In a container the file may name a path that lies outside of what is mounted: then only the parents exist.
    """
    base = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:  # version 2
            mounts = [base, base / "unified"]
        elif controller in controllers.split(","):
            mounts = [base / controllers, base / controller]
        else:
            continue
        inner = Path(path.strip().lstrip("/"))
        for mount in mounts:
            yield from (mount / part for part in (inner, *inner.parents) if (mount / part).is_dir())


def _machine_memory(root: Path) -> int:
    """Return the memory of the machine, bytes."""
    match = re.search(r"^MemTotal:\s+(\d+) kB", _read(root / "proc/meminfo"), flags=re.MULTILINE)
    return int(match[1]) << 10 if match else _NO_LIMIT


def _whole(text: str) -> int:
    """Return a whole number above 0; 0 for anything else (``max``, ``-1``, nothing)."""
    return int(text) if text.isdigit() else 0


def _read(path: Path) -> str:
    """Return the text of a small file of the system, empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
