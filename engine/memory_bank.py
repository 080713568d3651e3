"""What the tracker remembers of every living track.

A memory is one embedding, moved towards each new one by as much as the new one resembles the last few (the momentum of CTVIS,
https://arxiv.org/abs/2307.12616). A track unseen for too long is forgotten. The size of the bank depends on how many tracks
live, never on the length of the video. It does not match anything: see `tracker.py`.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass
class Memory:
    """One track. embed: (C,) what detections are compared with; recent: (<= length, C) the last embeddings, oldest first."""

    embed: Tensor
    recent: Tensor
    observed: int
    last_frame: int


class MemoryBank:
    """The memories of living tracks by track id, in the order in which the tracks began."""

    def __init__(self, max_absence: int, length: int):
        """max_absence: frames a track may be unseen; length: embeddings kept per track for the momentum."""
        self.max_absence = max_absence
        self.length = length
        self.memories: dict[int, Memory] = {}

    def __len__(self) -> int:
        return len(self.memories)

    @property
    def ids(self) -> list[int]:
        """Track ids, one per row of `embeds`."""
        return list(self.memories)

    @property
    def embeds(self) -> Tensor:
        """(M, C), one row per living track; there must be one."""
        return torch.stack([memory.embed for memory in self.memories.values()])

    @property
    def observed(self) -> list[int]:
        """In how many frames each track was seen so far."""
        return [memory.observed for memory in self.memories.values()]

    def remember(self, track_id: int, embed: Tensor, frame: int) -> None:
        """Note that the track was seen in this frame with this embedding (C,)."""
        memory = self.memories.get(track_id)
        if memory is None:
            self.memories[track_id] = Memory(embed, embed[None], observed=1, last_frame=frame)
            return
        momentum = mean_cosine(memory.recent, embed).clamp(min=0)
        memory.embed = (1 - momentum) * memory.embed + momentum * embed
        memory.recent = torch.cat([memory.recent, embed[None]])[-self.length :]
        memory.observed += 1
        memory.last_frame = frame

    def forget(self, frame: int) -> None:
        """Let go of the tracks that have been unseen for too long at the end of this frame."""
        self.memories = {
            track_id: memory
            for track_id, memory in self.memories.items()
            if frame - memory.last_frame <= self.max_absence
        }

    def state_dict(self) -> dict[int, dict[str, Any]]:
        """Plain numbers and CPU tensors."""
        return {
            track_id: {
                "embed": memory.embed.detach().cpu().clone(),
                "recent": memory.recent.detach().cpu().clone(),
                "observed": memory.observed,
                "last_frame": memory.last_frame,
            }
            for track_id, memory in self.memories.items()
        }

    def load_state_dict(self, state: dict[int, dict[str, Any]], device: torch.device | str = "cpu") -> None:
        """Become the bank that `state` was taken from, on this device."""
        self.memories = {
            track_id: Memory(**{**values, "embed": values["embed"].to(device), "recent": values["recent"].to(device)})
            for track_id, values in state.items()
        }


def mean_cosine(embeds: Tensor, embed: Tensor) -> Tensor:
    """Mean cosine similarity of embed (C,) with embeds (n, C)."""
    return (F.normalize(embeds, dim=-1) @ F.normalize(embed, dim=-1)).mean()
