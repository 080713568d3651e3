"""The queries of one frame that may show an object: picked by their class probability, duplicates dropped by mask NMS.

In: what the net says of a frame, on whatever device. Out: `Candidates`, numpy arrays on the CPU, best score first: all
that matching needs, so that tracking gives the same wherever the net runs, and can be done again from stored arrays
(`detections.py`). Masks enter only as the number of cells that two of them share.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.config import TrackerConfig


@dataclass(frozen=True, eq=False)
class Candidates:
    """N queries of a frame, best score first. K categories; C channels; floats are float32 or float64.

    queries: (N,) their places in the net's output; scores: (N,) best class probability; logits: (N, K+1), "no object" last;
    embeds: (N, C); shared: (N, N) cells of the net's grid that two masks have in common, on the diagonal their areas.
    """

    queries: NDArray[np.int64]
    scores: NDArray
    logits: NDArray
    embeds: NDArray
    shared: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.queries)

    def take(self, places: NDArray) -> "Candidates":
        """Those at these places, or where `places` (N,) bool is true."""
        shared = self.shared[places][:, places]
        return Candidates(self.queries[places], self.scores[places], self.logits[places], self.embeds[places], shared)

    @property
    def categories(self) -> NDArray[np.int64]:
        """(N,) the likeliest category of each, 0-based."""
        return self.logits[:, :-1].argmax(1)


def find_candidates(logits: Tensor, masks: Tensor, embeds: Tensor, threshold: float) -> Candidates:
    """The queries whose score exceeds the threshold: logits (Q, K+1), masks (Q, h, w) logits, embeds (Q, C)."""
    on_cpu = _at_least_float32(logits.detach().cpu())
    scores = class_scores(on_cpu).numpy()
    queries = select(scores, threshold)
    kept_embeds = _at_least_float32(embeds.detach()[torch.from_numpy(queries).to(embeds.device)].cpu())
    shared = shared_cells(_inside(masks.detach(), queries))
    return Candidates(queries, scores[queries], on_cpu.numpy()[queries], kept_embeds.numpy(), shared)


def class_scores(logits: Tensor) -> Tensor:
    """Best class probability of each query, "no object" (the last class) left out: (Q, K+1) -> (Q,)."""
    return logits.softmax(-1)[:, :-1].amax(-1)


def select(scores: NDArray, threshold: float) -> NDArray[np.int64]:
    """Indices of the scores (Q,) above the threshold, or of the best one if there is none; best score first."""
    order = np.argsort(-scores, kind="stable")
    return order[: max(above(scores, threshold), 1)]


def above(scores: NDArray, threshold: float) -> int:
    """How many scores exceed the threshold, compared in their own precision."""
    return int(np.count_nonzero(scores > scores.dtype.type(threshold)))


def without_duplicates(candidates: Candidates, config: TrackerConfig) -> NDArray[np.bool_]:
    """Which candidates are left by NMS: (N,) bool."""
    categories = candidates.categories if config.class_aware_nms else None
    return mask_nms(candidates.shared, config.nms_threshold, categories)


def mask_nms(shared: NDArray[np.int64], threshold: float, categories: NDArray | None = None) -> NDArray[np.bool_]:
    """Which masks to keep, better ones first: (N,) bool. A mask goes if it overlaps a better kept one.

    shared: (N, N) as in `Candidates`; categories: (N,), if given, masks of different ones never drop each other.
    """
    cells = shared.astype(np.float32)  # whole numbers, exact; the published quotient is of float32
    areas = cells.diagonal()
    union = areas[:, None] + areas[None, :] - cells
    small = np.float32(1e-6)
    overlaps = np.triu((cells + small) / (union + small) > np.float32(threshold), 1)
    if categories is not None:
        overlaps &= categories[:, None] == categories[None, :]
    keep = np.ones(len(shared), dtype=bool)
    for place in np.flatnonzero(overlaps.any(1)):
        if keep[place]:
            keep &= ~overlaps[place]
    return keep


def shared_cells(inside: Tensor) -> NDArray[np.int64]:
    """How many cells each two of the masks (N, cells) bool have in common: (N, N)."""
    if inside.device.type == "cpu" and _has_kernel():
        return torch.ops.ctvis.shared_cells(inside).numpy()
    cells = inside.float()
    return (cells @ cells.T).cpu().numpy().astype(np.int64)  # exact: float32 holds whole numbers up to 2 ** 24


def _has_kernel() -> bool:
    """Whether engine/csrc/shared_cells.cpp was built."""
    return torch._C._dispatch_has_kernel_for_dispatch_key("ctvis::shared_cells", "CPU")


def _inside(masks: Tensor, queries: NDArray[np.int64]) -> Tensor:
    """Where the masks (Q, h, w) of these queries are positive: (N, h * w) bool."""
    if masks.device.type != "cpu" or masks.dtype not in (torch.float32, torch.float64):
        return masks[torch.from_numpy(queries).to(masks.device)].flatten(1) > 0
    logits = masks.flatten(1).numpy()
    inside = np.empty((len(queries), logits.shape[1]), dtype=bool)
    for row, query in zip(inside, queries.tolist(), strict=True):  # without a copy of the logits
        np.greater(logits[query], 0, out=row)
    return torch.from_numpy(inside)


def _at_least_float32(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
