"""Every error raised on purpose, each with the exit status it leads to.

The statuses are those of the BIDS execution specification (which takes 64 to 78 from ``sysexits.h``).
A message says what was seen, what is allowed and what to do, in one or two lines.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

#: Control characters but tab and line feed, halves of characters, and marks that turn text around.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: What is seen may be a line of a million characters.
_LONGEST = 20_000


def printable(text: str) -> str:
    """Return a text with escapes in place of what a terminal would obey and no file can hold.

    Names of files, channels and markers come from the dataset and may hold anything.
    """
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


class Eeg2FmriError(Exception):
    """Something the user can act on; its text is the whole message."""

    exit_status = 1

    def __str__(self) -> str:
        """Return the message, harmless to a terminal and never a whole file."""
        text = printable(super().__str__())
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


class NotBidsError(Eeg2FmriError, ValueError):
    """The input folder is not a BIDS dataset."""

    exit_status = 16


class AnalysisLevelError(Eeg2FmriError, ValueError):
    """The analysis level is neither ``participant`` nor ``group``."""

    exit_status = 17


class NothingSelectedError(Eeg2FmriError, LookupError):
    """The filters leave nothing to work on."""

    exit_status = 18


class UsageError(Eeg2FmriError, ValueError):
    """An option or a setting that does not exist or has no such value."""

    exit_status = 64


class BadDataError(Eeg2FmriError, ValueError):
    """A file is there but its content cannot be right."""

    exit_status = 65


class MissingInputError(Eeg2FmriError, FileNotFoundError):
    """A file or folder that is needed is not there."""

    exit_status = 66


class OutputError(Eeg2FmriError, OSError):
    """The output cannot be written."""

    exit_status = 73


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest allowed name, or an empty text."""
    nearest = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""
