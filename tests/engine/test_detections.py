"""Packed detections: small, exact, and never mistaken for something else."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import masks
from engine.candidates import Candidates
from engine.config import TrackerConfig
from engine.detections import FrameDetections, Picked, decode_frame, encode_frame
from engine.errors import DataError
from engine.session import VideoSession
from engine.video_masks import VideoMask
from tests.engine.test_retrack import NO_NET

SIZE = (720, 1280)


def detections(count, classes=40, channels=256, dtype=np.float32, seed=0):
    """A frame of numbers drawn at random, with small masks."""
    rng = np.random.default_rng(seed)
    floats = [rng.normal(size=shape).astype(dtype) for shape in (count, (count, classes + 1), (count, channels))]
    shared = rng.integers(0, 30000, (count, count))
    rles = masks.encode_many(rng.random((count, 7, 9)) > 0.5) if count else []
    measures = rng.random(count).tolist()
    return FrameDetections(
        frame=7,
        size=(7, 9),
        picked=Picked.by(TrackerConfig(nms_threshold=0.55), before_nms=bool(seed % 2)),
        candidates=Candidates(rng.permutation(count), *floats, np.maximum(shared, shared.T)),
        masks=[VideoMask(rle, masks.area(rle), measure) for rle, measure in zip(rles, measures, strict=True)],
        track_ids=[None if measure < 0.3 else int(1e6 * measure) for measure in measures],
    )


@given(st.integers(0, 12), st.sampled_from([np.float32, np.float64]), st.integers(0, 100))
@settings(deadline=None, max_examples=40)
def test_everything_comes_back_to_the_bit(count, dtype, seed):
    packed = detections(count, classes=3, channels=5, dtype=dtype, seed=seed)
    found = decode_frame(encode_frame(packed))
    for name in ("frame", "size", "picked", "masks", "track_ids"):
        assert getattr(found, name) == getattr(packed, name)
    for name in ("queries", "scores", "logits", "embeds", "shared"):
        one, other = getattr(found.candidates, name), getattr(packed.candidates, name)
        assert np.array_equal(one, other) and one.dtype == other.dtype


def test_thirty_large_objects_of_a_720p_frame_take_at_most_60_kb():
    """As a net of the published size sees them: a grid of 120 x 216 cells, wavy outlines, overlapping."""
    generator = torch.Generator().manual_seed(0)
    angle = torch.atan2(torch.arange(120.0)[:, None] - 60, torch.arange(216.0) - 108)
    logits, outlines = torch.full((30, 41), -5.0), []
    for number in range(30):
        y, x = (torch.rand(2, generator=generator) * torch.tensor([60.0, 120.0])).tolist()
        radius = 22 + 3 * torch.sin(angle * 7 + number) + torch.randn(120, 216, generator=generator)
        distance = ((torch.arange(120.0)[:, None] - y - 30) ** 2 + (torch.arange(216.0) - x - 48) ** 2).sqrt()
        outlines.append(radius - distance)
        logits[number, number] = 5
    blobs = []
    session = VideoSession(NO_NET, SIZE, TrackerConfig(nms_threshold=1), detections=blobs.append)
    session.resized = (480, 853)
    session.track(logits, torch.stack(outlines), torch.randn(30, 256, generator=generator))
    assert len(decode_frame(blobs[0]).masks) == 30
    assert len(blobs[0]) <= 60_000


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_damaged_blob_is_a_clear_error_wherever_it_is_damaged(data):
    blob = bytearray(encode_frame(detections(3, classes=2, channels=4)))
    if data.draw(st.booleans()):
        blob = blob[: data.draw(st.integers(0, len(blob) - 1))]
    else:
        blob[data.draw(st.integers(0, len(blob) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DataError, match=r"are damaged|later version"):
        decode_frame(bytes(blob))


def test_a_later_version_is_named_as_such():
    blob = encode_frame(detections(1))
    with pytest.raises(DataError, match="later version of this program"):
        decode_frame(blob[:4] + b"\xff\x00" + blob[6:])
