from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.resources.limits import allowed_cpus, allowed_memory, describe_memory, parse_memory
from bids_eeg2fmri.resources.stages import log_stage, peak_memory, reset_peak_memory

GIB = 1 << 30


def make_system(root: Path, cgroup: str, files: dict[str, str], *, memory_kb: int = 64 << 20) -> Path:
    """Write what a system says of itself: 64 GiB, the cgroup of this process, the files of cgroups."""
    files = files | {
        "proc/self/cgroup": cgroup,
        "proc/meminfo": f"MemTotal:  {memory_kb} kB\nMemFree: 1 kB\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


V2 = "sys/fs/cgroup"
V1_CGROUP = "5:memory:/slurm/job_7/step_0\n4:cpu,cpuacct:/slurm/job_7\n1:name=systemd:/\n"


@pytest.mark.parametrize(
    ("cgroup", "files", "expected"),
    [
        ("0::/\n", {f"{V2}/memory.max": "max\n"}, 64 * GIB),
        ("0::/\n", {f"{V2}/memory.max": f"{8 * GIB}\n"}, 8 * GIB),
        # The limit of a group above holds too; the nearest has none.
        (
            "0::/a/b\n",
            {f"{V2}/a/b/memory.max": "max\n", f"{V2}/a/memory.max": f"{3 * GIB}\n"},
            3 * GIB,
        ),
        # In a container the path is that of the host, and only the mounted root is there.
        ("0::/docker/0123\n", {f"{V2}/memory.max": f"{2 * GIB}\n"}, 2 * GIB),
        (
            V1_CGROUP,
            {
                f"{V2}/memory/slurm/job_7/step_0/memory.limit_in_bytes": "9223372036854771712\n",
                f"{V2}/memory/slurm/job_7/memory.limit_in_bytes": f"{6 * GIB}\n",
                f"{V2}/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            6 * GIB,
        ),
        ("garbage", {}, 64 * GIB),
    ],
)
def test_memory_of_cgroups(tmp_path: Path, cgroup: str, files: dict[str, str], expected: int) -> None:
    found = allowed_memory({}, make_system(tmp_path, cgroup, files))
    assert found.value == expected
    assert ("cgroup" in found.source) == (expected < 64 * GIB)


@pytest.mark.parametrize(
    ("cgroup", "files", "expected"),
    [
        ("0::/\n", {f"{V2}/cpu.max": "max 100000\n"}, 1000),
        ("0::/a\n", {f"{V2}/a/cpu.max": "400000 100000\n", f"{V2}/cpu.max": "max 100000\n"}, 4),
        ("0::/a\n", {f"{V2}/a/cpu.max": "50000 100000\n"}, 1),
        (
            V1_CGROUP,
            {
                f"{V2}/cpu,cpuacct/slurm/job_7/cpu.cfs_quota_us": "-1\n",
                f"{V2}/cpu,cpuacct/slurm/job_7/cpu.cfs_period_us": "100000\n",
                f"{V2}/cpu,cpuacct/slurm/cpu.cfs_quota_us": "250000\n",
                f"{V2}/cpu,cpuacct/slurm/cpu.cfs_period_us": "100000\n",
            },
            2,
        ),
        ("0::/a\n", {f"{V2}/a/cpu.max": "broken"}, 1000),
    ],
)
def test_cpus_of_cgroups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cgroup: str, files: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(1000)))
    assert allowed_cpus({}, make_system(tmp_path, cgroup, files)).value == expected


def test_slurm_and_affinity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = make_system(tmp_path, "0::/\n", {})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    assert allowed_cpus({}, system).value == 16
    assert allowed_cpus({"SLURM_CPUS_PER_TASK": "4", "SLURM_CPUS_ON_NODE": "8"}, system).value == 4
    assert allowed_cpus({"SLURM_CPUS_ON_NODE": "8"}, system).value == 8
    assert allowed_cpus({"SLURM_CPUS_PER_TASK": "32"}, system).value == 16
    assert allowed_memory({"SLURM_MEM_PER_NODE": "4096"}, system).value == 4 * GIB
    assert allowed_memory({"SLURM_MEM_PER_NODE": "0"}, system).value == 64 * GIB
    per_cpu = {"SLURM_MEM_PER_CPU": "1024", "SLURM_CPUS_ON_NODE": "6"}
    assert allowed_memory(per_cpu, system).value == 6 * GIB
    assert "SLURM_MEM_PER_CPU" in allowed_memory(per_cpu, system).source
    assert allowed_memory({"SLURM_MEM_PER_CPU": "1024"}, system).value == 16 * GIB


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8GB", 8 * 10**9),
        ("8G", 8 * 10**9),
        ("8g", 8 * 10**9),
        ("8GiB", 8 * GIB),
        ("7.5GB", 7_500_000_000),
        ("8000MB", 8 * 10**9),
        ("8000", 8 * 10**9),
        ("1 TB", 10**12),
    ],
)
def test_amounts_of_memory(text: str, expected: int) -> None:
    assert parse_memory(text) == expected


@pytest.mark.parametrize("text", ["", "8", "8XB", "GB", "-8GB", "100MB", "8GB8", "nan", "1e9", "8iB"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--mem"):
        parse_memory(text)


def test_amounts_for_readers() -> None:
    assert describe_memory(812_400_000) == "812 MB"
    assert describe_memory(3.44e9) == "3.4 GB"


def test_a_stage_tells_its_own_peak(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("bids_eeg2fmri.participant")
    with caplog.at_level(logging.INFO, logger="bids_eeg2fmri"):
        for megabytes in (400, 1):
            with log_stage(logger, f"sub-01: {megabytes}"):
                np.ones(megabytes << 17).sum()
    large, small = (record.message for record in caplog.records if not record.message.endswith("..."))
    assert large.startswith("sub-01: 400: ")
    units = {"MB": 1e6, "GB": 1e9}
    told = [text.split("at most ")[1].split() for text in (large, small)]
    peaks = [float(number) * units[unit] for number, unit in told]
    if reset_peak_memory():
        assert peaks[0] - peaks[1] > 300e6  # they are told to a tenth of a GB
    assert peak_memory() > 10 << 20


def test_an_error_within_a_stage_is_not_told_as_its_end(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("bids_eeg2fmri.participant")
    with (
        caplog.at_level(logging.INFO, logger="bids_eeg2fmri"),
        pytest.raises(ZeroDivisionError),
        log_stage(logger, "x"),
    ):
        _ = 1 / 0
    assert [record.message for record in caplog.records] == ["x ..."]
