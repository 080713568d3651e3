"""Objects of one clip pasted over another: more of them together, and before each other, than a picture of COCO shows.

In: two clips of as many frames. Out: the first one with some objects of the second, which hide what they cover. Clips are cut and
moved before they come here. Not part of the published recipe.
After "Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation" (Ghiasi et al., CVPR 2021).
"""

import numpy as np
import torch

from training.clip_batch import ClipTarget

Clip = tuple[np.ndarray, ClipTarget]  # frames (T, H, W, 3) uint8, and what is in them

CHANCE = 0.5  # of an object to be taken over


def with_pasted(rng: np.random.Generator, clip: Clip, other: Clip) -> Clip:
    """`clip` with each object of `other` at a chance of one half, somewhere. Instances hidden from beginning to end are gone."""
    frames, target = clip
    taken = np.flatnonzero(rng.random(len(other[1].labels)) < CHANCE)
    place = _placed(rng, frames.shape[1:3], other[0].shape[1:3])
    if len(taken) == 0:
        return clip
    (here, there), length = place, len(frames)
    pasted = torch.zeros(len(taken), length, *frames.shape[1:3], dtype=torch.bool)
    pasted[:, :, *here] = other[1].masks[taken][:, :, *there]
    covered = pasted.any(0)
    shifted = np.zeros_like(frames)
    shifted[:, *here] = other[0][:, *there]
    masks = torch.cat([target.masks & ~covered, pasted])
    seen = masks.flatten(1).any(1)
    labels = torch.cat([target.labels, other[1].labels[taken]])
    return np.where(covered.numpy()[..., None], shifted, frames), ClipTarget(labels[seen], masks[seen])


def _placed(
    rng: np.random.Generator, size: tuple[int, ...], other: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a canvas of another size comes to lie, as wholly inside as it fits: rows and columns here, and there."""
    here, there = [], []
    for edge, edge_there in zip(size, other, strict=True):
        shift = int(rng.integers(min(0, edge - edge_there), max(0, edge - edge_there) + 1))
        first, last = max(0, shift), min(edge, shift + edge_there)
        here.append(slice(first, last))
        there.append(slice(first - shift, last - shift))
    return (here[0], here[1]), (there[0], there[1])
