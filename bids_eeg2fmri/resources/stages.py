"""One line in the log for each stage: what was done, how long it took and how much memory it had at most."""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bids_eeg2fmri.resources.limits import describe_memory

_logger = logging.getLogger(__name__)
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


@contextmanager
def log_stage(logger: logging.Logger, what: str) -> Iterator[None]:
    """Tell the log of a stage once it is through: time and peak memory; with ``-v`` also that it began.

    Stages follow each other; one within another would hide the peak of the outer one.
    """
    _logger.info("%s ...", what)
    is_own = reset_peak_memory()
    start = time.monotonic()
    yield
    seconds, peak = time.monotonic() - start, describe_memory(peak_memory())
    # What another stage of this process has reached is not told apart where the kernel does not reset it.
    logger.info("%s: %.1f s, %s %s", what, seconds, "at most" if is_own else "so far at most", peak)


def reset_peak_memory() -> bool:
    """Make the kernel count the largest memory of this process anew (``man 5 proc``); say whether it does."""
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def peak_memory() -> int:
    """Return the largest memory of this process so far, or since it was reset, bytes."""
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        (peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        return int(peak) << 10
    except (OSError, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
