"""What a correction of a frame is worth, and which frames to correct next: numbers only, read from nowhere.

A detection is worth the doubt in the thing that it shows times how unfamiliar it looks: wholly where nothing like it was seen,
half after one frame that shows its like, a third after two. The doubt in a thing is the mean over all that looks like it in its
video: what a model knows is in doubt where it is blurred or half hidden, and sure elsewhere; what it does not know is in doubt
wherever it shows. Seen are what is verified and the frames that were already chosen. So a list does not name one thing ten times,
and what is rare is named until there are several of it. A frame is worth what its best detection is, and only among equals the
sum: a sum would name frames full of clutter, each piece a little doubtful. Looks are re-ID embeddings, which only compare within
one model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEAR = 5  # frames of one video so close together show the same
ALIKE = 0.3  # cosine of two looks from which they may be of one thing
PRESENCE = 0.2  # what doubt whether something is there counts, beside doubt of which kind it is

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Look:
    """A frame of a video as a model saw it. doubts: (N,) 0..1 of its detections; embeds: (N, C), of any length."""

    video: int
    frame: int
    model: str
    doubts: Floats
    embeds: Floats


def softmax(logits: Floats) -> Floats:
    """(N, K+1) logits -> odds."""
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(odds / odds.sum(1, keepdims=True))


def doubts(odds: Floats) -> Floats:
    """Of detections with odds (N, K+1), "no object" last: the entropy of the answers, 0 none, 1 the most that K kinds can have.

    It has two parts: whether something is there, and if so of which kind. The first counts less: nets are always a little unsure
    whether clutter is something, but unsure of the kind of what they do not know.
    """
    there, kinds = 1 - odds[:, -1], odds[:, :-1]
    presence = _entropy(there) + _entropy(1 - there)
    kind = _entropy(kinds).sum(1) - _entropy(there)  # of which kind, times the odds that something is there
    most = np.log(max(2, kinds.shape[1]))
    return np.asarray((PRESENCE * presence + kind) / most).clip(0, 1)


def of_one_thing(embeds: Floats, there: Floats) -> Floats:
    """What each of a video's detections counts for each one's thing, (N, N), rows of sum 1: the more alike, the more, and the
    surer it is that something is there. embeds: (N, C); there: (N,), the odds that it is something."""
    looks = _unit(embeds)
    alike = ((looks @ looks.T - ALIKE) / (1 - ALIKE)).clip(0, 1) * there
    return np.asarray(alike / np.maximum(alike.sum(1, keepdims=True), 1e-12))


def distances(one: tuple[Sequence[str], Floats], other: tuple[Sequence[str], Floats]) -> Floats:
    """How far apart two models' answers on N places are, 0..1: the total variation of their odds, paired by name.

    Each: the names of a model's answers, and its odds (N, len(names)).
    """
    names = sorted({*one[0], *other[0]})
    spread = [np.zeros((len(odds), len(names))) for _, odds in (one, other)]
    for table, (own, odds) in zip(spread, (one, other), strict=True):
        table[:, [names.index(name) for name in own]] = odds
    return np.asarray(np.abs(spread[0] - spread[1]).sum(1) / 2)


def choose(looks: Sequence[Look], known: Mapping[str, Sequence[Floats]], count: int) -> list[tuple[int, Floats]]:
    """The places of the `count` frames that are worth most, the best first, each with what its detections add (N,).

    known: by model, the embeddings (M, C) of each frame that is verified.
    """
    seen = [
        sum((likeness(look.embeds, frame) for frame in known.get(look.model, ())), np.zeros(len(look.embeds)))
        for look in looks
    ]
    left: set[int] = set(range(len(looks)))
    chosen: list[tuple[int, Floats]] = []
    while left and len(chosen) < count:
        gains = {place: looks[place].doubts / (1 + seen[place]) for place in left}
        best = max(left, key=lambda place: (gains[place].max(initial=0), gains[place].sum(), -place))
        left = {place for place in left if not near(looks[place], looks[best])}
        chosen.append((best, gains[best]))
        for place in left:
            if looks[place].model == looks[best].model:
                seen[place] = seen[place] + likeness(looks[place].embeds, looks[best].embeds)
    return chosen


def near(one: Look, other: Look) -> bool:
    return one.video == other.video and abs(one.frame - other.frame) <= NEAR


def likeness(embeds: Floats, frame: Floats) -> Floats:
    """(N, C) and those of a frame (M, C) -> (N,) 0..1: the greatest cosine with anything there; 0 where nothing is."""
    if not len(frame) or not len(embeds):
        return np.zeros(len(embeds))
    return np.asarray((_unit(embeds) @ _unit(frame).T).max(1).clip(0, 1))


def _entropy(odds: Floats) -> Floats:
    return np.asarray(-odds * np.log(np.maximum(odds, 1e-12)))


def _unit(embeds: Floats) -> Floats:
    return np.asarray(embeds / np.maximum(np.linalg.norm(embeds, axis=1, keepdims=True), 1e-12))
