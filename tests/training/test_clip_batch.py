"""What a clip gives the re-ID loss: which unmatched queries count as rivals of the instances."""

import torch

from engine import FrameOutput
from training.clip_batch import rivals
from training.matcher import Match

LOUD, QUIET = [3.0, 0.0], [-9.0, 0.0]


def test_a_rival_says_something_and_looks_at_no_matched_instance() -> None:
    masks = torch.full((1, 4, 8, 8), -1.0)
    masks[0, 0, :4] = 1  # matched to the instance
    masks[0, 1, :3] = 1  # a second look at it
    masks[0, 2, 5:] = 1  # beside it
    masks[0, 3, 5:] = 1  # beside it, but says nothing
    output = FrameOutput(torch.tensor([[LOUD, LOUD, LOUD, QUIET]]), masks, torch.zeros(1, 4, 2))
    match = Match(torch.tensor([0]), torch.tensor([0]))
    assert rivals(output, [match]).tolist() == [[False, False, True, False]]


def test_without_instances_every_query_that_says_something_is_a_rival() -> None:
    output = FrameOutput(torch.tensor([[LOUD, QUIET]]), torch.ones(1, 2, 4, 4), torch.zeros(1, 2, 2))
    nothing = torch.zeros(0, dtype=torch.int64)
    assert rivals(output, [Match(nothing, nothing)]).tolist() == [[True, False]]
