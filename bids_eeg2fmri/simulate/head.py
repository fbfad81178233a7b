"""The head: which electrodes it wears and what each sees of a current dipole in the cortex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mne
import numpy as np

from bids_eeg2fmri.records import Floats

REFERENCE = "FCz"
GROUND = "AFz"

#: Nested caps: the first n names are the cap of n channels. The first 31 are those of the usual 32-channel MR
#: cap; up to 64 the 10-10 system is filled, then the 10-5 system.
CAP = """
C3 C4 Cz Fz Pz O1 O2 Fp1 Fp2 F3 F4 P3 P4 T7 T8 Oz F7 F8 P7 P8 FC1 FC2 CP1 CP2 FC5 FC6 CP5 CP6 TP9 TP10
POz CPz C1 C2 FC3 FC4 CP3 CP4 C5 C6 F1 F2 P1 P2 AF3 AF4 PO3 PO4 F5 F6 P5 P6 FT7 FT8 TP7 TP8 AF7 AF8 PO7
PO8 FT9 FT10 Fpz Iz FCC1h FCC2h CCP1h CCP2h FCC3h FCC4h CCP3h CCP4h FFC1h FFC2h CPP1h CPP2h FFC3h FFC4h
CPP3h CPP4h FCC5h FCC6h CCP5h CCP6h FFC5h FFC6h CPP5h CPP6h PPO1h PPO2h AFF1h AFF2h POO1 POO2 FTT7h
FTT8h TTP7h TTP8h FFT7h FFT8h TPP7h TPP8h AFF5h AFF6h PPO5h PPO6h OI1h OI2h PPO9h PPO10h POO9h POO10h P9
P10 PO9 PO10 F9 F10 AFp1 AFp2 FTT9h FTT10h TPP9h TPP10h FFT9h FFT10h AF1 AF2
"""

#: Nothing may lie further out: the cortex ends here, as a fraction of the head's radius.
CORTEX_RADIUS = 0.82


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The electrodes of a cap on the average head.

    Attributes
    ----------
    names : tuple of str
    positions : array, shape (n_channels, 3)
        Head coordinates (RAS through the ears and the nasion), m.
    reference : array, shape (3,)
        Where the reference sits, m.
    landmarks : dict of array, shape (3,)
        NAS, LPA, RPA, m.
    mni_to_head : array, shape (4, 4)
        From MNI to head coordinates, m.
    """

    names: tuple[str, ...]
    positions: Floats
    reference: Floats
    landmarks: dict[str, Floats]
    mni_to_head: Floats


def make_cap(n_channels: int) -> Cap:
    """Return the cap of 8 to 128 channels, well spread at any number."""
    # MNE 1.13 renamed its template of the 10-5 system on the Colin 27 head.
    template = {"colin27_1005", "standard_1005"} & set(mne.channels.get_builtin_montages())
    montage = mne.channels.make_standard_montage(min(template))
    to_head = np.array(mne.channels.compute_native_head_t(montage)["trans"])
    places = montage.get_positions()

    def place(point: Floats) -> Floats:
        moved: Floats = to_head[:3, :3] @ point + to_head[:3, 3]
        return moved

    names = tuple(CAP.split()[:n_channels])
    landmarks = {name.upper(): place(places[name]) for name in ("nasion", "lpa", "rpa")}
    landmarks["NAS"] = landmarks.pop("NASION")
    return Cap(
        names=names,
        positions=np.array([place(places["ch_pos"][name]) for name in names]),
        reference=place(places["ch_pos"][REFERENCE]),
        landmarks=landmarks,
        mni_to_head=to_head,
    )


def place_cap(cap: Cap, rng: np.random.Generator) -> Cap:
    """Return the cap as it really sits in one session: each electrode some 3 mm off, the whole 2 mm."""
    slip = rng.normal(0, 0.002, 3)
    return Cap(
        names=cap.names,
        positions=cap.positions + slip + rng.normal(0, 0.002, cap.positions.shape),
        reference=cap.reference + slip,
        landmarks=cap.landmarks,
        mni_to_head=cap.mni_to_head,
    )


def draw_orientations(places: Sequence[Sequence[float]] | Floats, rng: np.random.Generator) -> Floats:
    """Return a unit direction per dipole, shape (n, 3): outward, tilted some 30 degrees by the folding."""
    outward = np.asarray(places) / np.linalg.norm(places, axis=1, keepdims=True)
    tilted = outward + rng.normal(0, 0.35, outward.shape)
    orientations: Floats = tilted / np.linalg.norm(tilted, axis=1, keepdims=True)
    return orientations


def draw_background(n_dipoles: int, rng: np.random.Generator) -> Floats:
    """Return places all over the cortex, shape (n_dipoles, 3), MNI mm."""
    directions = rng.standard_normal((n_dipoles, 3))
    directions[:, 2] = np.abs(directions[:, 2]) * np.where(rng.random(n_dipoles) < 0.8, 1, -0.4)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    # The semi-axes of the cortex (mm) around its middle.
    places: Floats = directions * [62, 82, 62] * rng.uniform(0.75, 1, (n_dipoles, 1)) + [0, -16, 12]
    return places


def compute_gain(places: Sequence[Sequence[float]] | Floats, orientations: Floats, *, cap: Cap) -> Floats:
    """Return what each electrode sees of each dipole, against the reference electrode.

    A three-layer spherical model (Berg & Scherg 1994, doi:10.1016/0013-4694(94)90113-9, as MNE computes it).

    Parameters
    ----------
    places : array, shape (n_dipoles, 3)
        MNI, mm.
    orientations : array, shape (n_dipoles, 3)
        Unit vectors.

    Returns
    -------
    gain : array, shape (n_channels, n_dipoles)
        Microvolts per nA m.
    """
    names = [*cap.names, REFERENCE]
    electrodes = dict(zip(names, [*cap.positions, cap.reference], strict=True))
    info = mne.create_info(names, 250.0, "eeg", verbose="error")
    info.set_montage(
        mne.channels.make_dig_montage(
            electrodes,
            nasion=cap.landmarks["NAS"],
            lpa=cap.landmarks["LPA"],
            rpa=cap.landmarks["RPA"],
            coord_frame="head",
        )
    )
    # The average head of the template, so that the model does not depend on which electrodes are worn.
    sphere = mne.make_sphere_model(r0=(0.003, 0.015, 0.041), head_radius=0.0985, verbose="error")
    head = np.asarray(places) / 1000 @ cap.mni_to_head[:3, :3].T + cap.mni_to_head[:3, 3]
    centred = head - sphere["r0"]
    distance = np.linalg.norm(centred, axis=1, keepdims=True)
    centred *= np.minimum(1, CORTEX_RADIUS * sphere["layers"][-1]["rad"] / distance)
    space = mne.setup_volume_source_space(
        pos={"rr": centred + sphere["r0"], "nn": orientations}, verbose="error"
    )
    forward = mne.make_forward_solution(
        info, None, space, sphere, eeg=True, meg=False, mindist=0, verbose="error"
    )
    fixed = np.einsum("cdk,dk->cd", forward["sol"]["data"].reshape(len(names), -1, 3), orientations)
    gain: Floats = (fixed[:-1] - fixed[-1]) * 1e-9 * 1e6
    return gain
