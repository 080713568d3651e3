"""Consistent contrastive learning: the re-ID loss that CTVIS adds to Mask2Former.

In: the re-ID embeddings of T frames of B clips, and which query was matched to each of a clip's N instances in each
frame. Out: the contrastive loss and the auxiliary cosine loss. An item is an anchor (a matched embedding of frame
t >= 1), one positive and many negatives. Two recipes, which differ in where these come from:

reference  What the released code trains; the published checkpoints come from it. Negatives: frame t-1's queries but the
           instance's own (all of them where it was absent). Positive: its latest earlier embedding or its memory; if it
           was never seen, its next later embedding, save where the code's miscount of later absences drops the item.
paper      What inference does, as the paper describes it. Positive: the instance's memory. Negatives: the memories of
           the clip's other instances, and frame t-1's unmatched queries, which is what false tracks in the bank are
           made of: all of them, or the `rivals` among them. An instance without a memory gives no item.

The memory is the same in both: a moving average with the pace beta = max(0, mean cosine similarity of the new embedding
with all earlier ones), and gradients through everything. Training has no thresholds, no track death and no greedy
assignment: the ground truth rules. Not here: the matching (training.matcher) and the weighting by WEIGHTS.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from training.matcher import at_least_float32

WEIGHTS: Mapping[str, float] = {"reid": 2.0, "reid_aux": 3.0}


class ContrastiveLosses(NamedTuple):
    """Unweighted scalars, each the mean over the items (0 where there are none)."""

    reid: Tensor
    aux: Tensor


class _Items(NamedTuple):
    """A is frames 1..T-1; `used` says which of the A x B x N places hold an item."""

    anchor: Tensor  # (A, B, N, C)
    positive: Tensor  # (A, B, N, C)
    candidates: Tensor  # (A, B, M, C), shared by the instances of a clip
    negative: Tensor  # (A, B, N, M) bool: which candidates are negatives of which instance
    used: Tensor  # (A, B, N) bool


def contrastive_loss(
    embeds: Tensor,
    valid: Tensor,
    query: Tensor,
    recipe: Literal["reference", "paper"] = "reference",
    positive: Literal["last", "momentum", "coin"] = "coin",
    noise: float = 0.0,
    rivals: Tensor | None = None,
    miscount: bool = True,
    generator: torch.Generator | None = None,
) -> ContrastiveLosses:
    """The losses of T frames of B clips of N instances (clips with fewer are padded with ones never seen).

    embeds (T, B, Q, C); valid (T, B, N) bool: the instance is seen in the frame; query (T, B, N) int64: the query
    matched to it there (anything in 0..Q-1 where it is not seen).
    positive, of recipe "reference" alone: the latest embedding, the memory, or a fair coin for each item (published).
    noise: the probability that an absent instance's memory takes in an unmatched query, as a wrong match at inference would
    make it. In recipe "reference" such an embedding becomes an anchor too, as in the released code, which does without noise
    by default; in recipe "paper" it is never one.
    rivals (T, B, Q) bool, of recipe "paper" alone: the queries that inference would keep beside the matched ones. Other
    unmatched queries are then no negatives: many are second looks at an instance, which NMS drops. To tell those apart
    from it, the embedding would have to say which query it is instead of which object.
    miscount, of recipe "reference" alone: drop the items that the released code drops by counting absences wrongly.
    """
    if recipe not in ("reference", "paper") or positive not in ("last", "momentum", "coin"):
        raise ValueError(f"unknown recipe {recipe!r} or positive {positive!r}")
    if recipe == "reference" and rivals is not None:
        raise ValueError('rivals belong to recipe "paper"')
    if embeds.shape[0] < 2 or valid.shape[2] == 0:
        return ContrastiveLosses(embeds.sum() * 0.0, embeds.sum() * 0.0)
    with torch.autocast(embeds.device.type, enabled=False):
        embeds = at_least_float32(embeds)
        matched = embeds.take_along_dim(query[..., None], dim=2)  # (T, B, N, C)
        own = F.one_hot(query, embeds.shape[2]).bool() & valid[..., None]  # (T, B, N, Q)
        written, remembered = _with_noise(embeds, matched, valid, own, noise, generator) if noise else (matched, valid)
        if recipe == "reference":
            items = _reference_items(embeds, written, remembered, own, positive, miscount, generator)
        else:
            items = _paper_items(embeds, matched, valid, own, _memories(written, remembered), rivals)
        return _losses(items)


def _losses(items: _Items) -> ContrastiveLosses:
    count = items.used.sum().clamp(min=1)
    scores = items.anchor @ items.candidates.transpose(-1, -2)  # (A, B, N, M)
    own = (items.anchor * items.positive).sum(-1)
    # log(1 + sum over negatives of exp(negative - positive)); what is no negative adds exp(-inf) = 0.
    crowd = scores.masked_fill(~items.negative, -torch.inf)
    reid = torch.cat([crowd - own[..., None], torch.zeros_like(own)[..., None]], dim=-1).logsumexp(-1)

    unit = F.normalize(items.anchor, dim=-1)
    cosines = unit @ F.normalize(items.candidates, dim=-1).transpose(-1, -2)
    own_cosine = (unit * F.normalize(items.positive, dim=-1)).sum(-1)
    errors = (own_cosine - 1).square() + (cosines.square() * items.negative).sum(-1)
    aux = errors / (1 + items.negative.sum(-1))
    return ContrastiveLosses((reid * items.used).sum() / count, (aux * items.used).sum() / count)


def _reference_items(
    embeds: Tensor,
    matched: Tensor,
    valid: Tensor,
    own: Tensor,
    positive: str,
    miscount: bool,
    generator: torch.Generator | None,
) -> _Items:
    """own (T, B, N, Q) bool: the query matched to each instance."""
    frames = torch.arange(len(valid), device=valid.device)[:, None, None]
    latest = torch.where(valid, frames, -1).cummax(0).values[:-1]  # (A, B, N): last frame before t, -1 if none
    following = torch.where(valid, frames, len(valid)).flip(0).cummin(0).values.flip(0)  # first frame from t on
    following = F.pad(following[2:], (0, 0, 0, 0, 0, 1), value=len(valid))  # (A, B, N): first frame after t, T if none
    before, after = latest >= 0, following < len(valid)
    if miscount:
        # Released quirk: exist_after(t) compares the absences after t with t instead of with the number of frames after t.
        absences_after = (~valid).flip(0).cumsum(0).flip(0) - (~valid).long()
        after &= absences_after[1:] != frames[1:]

    nearest = torch.where(before, latest, following.clamp(max=len(valid) - 1))
    chosen = matched.take_along_dim(nearest[..., None], dim=0)
    if positive != "last":
        use_memory = before
        if positive == "coin":
            draw = torch.rand(
                before.shape, generator=generator, device=generator.device if generator else embeds.device
            )
            use_memory = before & (draw > 0.5).to(before.device)
        chosen = torch.where(use_memory[..., None], _memories(matched, valid)[:-1], chosen)
    return _Items(matched[1:], chosen, embeds[:-1], ~own[:-1], valid[1:] & (before | after))


def _paper_items(
    embeds: Tensor, matched: Tensor, valid: Tensor, own: Tensor, memories: Tensor, rivals: Tensor | None
) -> _Items:
    """memories (T, B, N, C): after each frame, noise included."""
    memory, in_bank = memories[:-1], valid.cummax(0).values[:-1]
    instances = valid.shape[2]
    others = in_bank[:, :, None, :] & ~torch.eye(instances, dtype=torch.bool, device=valid.device)  # (A, B, N, N)
    unmatched = ~own.any(2)  # (T, B, Q)
    false_tracks = unmatched if rivals is None else unmatched & rivals
    background = false_tracks[:-1, :, None].expand(-1, -1, instances, -1)  # (A, B, N, Q)
    return _Items(
        anchor=matched[1:],
        positive=memory,
        candidates=torch.cat([memory, embeds[:-1]], dim=2),
        negative=torch.cat([others, background], dim=3),
        used=valid[1:] & in_bank,
    )


def _with_noise(
    embeds: Tensor, matched: Tensor, valid: Tensor, own: Tensor, noise: float, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """What goes into the memories (T, B, N, C) and when (T, B, N): an absent instance seen before may take in a stranger."""
    strangers, strayed = _stray_embeddings(embeds, ~own.any(2), valid.shape[2], noise, generator)
    strayed &= valid.cummax(0).values & ~valid
    return torch.where(strayed[..., None], strangers, matched), valid | strayed


def _memories(matched: Tensor, valid: Tensor) -> Tensor:
    """Each instance's memory after each frame (T, B, N, C), 0 before its first; valid (T, B, N) says who is seen."""
    memory = torch.zeros_like(matched[0])
    direction_sum, seen = torch.zeros_like(memory), torch.zeros_like(memory[..., :1])
    memories = []
    for embed, here in zip(matched, valid[..., None], strict=True):
        direction = F.normalize(embed, dim=-1)
        similarity = (direction * direction_sum).sum(-1, keepdim=True) / seen.clamp(min=1)  # mean cosine to the history
        beta = torch.where(seen == 0, 1.0, similarity.clamp(min=0))
        memory = torch.where(here, (1 - beta) * memory + beta * embed, memory)
        direction_sum = torch.where(here, direction_sum + direction, direction_sum)
        seen = seen + here
        memories.append(memory)
    return torch.stack(memories)


def _stray_embeddings(
    embeds: Tensor, unmatched: Tensor, instances: int, probability: float, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Per frame and instance a random unmatched query's embedding (T, B, N, C), and whether noise strikes (T, B, N)."""
    device = generator.device if generator else embeds.device
    shape = (*unmatched.shape[:2], instances)
    luck = torch.rand(*shape, unmatched.shape[2], generator=generator, device=device).to(embeds.device)
    drawn = luck.masked_fill(~unmatched[:, :, None], -1.0).argmax(-1)
    strikes = (torch.rand(shape, generator=generator, device=device) < probability).to(embeds.device)
    return embeds.take_along_dim(drawn[..., None], dim=2), strikes & unmatched.any(-1, keepdim=True)
