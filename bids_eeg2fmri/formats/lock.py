"""One job at a time where two would mix their files: locks that end with the job, however it ends."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from bids_eeg2fmri.errors import OutputError

_logger = logging.getLogger(__name__)

#: What file systems without locks answer (Lustre without ``flock``, NFS without its lock service).
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def hold_lock(path: Path, what: str) -> Iterator[bool]:
    """Hold a lock file within the block; wait while another job holds it, and say who.

    The lock is ``flock``'s, which on NFS holds between machines too. It ends with the process, however that
    ends: a file that a killed job has left behind blocks nobody. The file itself goes with the lock.

    Parameters
    ----------
    what : str
        What is locked, for the message.

    Yields
    ------
    bool
        Whether the lock is held; False where the file system knows no locks (a warning says so).

    Raises
    ------
    OutputError
        If the file cannot be made.
    """
    descriptor = _acquire(path, what)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            # Before the lock is lifted, so that who waits for it sees that the file is gone.
            with suppress(OSError):
                path.unlink()
            os.close(descriptor)


def _acquire(path: Path, what: str) -> int | None:
    """Return the descriptor of the locked file, None where there are no locks."""
    has_told = False
    while True:
        descriptor = _open(path)
        try:
            if not _try_lock(descriptor):
                if not has_told:
                    _logger.warning("%s is being worked on by %s; waiting for it.", what, _owner(path))
                    has_told = True
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_same_file(descriptor, path):
                _sign(descriptor)
                return descriptor
        except OSError as error:
            os.close(descriptor)
            if error.errno in _NO_LOCKS:
                _logger.warning(
                    "%s lies on a file system without locks: see to it that no two jobs work on %s at once.",
                    path.parent,
                    what,
                )
                return None
            raise OutputError(f"{path} cannot be locked: {error.strerror}. Check the file system.") from error
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the holder has removed it meanwhile


def _open(path: Path) -> int:
    """Open a lock file, made where there is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}. Check permissions and free space."
        ) from error


def _try_lock(descriptor: int) -> bool:
    """Lock a file if nobody has; return whether that went well."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same_file(descriptor: int, path: Path) -> bool:
    """Return whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    """Write into a lock file who holds it; a full disk is no reason to stop here."""
    since = datetime.now(tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    text = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": since})
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def _owner(path: Path) -> str:
    """Return in words who holds a lock."""
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another job"
