"""From sources to the EEG of one run, as the amplifier would have stored it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.fft import irfft, next_fast_len

from bids_eeg2fmri.records import Floats
from bids_eeg2fmri.simulate.artefacts import draw_heartbeats, simulate_artefacts, simulate_ecg
from bids_eeg2fmri.simulate.design import SFREQ, RunClock
from bids_eeg2fmri.simulate.head import Cap

ECG_CHANNEL = "ECG"
#: Root mean square moment of each background dipole, nA m: some 8 microvolts of 1/f activity per channel.
BACKGROUND_MOMENT = 22.0


def record_eeg(
    moments: Floats,
    gain: Floats,
    background_gain: Floats,
    *,
    cap: Cap,
    clock: RunClock,
    jerks: Floats,
    rng: np.random.Generator,
    with_pulse: bool = True,
) -> tuple[Floats, Floats]:
    """Return the EEG and, last, the ECG of one run, and when the heart beat.

    Parameters
    ----------
    moments : array, shape (n_sources, n_times)
        Source moments with the burn-in, nA m.
    gain, background_gain : array, shape (n_channels, n_sources) and (n_channels, n_dipoles)
        Microvolts per nA m.
    jerks : array
        Times of sudden head movements, s after the first volume.
    with_pulse : bool
        Whether what is left of the pulse artefact is in the EEG.

    Returns
    -------
    eeg : array, shape (n_channels + 1, n_eeg)
        Microvolts.
    heartbeats : array
        Times of the R peaks, s after the first sample.
    """
    first, n_times = clock.n_burn_in, clock.n_eeg
    brain = gain @ moments[:, first : first + n_times]
    brain += background_gain @ pink_noise(rng, (background_gain.shape[1], n_times)) * BACKGROUND_MOMENT
    heartbeats = draw_heartbeats(n_times / SFREQ, rng)
    brain += simulate_artefacts(
        cap, heartbeats, jerks + clock.lead, n_times=n_times, rng=rng, with_pulse=with_pulse
    )
    return np.vstack([brain, simulate_ecg(heartbeats, n_times=n_times, rng=rng)]), heartbeats


def pink_noise(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return unit-variance noise, shape (n, n_times): power falls as f to the -1.2, flat below 1 Hz.

    The aperiodic part of the EEG has such a spectrum (Donoghue 2020, doi:10.1038/s41593-020-00744-x).
    """
    # A length with large prime factors would take several times as long.
    n_fast = next_fast_len(shape[1], real=True)
    frequencies = np.fft.rfftfreq(n_fast, 1 / SFREQ)
    amplitude = np.maximum(frequencies, 1) ** -0.6
    amplitude[0] = 0
    spectrum = np.empty((shape[0], len(frequencies)), dtype=complex)
    spectrum.real = rng.standard_normal(spectrum.shape) * amplitude
    spectrum.imag = rng.standard_normal(spectrum.shape) * amplitude
    scale = n_fast / np.sqrt(4 * np.sum(amplitude**2))
    noise: Floats = scale * irfft(spectrum, n_fast, axis=1, overwrite_x=True)[:, : shape[1]]
    return noise


def marker_samples(
    times: Sequence[float] | Floats, clock: RunClock, sfreq: float = SFREQ
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the EEG sample of each time (s after the first volume, scanner's clock), shape (n,)."""
    samples: np.ndarray[tuple[int], np.dtype[np.int64]] = np.round(
        clock.eeg_times(np.asarray(times, dtype=float)) * sfreq
    ).astype(np.int64)
    return samples
