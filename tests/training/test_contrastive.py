"""The contrastive losses: equal to the released code's numbers, and to plain loops written from the recipes' text."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.golden import golden_path
from training.contrastive import ContrastiveLosses, contrastive_loss


@pytest.mark.parametrize("positive", ["last", "momentum"])
def test_the_reference_recipe_gives_the_released_losses_and_gradients(positive):
    golden = np.load(golden_path("reid_loss.npz"))
    embeds = torch.from_numpy(golden["embeds"]).requires_grad_()
    valid, query = torch.from_numpy(golden["valid"]), torch.from_numpy(golden["query"])
    losses = contrastive_loss(embeds, valid, query, "reference", positive)
    assert losses.reid.item() == pytest.approx(golden[f"{positive}_loss_reid"].item(), rel=1e-4)
    assert losses.aux.item() == pytest.approx(golden[f"{positive}_loss_aux_reid"].item(), rel=1e-4)
    (2 * losses.reid + 3 * losses.aux).backward()
    expected = torch.from_numpy(golden[f"{positive}_grad"])
    assert (embeds.grad[:, :, ::9] - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.parametrize("recipe, positive", [("reference", "last"), ("reference", "momentum"), ("paper", "coin")])
@pytest.mark.parametrize("seed", range(8))
def test_the_batched_losses_equal_a_loop_over_the_items(recipe, positive, seed):
    embeds, valid, query = random_clips(seed)
    batched = contrastive_loss(embeds, valid, query, recipe, positive)
    looped = loop_over_items(embeds, valid, query, recipe, positive)
    torch.testing.assert_close(torch.stack(batched), torch.stack(looped), rtol=1e-10, atol=1e-12)


def test_the_coin_takes_the_latest_embedding_or_the_memory():
    embeds, query = torch.randn(3, 1, 4, 8, generator=seeded(0)), torch.ones(3, 1, 1, dtype=torch.int64)
    valid = torch.ones(3, 1, 1, dtype=torch.bool)
    # Frame 1's item has the same positive either way, so the clip has two possible losses.
    possible = {contrastive_loss(embeds, valid, query, positive=kind).reid.item() for kind in ("last", "momentum")}
    coins = [
        contrastive_loss(embeds, valid, query, positive="coin", generator=seeded(i)).reid.item() for i in range(20)
    ]
    assert len(possible) == 2
    assert set(coins) == possible


@pytest.mark.parametrize("recipe", ["reference", "paper"])
def test_clips_without_any_item_give_zero_and_stay_differentiable(recipe):
    embeds = torch.randn(4, 2, 6, 8).requires_grad_()
    valid = torch.zeros(4, 2, 3, dtype=torch.bool)
    valid[2, :, 1] = True  # seen once: nothing to compare it with
    losses = contrastive_loss(embeds, valid, torch.zeros(4, 2, 3, dtype=torch.int64), recipe)
    sum(losses).backward()
    assert losses == ContrastiveLosses(torch.tensor(0.0), torch.tensor(0.0))
    assert embeds.grad.abs().max() == 0


@pytest.mark.parametrize("shape", [(1, 2, 3), (4, 2, 0)])
def test_one_frame_or_no_instances_give_zero(shape):
    embeds = torch.randn(*shape[:2], 6, 8).requires_grad_()
    losses = contrastive_loss(embeds, torch.ones(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.int64))
    sum(losses).backward()
    assert losses.reid == losses.aux == 0


@pytest.mark.parametrize("recipe", ["reference", "paper"])
def test_padding_with_instances_never_seen_changes_nothing(recipe):
    embeds, valid, query = random_clips(3)
    padded = contrastive_loss(embeds, F.pad(valid, (0, 2)), F.pad(query, (0, 2), value=5), recipe, "momentum")
    torch.testing.assert_close(padded, contrastive_loss(embeds, valid, query, recipe, "momentum"))


def test_noise_goes_into_the_memory_of_an_absent_instance_and_is_no_anchor():
    embeds = torch.randn(4, 1, 1, 8, generator=seeded(1), dtype=torch.float64)  # one query: the noise can be only it
    query = torch.zeros(4, 1, 1, dtype=torch.int64)
    valid = torch.tensor([True, False, True, False]).reshape(4, 1, 1)
    noisy = contrastive_loss(embeds, valid, query, "paper", noise=1.0)
    first, stray, anchor = embeds[0, 0, 0], embeds[1, 0, 0], embeds[2, 0, 0]
    beta = F.cosine_similarity(first, stray, dim=0).clamp(min=0)
    memory = (1 - beta) * first + beta * stray
    assert beta > 0
    # Frame 2's one item: the only query of frame 1 is unmatched, so it is the only negative too.
    torch.testing.assert_close(noisy.reid, F.softplus(anchor @ stray - anchor @ memory))


def test_noise_starts_no_memory_of_an_instance_not_yet_seen():
    embeds = torch.randn(3, 1, 1, 8, generator=seeded(2))
    query, valid = torch.zeros(3, 1, 1, dtype=torch.int64), torch.tensor([False, True, True]).reshape(3, 1, 1)
    quiet, noisy = (contrastive_loss(embeds, valid, query, "paper", noise=noise) for noise in (0.0, 1.0))
    torch.testing.assert_close(noisy, quiet)


def test_an_unmatched_query_that_is_no_rival_is_no_negative():
    embeds, valid, query = random_clips(4)
    matched = torch.zeros(embeds.shape[:3], dtype=torch.bool).scatter(2, query, valid)
    rivals = torch.rand(embeds.shape[:3], generator=seeded(5)) < 0.5
    loss = contrastive_loss(embeds, valid, query, "paper", rivals=rivals)
    elsewhere = torch.where((matched | rivals)[..., None], embeds, 10 * embeds)
    torch.testing.assert_close(contrastive_loss(elsewhere, valid, query, "paper", rivals=rivals), loss)
    everyone = contrastive_loss(embeds, valid, query, "paper", rivals=torch.ones_like(rivals))
    torch.testing.assert_close(everyone, contrastive_loss(embeds, valid, query, "paper"))
    assert loss.reid < everyone.reid


def test_rivals_are_refused_where_the_released_code_has_none():
    embeds, valid, query = random_clips(0)
    with pytest.raises(ValueError, match="rivals"):
        contrastive_loss(embeds, valid, query, "reference", rivals=torch.ones(embeds.shape[:3], dtype=torch.bool))


def test_half_precision_embeddings_are_compared_in_float32():
    embeds, valid, query = random_clips(2)
    half = contrastive_loss(embeds.bfloat16(), valid, query, positive="last")
    assert half.reid.dtype == torch.float32
    assert half.reid.item() == pytest.approx(
        contrastive_loss(embeds, valid, query, positive="last").reid.item(), rel=0.05
    )


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_clips(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """T=6, B=3, Q=7, C=5, N=4 in float64, instances that come and go, distinct queries within a frame."""
    generator = seeded(seed)
    embeds = torch.randn(6, 3, 7, 5, generator=generator, dtype=torch.float64)
    valid = torch.rand(6, 3, 4, generator=generator) < 0.55
    query = torch.rand(6, 3, 7, generator=generator).argsort(-1)[..., :4]
    return embeds, valid, query


def loop_over_items(embeds: Tensor, valid: Tensor, query: Tensor, recipe: str, positive: str) -> ContrastiveLosses:
    reid, aux = [], []
    frames, clips, instances = valid.shape
    for clip in range(clips):
        own = [
            [embeds[t, clip, query[t, clip, n]] if valid[t, clip, n] else None for n in range(instances)]
            for t in range(frames)
        ]
        for t in range(1, frames):
            for n in range(instances):
                history = [own[s][n] for s in range(t) if own[s][n] is not None]
                future = [own[s][n] for s in range(t + 1, frames) if own[s][n] is not None]
                if own[t][n] is None:
                    continue
                if recipe == "reference":
                    absent_later = frames - 1 - t - len(future)
                    if history:
                        positive_embed = history[-1] if positive == "last" else plain_memory(history)
                    elif future and absent_later != t:
                        positive_embed = future[0]
                    else:
                        continue
                    skip = {int(query[t - 1, clip, n])} if own[t - 1][n] is not None else set()
                    negatives = []
                else:
                    if not history:
                        continue
                    positive_embed = plain_memory(history)
                    pasts = [[own[s][m] for s in range(t) if own[s][m] is not None] for m in range(instances) if m != n]
                    negatives = [plain_memory(past) for past in pasts if past]
                    skip = {int(query[t - 1, clip, m]) for m in range(instances) if own[t - 1][m] is not None}
                negatives += [embeds[t - 1, clip, q] for q in range(embeds.shape[2]) if q not in skip]
                anchor, negatives = own[t][n], torch.stack(negatives)
                reid.append(torch.log(1 + torch.exp(negatives @ anchor - positive_embed @ anchor).sum()))
                cosines = F.cosine_similarity(torch.cat([positive_embed[None], negatives]), anchor[None])
                cosines[0] -= 1
                aux.append(cosines.square().mean())
    return ContrastiveLosses(torch.stack(reid).mean(), torch.stack(aux).mean())


def plain_memory(history: list[Tensor]) -> Tensor:
    memory = history[0]
    for i, embed in enumerate(history[1:], start=1):
        beta = max(0.0, sum(F.cosine_similarity(embed, old, dim=0).item() for old in history[:i]) / i)
        memory = (1 - beta) * memory + beta * embed
    return memory
