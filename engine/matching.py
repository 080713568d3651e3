"""Which detection belongs to which track: similarities by bi-softmax, and the two ways to choose by them.

Greedy is the published way (CTVIS, https://arxiv.org/abs/2307.12616, and its reference implementation, MIT): the
best-scored detection chooses first. Hungarian maximises the sum of similarities over all pairs. Nothing here remembers.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

Choices = list[int | None]  # the column that each row takes


def bisoftmax(embeds: NDArray, memories: NDArray) -> NDArray:
    """Similarity of detections (N, C) to tracks (M, C), agreed on from both sides: (N, M) in 0..1."""
    # By torch, since numpy's product has threads of its own, which go on spinning for a while on the cores that the net wants.
    similarity = (torch.from_numpy(embeds) @ torch.from_numpy(memories).T).numpy()
    return (_softmax(similarity, 1) + _softmax(similarity, 0)) / 2


def greedy(similarity: NDArray, observed: NDArray | None, threshold: float) -> Choices:
    """Row by row, the track (column) that a detection takes from those still free; None if none is similar enough.

    similarity: (N, M); observed: (M,) frames in which each track was seen: where two or more tracks are similar enough, the
    similarities are weighted by it. None: do not weight. The reference also weights the tracks that are not similar
    enough, by the mean of the others' lengths; none of them can win that way, so they are left out.
    """
    rows, columns = np.nonzero(similarity > similarity.dtype.type(threshold))  # compared in the similarities' precision
    values = similarity[rows, columns]
    weights = values if observed is None else values * observed.astype(values.dtype)[columns]
    candidates: list[list[tuple[float, int]]] = [[] for _ in similarity]
    for row, column, weight in zip(rows.tolist(), columns.tolist(), weights.tolist(), strict=True):
        candidates[row].append((weight, column))
    taken: set[int] = set()
    choices: Choices = []
    for options in candidates:
        free = [option for option in options if option[1] not in taken]
        choice = max(free, key=lambda option: option[0])[1] if free else None  # the first one of equals
        choices.append(choice)
        if choice is not None:
            taken.add(choice)
    return choices


def hungarian(similarity: NDArray, observed: NDArray | None, threshold: float) -> Choices:
    """The pairs above the threshold whose similarities add up to the most; arguments as for `greedy`, `observed` unused."""
    from scipy.optimize import linear_sum_assignment  # costs a third of a second of start-up that few need

    allowed = np.where(similarity > similarity.dtype.type(threshold), similarity, 0)
    choices: Choices = [None] * len(similarity)
    for row, column in zip(*linear_sum_assignment(allowed, maximize=True), strict=True):
        if allowed[row, column]:
            choices[row] = int(column)
    return choices


WAYS: dict[str, Callable[[NDArray, NDArray | None, float], Choices]] = {"greedy": greedy, "hungarian": hungarian}


def _softmax(values: NDArray, axis: int) -> NDArray:
    powers = np.exp(values - values.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)
