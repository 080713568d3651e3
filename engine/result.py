"""What is known of a video in the end, added up frame by frame.

`ResultBuilder` takes the tracks seen in each frame, whoever found them, with their masks at the size of the video; `result`
gives the `VideoResult`. Sums stay in memory, masks go to a spool on disk or stay with the caller.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from numpy.typing import NDArray

from engine.anchors import Anchor
from engine.config import TrackerConfig
from engine.masks import RLE
from engine.output_tracks import OutputTracks, Prediction, TrackSummary
from engine.spool import MaskSpool
from engine.video_masks import Size, VideoMask

Seen = tuple[int, NDArray, VideoMask]  # a track in a frame: its id, class logits (K+1,), mask


@dataclass(frozen=True, eq=False)
class VideoResult:
    """What was found in a video. size: (H, W); length: in frames; tracks: by track id.

    `predictions` are the entries of a results file, likeliest first. `missed`: the anchors of a re-tracking that no
    detection lies under, so that they had no effect but to keep their track id from others in that frame.
    """

    size: Size
    length: int
    predictions: list[Prediction]
    tracks: dict[int, TrackSummary]
    spool: MaskSpool | None = None
    missed: Sequence[Anchor] = ()

    def segmentations(self, track_id: int) -> list[RLE | None]:
        """The track's mask in every frame of the video, None where it has none."""
        return list(self.stream_segmentations(track_id))

    def stream_segmentations(self, track_id: int) -> Iterator[RLE | None]:
        """The same one by one, for videos so long that a track's masks would fill the memory."""
        if self.spool is None:
            raise ValueError("this session was told not to keep masks (spool=False); its caller has them")
        return self.spool.read(track_id, self.tracks[track_id].first_frame, self.length)


class ResultBuilder:
    """The result of a video in the making."""

    def __init__(self, size: Size, config: TrackerConfig, spool: bool, certain: Collection[int] = ()):
        """spool: whether to keep the masks; certain: ids of tracks that a person vouched for."""
        self.size = size
        self.tracks = OutputTracks(config, certain)
        self.spool = MaskSpool(size) if spool else None

    def add_frame(self, frame: int, seen: Sequence[Seen]) -> None:
        """Add the tracks seen in the next frame, best score first."""
        for track_id, logits, mask in seen:
            self.tracks.add(frame, track_id, logits, mask.confidence, mask.area)
        self.tracks.end_frame(frame)
        if self.spool is not None:
            self.spool.write(frame, [(track_id, mask.rle) for track_id, _, mask in seen if mask.area])

    def result(self, length: int, top_k: int | None, missed: Sequence[Anchor] = ()) -> VideoResult:
        """The result of the first `length` frames."""
        predictions = self.tracks.predictions(top_k)
        return VideoResult(self.size, length, predictions, self.tracks.results(), self.spool, missed)
