"""One label image for a group, from those of the participants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_eeg2fmri.formats.participant_scores import RegionLabels
from bids_eeg2fmri.records import Floats

#: Spaces that each participant has for himself (BIDS: image-based coordinate systems); others are templates.
_OWN_SPACES = ("", "individual", "scanner", "orig", "T1w", "T2w", "boldref", "func", "native")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupRegions:
    """The regions of a group on one grid.

    Attributes
    ----------
    labels : array, shape (n_x, n_y, n_z)
        Voxels of region k hold k + 1.
    affine : array, shape (4, 4)
        Voxel to mm.
    names : tuple of str
    notes : tuple of str
        What not all participants share, in words.
    """

    labels: NDArray[np.int32]
    affine: Floats
    names: tuple[str, ...]
    notes: tuple[str, ...]


def combine_regions(regions: Mapping[str, RegionLabels]) -> GroupRegions | None:
    """Return one label image of the regions of all participants (label to regions), None without a template.

    A voxel belongs to the region that most participants have there, of equally many to the first one; it is
    enough that one participant has it, since masks differ at the edge of the brain. The grid is that of the
    first participant; other grids of the same space are read at the nearest voxel. Participants in another
    space than most are left out and named: their voxels are elsewhere.
    """
    in_template = {who: own for who, own in regions.items() if own.space not in _OWN_SPACES}
    notes = _describe_left_out([who for who in regions if who not in in_template], "no template space")
    if not in_template:
        return None
    (space, _), *_ = Counter(own.space for own in in_template.values()).most_common(1)
    notes += _describe_left_out(
        [who for who, own in in_template.items() if own.space != space], f"another space than {space}"
    )
    used = {who: own for who, own in in_template.items() if own.space == space}
    names = tuple(dict.fromkeys(name for own in used.values() for name in own.names))
    first = next(iter(used.values()))
    # Most voxels lie in no region: only the others are counted.
    moved = [_move_labels(own, first, names) for own in used.values()]
    somewhere = np.flatnonzero(np.any([labels > 0 for labels in moved], axis=0))
    votes = np.zeros((len(names) + 1, len(somewhere)), dtype=np.int32)
    for labels in moved:
        np.add.at(votes, (labels.ravel()[somewhere], np.arange(len(somewhere))), 1)
    votes[0] = 0
    combined = np.zeros(first.labels.size, dtype=np.int32)
    combined[somewhere] = votes.argmax(axis=0)
    return GroupRegions(
        labels=combined.reshape(first.labels.shape),
        affine=first.affine,
        names=names,
        notes=(*notes, *_describe_unshared(used, names)),
    )


def _move_labels(own: RegionLabels, first: RegionLabels, names: Sequence[str]) -> NDArray[np.int32]:
    """Return a participant's labels with the group's numbers, on the grid of the first participant."""
    numbers = np.array([0, *(names.index(name) + 1 for name in own.names)], dtype=np.int32)
    labels = numbers[own.labels]
    if own.labels.shape == first.labels.shape and np.allclose(own.affine, first.affine, atol=1e-3):
        return labels
    to_own = np.linalg.inv(own.affine) @ first.affine
    places = np.indices(first.labels.shape).reshape(3, -1)
    voxels = np.rint(to_own[:3, :3] @ places + to_own[:3, 3:]).astype(np.int64)
    inside = np.all((voxels >= 0) & (voxels < np.array(own.labels.shape)[:, None]), axis=0)
    moved = np.zeros(places.shape[1], dtype=np.int32)
    moved[inside] = labels[tuple(voxels[:, inside])]
    return moved.reshape(first.labels.shape)


def _describe_left_out(who: Sequence[str], why: str) -> tuple[str, ...]:
    """Return in words which participants the map does not show the regions of."""
    if not who:
        return ()
    labels = ", ".join(f"sub-{label}" for label in who)
    return (f"The regions of {labels} are in {why}: not on the map.",)


def _describe_unshared(regions: Mapping[str, RegionLabels], names: Sequence[str]) -> tuple[str, ...]:
    """Return in words which regions only some participants have; their r is the mean over those."""
    counts = {name: sum(name in own.names for own in regions.values()) for name in names}
    fewer = [f"{name} ({n} of {len(regions)})" for name, n in counts.items() if n < len(regions)]
    if not fewer:
        return ()
    shown = ", ".join(fewer[:5]) + (f" and {len(fewer) - 5} more" if len(fewer) > 5 else "")
    return (f"Not every participant has every region; means are over those who have it: {shown}.",)
