"""What the tracker remembers of every living track.

A memory is one embedding, moved towards each new one by as much as the new one resembles the last few (the momentum of CTVIS,
https://arxiv.org/abs/2307.12616). A track unseen for too long is forgotten. The size of the bank depends on how many tracks
live, never on the length of the video. All tracks of a frame are updated at once. It does not match anything: see
`matching.py` and `tracker.py`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


class MemoryBank:
    """The memories of M living tracks, in the order in which the tracks began; embeddings have C channels."""

    def __init__(self, max_absence: int, length: int):
        """max_absence: frames a track may be unseen; length: embeddings kept per track for the momentum."""
        self.max_absence = max_absence
        self.length = length
        self.ids: list[int] = []
        self._slots = np.zeros(0, np.int64)  # (M,) where each track's row lies in the arrays below
        self._free: list[int] = []  # their unused rows
        self._embeds: NDArray = np.zeros((0, 0), np.float32)  # (slots, C) what detections are compared with
        self._recent: NDArray = np.zeros((0, length, 0), np.float32)  # (slots, length, C) a ring of the last directions
        self._history = np.zeros(0, np.int64)  # embeddings that went through the ring
        self._observed = np.zeros(0, np.int64)
        self._last_frame = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def embeds(self) -> NDArray:
        """(M, C) what detections are compared with."""
        return self._embeds[self._slots]

    @property
    def observed(self) -> NDArray[np.int64]:
        """(M,) in how many frames each track was seen so far."""
        return self._observed[self._slots]

    @property
    def last_frame(self) -> NDArray[np.int64]:
        """(M,) the last frame in which each track was seen."""
        return self._last_frame[self._slots]

    def remember(self, track_ids: Sequence[int], embeds: NDArray, frame: int) -> None:
        """Note that these tracks, no two the same, were seen in this frame with these embeddings (N, C)."""
        slots = dict(zip(self.ids, self._slots.tolist(), strict=True))
        known = np.array([track_id in slots for track_id in track_ids], bool)
        if known.any():
            self._move(np.array([slots[track_id] for track_id in track_ids if track_id in slots]), embeds[known], frame)
        if not known.all():
            new_ids = [track_id for track_id in track_ids if track_id not in slots]
            self._start_over(self._take_slots(new_ids, embeds), embeds[~known], frame)

    def overwrite(self, track_id: int, embed: NDArray, frame: int) -> None:
        """Note that the track was seen in this frame, and that of its embeddings only this one (C,) counts from now on."""
        known = track_id in self.ids
        slots = self._slots[[self.ids.index(track_id)]] if known else self._take_slots([track_id], embed[None])
        self._start_over(slots, embed[None], frame)

    def give_up(self, track_id: int, other_id: int) -> None:
        """Let a known track forget what it looks like: it takes over the memory of the other, or goes if that has none."""
        place = self.ids.index(track_id)
        if other_id not in self.ids:
            self._drop(np.arange(len(self.ids)) != place)
            return
        pair = [place, self.ids.index(other_id)]
        self._slots[pair] = self._slots[pair[::-1]]
        self._observed[self._slots[pair]] = self._observed[self._slots[pair[::-1]]]

    def forget(self, frame: int) -> None:
        """Let go of the tracks that have been unseen for too long at the end of this frame."""
        alive = frame - self.last_frame <= self.max_absence
        if not alive.all():
            self._drop(alive)

    def _drop(self, alive: NDArray[np.bool_]) -> None:
        """Let go of all but these (M,)."""
        dead = self._slots[~alive]
        self._free.extend(dead.tolist())
        self._observed[dead] = 0
        self._slots = self._slots[alive]
        self.ids = [track_id for track_id, lives in zip(self.ids, alive.tolist(), strict=True) if lives]

    def _move(self, slots: NDArray, embeds: NDArray, frame: int) -> None:
        """Move the memories in these slots towards embeds (N, C)."""
        new = directions(embeds)
        kept = np.minimum(self._history[slots], self.length).astype(new.dtype)
        # Unused places of the ring are zeros and add nothing.
        cosine = np.matmul(self._recent[slots], new[:, :, None]).sum((1, 2)) / kept
        momentum = np.maximum(cosine, 0)[:, None]
        self._embeds[slots] = (1 - momentum) * self._embeds[slots] + momentum * embeds
        self._recent[slots, self._history[slots] % self.length] = new
        self._history[slots] += 1
        self._observed[slots] += 1
        self._last_frame[slots] = frame

    def _start_over(self, slots: NDArray, embeds: NDArray, frame: int) -> None:
        """Let the memories in these slots be embeds (N, C)."""
        self._embeds[slots] = embeds
        self._recent[slots] = 0
        self._recent[slots, 0] = directions(embeds)
        self._history[slots] = 1
        self._observed[slots] += 1
        self._last_frame[slots] = frame

    def _take_slots(self, track_ids: list[int], embeds: NDArray) -> NDArray[np.int64]:
        """Slots for new tracks with embeddings like these (N, C)."""
        if not self.ids:  # nothing is lost by taking on the width and the precision of these
            self._free = list(range(len(self._history)))
            self._embeds = np.zeros((len(self._free), embeds.shape[1]), embeds.dtype)
            self._recent = np.zeros((len(self._free), self.length, embeds.shape[1]), embeds.dtype)
        if (missing := len(track_ids) - len(self._free)) > 0:
            self._grow(max(missing, len(self._history)))
        slots = np.array([self._free.pop() for _ in track_ids])
        self._slots = np.concatenate([self._slots, slots])
        self.ids = self.ids + track_ids
        return slots

    def _grow(self, count: int) -> None:
        size = len(self._history)
        self._free.extend(range(size, size + count))
        for name in ("_embeds", "_recent", "_history", "_observed", "_last_frame"):
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.zeros((count, *array.shape[1:]), array.dtype)]))

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers and CPU tensors."""
        return {
            "ids": list(self.ids),
            "embeds": torch.from_numpy(self.embeds),
            "recent": torch.from_numpy(self._recent[self._slots]),
            "history": self._history[self._slots].tolist(),
            "observed": self.observed.tolist(),
            "last_frame": self.last_frame.tolist(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Become the bank that `state` was taken from."""
        self.ids = list(state["ids"])
        self._slots, self._free = np.arange(len(self.ids)), []
        self._embeds, self._recent = (state[name].numpy().copy() for name in ("embeds", "recent"))
        self._history, self._observed, self._last_frame = (
            np.array(state[name], np.int64) for name in ("history", "observed", "last_frame")
        )


def directions(embeds: NDArray) -> NDArray:
    """Embeddings (..., C) at length one; zeros stay zeros."""
    return embeds / np.maximum(np.linalg.norm(embeds, axis=-1, keepdims=True), 1e-12)
