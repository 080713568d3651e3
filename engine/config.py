"""The numbers that describe a model, its frames and its tracker.

Plain frozen dataclasses with the published values as defaults. `presets.py` fixes them per checkpoint; `build.py` turns
them into modules. No net, no tracker reads anything else, and nothing here knows how they are used.
"""

import math
from dataclasses import asdict, dataclass, field, replace
from numbers import Integral, Real
from typing import Any

from engine.errors import ConfigError


@dataclass(frozen=True)
class FrameFormat:
    """What a frame looks like when it enters the net: RGB, 0..255, resized, normalised, zero-padded at the right and bottom."""

    short_edge: int = 480  # pixels, after resizing with the aspect kept
    max_edge: int = 1333  # pixels: the longer edge never exceeds this
    divisor: int = 32  # height and width are padded to multiples of this
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)

    def at(self, short_edge: int) -> "FrameFormat":
        """The same at another size. The limit for the longer edge grows along, or it would undo the wish on wide videos."""
        return replace(self, short_edge=short_edge, max_edge=max(self.max_edge, 4 * short_edge))


@dataclass(frozen=True)
class ModelConfig:
    """The size of a CTVIS net. `backbone` is "resnet50", "swin_l" or any name that timm's `features_only` knows."""

    backbone: str
    num_classes: int
    num_queries: int = 100
    hidden_dim: int = 256
    mask_dim: int = 256
    embed_dim: int = 256
    num_heads: int = 8
    encoder_layers: int = 6
    encoder_ffn: int = 1024
    encoder_points: int = 4
    decoder_layers: int = 9
    decoder_ffn: int = 2048


@dataclass(frozen=True)
class TrackerConfig:
    """The tracker's thresholds; the defaults are those of every published checkpoint. Absences are counted in frames.

    The last six go beyond the reference and are off by default. Numbers that make no sense raise a `ConfigError`.
    """

    select_threshold: float = 0.01  # a query below this class probability is not looked at
    nms_threshold: float = 0.6  # mask IoU above which the worse of two queries is dropped
    match_threshold: float = 0.3  # a query joins a track above this similarity
    init_threshold: float = 0.01  # an unmatched query above this starts a track
    max_absence: int = 20  # a track unseen for more frames than this leaves the bank
    memory_length: int = 10  # embeddings kept per track for the momentum
    frame_weight: bool = True  # greedy matching: prefer long tracks where two or more compete
    filter_after: int = 8  # the noise filter acts after this frame index ...
    filter_absent: int = 2  # ... on tracks with at least this many trailing absent frames
    filter_observed: int = 3  # ... and fewer observed frames than this
    matching: str = "greedy"  # "greedy": best score chooses first; "hungarian": the greatest sum of similarities
    class_aware_nms: bool = False  # only queries of the same likeliest category are duplicates of each other
    max_absence_seconds: float | None = None  # takes the place of max_absence where the frame rate is known
    min_length: int = 1  # a track observed in fewer frames is no part of the result
    one_label: bool = False  # a track is in the result once, as its likeliest category, not under several
    top_k: int | None = None  # (track, category) pairs in a video's result; None: as many as there are categories

    def __post_init__(self) -> None:
        for name in ("select_threshold", "nms_threshold", "match_threshold", "init_threshold"):
            _check(name, getattr(self, name), 0.0, 1.0)
        for name, least in _LEAST_COUNTS.items():
            if (value := getattr(self, name)) is not None or name != "top_k":
                _check(name, value, least, whole=True)
        if self.max_absence_seconds is not None:
            _check("max_absence_seconds", self.max_absence_seconds, 0.0)
        if self.matching not in MATCHINGS:
            raise ConfigError(
                f"The tracker's matching is '{self.matching}', but must be one of: {', '.join(MATCHINGS)}."
            )

    def at_rate(self, frames_per_second: float | None) -> "TrackerConfig":
        """The same with `max_absence_seconds` turned into frames, for a video whose frames are tracked at this rate."""
        if self.max_absence_seconds is None:
            return self
        if frames_per_second is None:
            raise ConfigError("The tracker's max_absence_seconds needs the frame rate of the video: give fps with it.")
        frames = round(self.max_absence_seconds * frames_per_second)
        return replace(self, max_absence=frames, max_absence_seconds=None)


MATCHINGS = ("greedy", "hungarian")
_LEAST_COUNTS = {
    "max_absence": 0,
    "memory_length": 1,
    "filter_after": 0,
    "filter_absent": 0,
    "filter_observed": 0,
    "min_length": 1,
    "top_k": 1,
}


def _check(name: str, value: Any, least: float, most: float = math.inf, whole: bool = False) -> None:
    """Raise ConfigError unless value is a number (a whole one) from least to most."""
    is_number = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if is_number and least <= value <= most and value != math.inf:
        return
    limits = f"of at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
    raise ConfigError(f"The tracker's {name} is {value!r}, but must be a {'whole ' if whole else ''}number {limits}.")


@dataclass(frozen=True)
class Category:
    """One category of a dataset. `id` is the dataset's own, usually 1-based; nets use the 0-based place in the list."""

    id: int
    name: str


@dataclass(frozen=True)
class Preset:
    """Everything that belongs to one published (or own) checkpoint."""

    name: str
    model: ModelConfig
    categories: tuple[Category, ...]
    frame: FrameFormat = field(default_factory=FrameFormat)
    tracker: TrackerConfig = field(default_factory=TrackerConfig)

    @property
    def top_k(self) -> int:
        """How many (track, category) pairs of a video are predictions: by default as many as there are categories."""
        return self.tracker.top_k or self.model.num_classes

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Preset":
        """The inverse of `to_dict`. Unknown keys raise TypeError."""
        frame: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values["frame"].items()}
        return cls(
            name=values["name"],
            model=ModelConfig(**values["model"]),
            categories=tuple(Category(**category) for category in values["categories"]),
            frame=FrameFormat(**frame),
            tracker=TrackerConfig(**values["tracker"]),
        )
