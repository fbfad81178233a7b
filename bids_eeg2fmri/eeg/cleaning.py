"""From a recording to clean EEG, one file per step."""

from __future__ import annotations

import mne
import numpy as np

from bids_eeg2fmri.eeg.bad_channels import find_bad_channels
from bids_eeg2fmri.eeg.bursts import clip_bursts
from bids_eeg2fmri.eeg.interpolation import repair_channels
from bids_eeg2fmri.eeg.nuisance import join_nuisance, resample_mask
from bids_eeg2fmri.eeg.ocular_muscle import remove_ocular_muscle
from bids_eeg2fmri.eeg.passband import band_limit
from bids_eeg2fmri.eeg.provenance import Provenance
from bids_eeg2fmri.eeg.pulse import remove_pulse
from bids_eeg2fmri.eeg.quality import compare_spectra, describe_quality
from bids_eeg2fmri.eeg.reduced import ReducedEeg
from bids_eeg2fmri.eeg.reduction import reduce_eeg
from bids_eeg2fmri.eeg.reference import average_reference, restore_reference
from bids_eeg2fmri.eeg.signal_check import check_signal
from bids_eeg2fmri.records import CleanEeg, Floats, VolumeClock
from bids_eeg2fmri.settings import EegSettings


def clean_eeg(
    raw: mne.io.BaseRaw,
    settings: EegSettings,
    provenance: Provenance | None = None,
    *,
    clock: VolumeClock | None = None,
    tr: float | None = None,
    motion: Floats | None = None,
    seed: int = 0,
) -> CleanEeg:
    """Return the EEG of a recording without its artefacts, filtered, referenced to the average, at 100 Hz.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Nothing of it is changed.
    settings : EegSettings
    provenance : Provenance or None
        What was done before; None: nothing.
    clock, tr, motion
        The volumes and the head's movements, for the gradient artefact; see :func:`reduce_eeg`.
    seed : int
        Of the comparison with moved heartbeats, and of ICA.

    Raises
    ------
    BadDataError
        If the signal cannot be used; the message names the channels.
    """
    reduced = reduce_eeg(raw, settings, clock=clock, tr=tr, motion=motion)
    return clean_reduced(reduced, settings, provenance or Provenance(), seed=seed)


def clean_reduced(
    reduced: ReducedEeg, settings: EegSettings, provenance: Provenance, *, seed: int = 0
) -> CleanEeg:
    """Return clean EEG of a recording whose gradient artefact is out.

    Filters look back only. What is fitted (bad channels, the basis of the pulse artefact, components, the
    limit of bursts) is fitted on the run itself without any target.

    Raises
    ------
    BadDataError
        If the signal cannot be used; the message names the channels.
    """
    check_signal(reduced)
    is_eeg = np.array([kind == "eeg" for kind in reduced.channel_types])
    names = tuple(n for n, is_kept in zip(reduced.channel_names, is_eeg, strict=True) if is_kept)
    band = band_limit(reduced.data[is_eeg], reduced.sfreq, reduced.uncorrected, settings)
    bad = find_bad_channels(
        band.data,
        settings.sfreq,
        names=names,
        flagged=reduced.bads,
        clipped=reduced.clipped[is_eeg],
        detect=settings.bad_channels == "auto" and "bad channels" not in provenance.done,
    )
    repaired = repair_channels(band.data, names, reduced.positions[is_eeg], bad)
    data, names, positions, restored = restore_reference(
        repaired.data, repaired.names, repaired.positions, provenance.reference
    )
    before = average_reference(data)
    pulse = remove_pulse(before, reduced, settings, provenance, rng=np.random.default_rng(seed))
    data, components = pulse.data, tuple[str, ...]()
    if settings.ica and "components" not in provenance.done:
        data, components = remove_ocular_muscle(
            data, settings.sfreq, names=names, positions=positions, seed=seed
        )
    limit = 0.0 if "bursts" in provenance.done else settings.burst_limit
    data, weights, clipped = clip_bursts(data, limit)
    uncorrected = resample_mask(reduced.uncorrected, reduced.sfreq, settings.sfreq, data.shape[1])
    bursts = 1 - weights
    weights[uncorrected] = 0
    nuisance, nuisance_names = join_nuisance(
        pulse.heart_rate, reduced.residual, bursts, sfreq=reduced.sfreq, new_sfreq=settings.sfreq
    )
    return CleanEeg(
        data=data,
        sfreq=settings.sfreq,
        channel_names=names,
        positions=positions,
        steps=(
            *reduced.steps,
            *provenance.steps,
            *band.steps,
            *repaired.steps,
            *restored,
            f"average reference over {len(data)} channels",
            *pulse.steps,
            *components,
            *((f"bursts above {limit:g} robust standard deviations clipped",) if clipped else ()),
        ),
        quality={
            **reduced.quality,
            **band.quality,
            **describe_quality(data, n_bad=len(bad), clipped=clipped, uncorrected=uncorrected),
            **pulse.quality,
        },
        lookahead=reduced.lookahead + band.lookahead + pulse.lookahead,
        weights=weights,
        nuisance=nuisance,
        nuisance_names=nuisance_names,
        spectrum=compare_spectra(before, data, settings.sfreq),
        locked=pulse.locked,
    )
