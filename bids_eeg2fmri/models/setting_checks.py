"""Checks of the settings that several models share; each raises a UsageError that names the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bids_eeg2fmri.errors import UsageError
from bids_eeg2fmri.models.hrf import BASIS_NAMES


def check_bands(model: str, bands: Mapping[str, tuple[float, float]]) -> None:
    """Raise UsageError unless there is a band, and each is (low, high) in Hz with 0 < low < high."""
    for name, band in bands.items():
        check_band(model, f"band '{name}'", band)
    if not bands:
        raise UsageError(f"{model}: bands is empty; give at least one band as name = [low, high] in Hz.")


def check_band(model: str, what: str, band: tuple[float, float]) -> None:
    """Raise UsageError unless a band is (low, high) in Hz with 0 < low < high."""
    if len(band) != 2 or not 0 < band[0] < band[1]:
        raise UsageError(f"{model}: {what} is {tuple(band)}; expected (low, high) in Hz with 0 < low < high.")


def check_basis(model: str, basis: Sequence[str]) -> None:
    """Raise UsageError unless every haemodynamic filter is known, and there is one."""
    if not basis or any(name not in BASIS_NAMES for name in basis):
        raise UsageError(
            f"{model}: basis is {list(basis)}; expected one or more of {', '.join(BASIS_NAMES)}."
        )


def check_positive(model: str, **values: float) -> None:
    """Raise UsageError for a setting that is not above 0."""
    for name, value in values.items():
        if not value > 0:
            raise UsageError(f"{model}: {name} is {value:g}; expected a number above 0.")


def check_penalties(model: str, penalties: Sequence[float], *, name: str = "penalties") -> None:
    """Raise UsageError unless there is a penalty to try, and all are above 0."""
    if not penalties or not min(penalties) > 0:
        raise UsageError(f"{model}: {name} is {list(penalties)}; expected one or more numbers above 0.")


def check_delays(model: str, *, duration: float, spacing: float) -> None:
    """Raise UsageError unless at least one delay fits."""
    check_positive(model, duration=duration, spacing=spacing)
    if spacing > duration:
        raise UsageError(
            f"{model}: spacing is {spacing:g} s and duration {duration:g} s; spacing must not be longer."
        )


def check_peaks(model: str, peaks: Sequence[float]) -> None:
    """Raise UsageError unless there is a haemodynamic response, and each peaks after its event."""
    if not peaks or not min(peaks) > 0:
        raise UsageError(f"{model}: peaks is {list(peaks)}; expected one or more times above 0, in s.")
