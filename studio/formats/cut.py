"""How videos of any length become the videos of a dataset: every frame or each n-th, whole or in clips.

YouTube-VIS lists every frame of a video for each of its tracks, so two hours with a thousand tracks would be a file of gigabytes
that no reader opens; the published datasets hold clips of some seconds, often of every fifth frame. Knows no files and no masks.
"""

from dataclasses import dataclass
from itertools import pairwise

MOST_EVERY, MOST_CLIP = 10_000, 1_000_000


@dataclass(frozen=True)
class Cut:
    """every: of how many frames one is kept; clip: how many kept frames a video of the dataset has at most, None: no end."""

    every: int = 1
    clip: int | None = None

    def frames(self, length: int) -> list[range]:
        """The frames of each clip of a video, about equally many in all of them."""
        kept = range(0, length, self.every)
        number = -(-len(kept) // self.clip) if self.clip else 1
        bounds = [len(kept) * k // number for k in range(number + 1)]
        return [kept[begin:end] for begin, end in pairwise(bounds)]


def clip_names(name: str, clips: list[range]) -> list[str]:
    """The name of each clip of a video: its own if it is whole, or else with the clip's number."""
    if len(clips) == 1:
        return [name]
    digits = len(str(len(clips)))
    return [f"{name}-clip-{number:0{digits}d}" for number in range(1, len(clips) + 1)]
