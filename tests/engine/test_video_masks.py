"""Mask logits at the size of the video, against the published chain of resizes done plainly."""

import pytest
import torch
from torch.nn import functional as F

from engine import masks
from engine.video_masks import VideoMasks

SIZES = [
    pytest.param((24, 40), (90, 160), (150, 260), id="larger video, padded rows"),
    pytest.param((24, 40), (96, 157), (96, 157), id="video of the net's size, padded columns"),
    pytest.param((24, 40), (96, 160), (47, 81), id="smaller video"),
    pytest.param((8, 8), (31, 30), (1, 300), id="video of one row"),
]


def plainly(logits, resized, size):
    """The published chain: upsample to the padded frame, crop, resize to the video."""
    height, width = resized
    padded = F.interpolate(logits[:, None], scale_factor=4, mode="bilinear", align_corners=False)
    return F.interpolate(padded[..., :height, :width], size=size, mode="bilinear", align_corners=False)[:, 0]


def blobs(grid, dtype=torch.float64):
    """Logits that are positive in a few smooth spots, one of them in a corner; noise; and one that is positive nowhere."""
    torch.manual_seed(0)
    noise = torch.randn(6, *grid, dtype=dtype)
    spots = F.avg_pool2d(noise[:4, None], 5, stride=1, padding=2)[:, 0] - 0.2
    corner = torch.full((1, *grid), -1.0, dtype=dtype)
    corner[:, -2:, -2:] = corner[:, 0, 0] = 3
    return torch.cat([spots, corner, noise[4:], -noise[4:5].abs()])


@pytest.mark.parametrize(("grid", "resized", "size"), SIZES)
def test_masks_are_those_of_the_published_chain(grid, resized, size):
    logits = blobs(grid)
    expected = plainly(logits, resized, size)
    inside = expected > 0
    made = VideoMasks(grid, resized, size, logits.dtype, logits.device)(logits)
    assert [mask.rle for mask in made] == masks.encode_many(inside.numpy())
    assert [mask.area for mask in made] == inside.sum((1, 2)).tolist()
    confidence = (expected.sigmoid() * inside).sum((1, 2))
    assert [mask.confidence for mask in made] == pytest.approx(confidence.tolist(), rel=1e-12)


def test_in_float32_hardly_a_pixel_differs():
    logits = blobs((24, 40), torch.float32)
    expected = masks.encode_many((plainly(logits, (90, 160), (150, 260)) > 0).numpy())
    made = VideoMasks((24, 40), (90, 160), (150, 260), logits.dtype, logits.device)(logits)
    for mask, rle in zip(made, expected, strict=True):
        if mask.area:
            assert masks.iou([mask.rle], [rle])[0, 0] > 0.999


def test_what_lies_in_the_padding_only_is_an_empty_mask():
    logits = torch.full((1, 8, 8), -1.0)
    logits[:, :, 6:] = 5  # the frame is 20 pixels = 5 cells wide
    (mask,) = VideoMasks((8, 8), (32, 20), (64, 40), logits.dtype, logits.device)(logits)
    assert (mask.area, mask.confidence) == (0, 0) and not masks.decode(mask.rle).any()


def test_no_masks_give_no_masks():
    assert VideoMasks((8, 8), (32, 32), (64, 64), torch.float32, torch.device("cpu"))(torch.zeros(0, 8, 8)) == []
