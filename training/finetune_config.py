"""The numbers of a fine-tuning, and a proposal that suits the data and the machine.

`propose` knows how much there is to learn and what a step takes here as measured; it never guesses a speed. Every field's help
is a sentence for the person who sets it.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from engine.config import Preset
from engine.errors import ConfigError
from training.config import TrainConfig

# What is trained, by name: the beginnings of the names of the parameters that stay as they are.
FROZEN: Mapping[str, tuple[str, ...]] = {
    "heads": ("backbone.", "pixel_decoder.", "query_decoder.layers.", "query_decoder.query_", "query_decoder.level_"),
    "decoder": ("backbone.", "pixel_decoder."),
    "no backbone": ("backbone.",),
    "all": (),
}
FEWEST_STEPS, MOST_STEPS = 200, 4000
VIEWS = 40  # how often every frame is seen, more or less


def _help(default: Any, sentence: str, least: float = 0, most: float = math.inf) -> Any:
    return field(default=default, metadata={"help": sentence, "least": least, "most": most})


@dataclass(frozen=True)
class FinetuneConfig:
    """Settings of one fine-tuning. Nets are trained on clips of a few frames that are cut from what was verified."""

    steps: int = _help(
        400, "How many times the weights are changed. More take longer and learn the corrections better.", 1
    )
    learning_rate: float = _help(
        2e-4, "How far each step goes. Lower it if the losses jump or become worse.", 1e-7, 1e-1
    )
    trained: str = _help(
        "no backbone", "Which part learns: heads, decoder, no backbone, or all. Less is safer with little data."
    )
    short_edge: int = _help(
        192, "Height of the frames in pixels. Larger shows small objects and takes longer.", 32, 1600
    )
    clips: int = _help(2, "Clips in a step. More make the steps calmer and longer.", 1, 64)
    length: int = _help(3, "Frames in a clip. Two or more also teach to tell objects apart.", 1, 16)
    composed: float = _help(0.5, "Share of clips with cut-outs of the verified objects pasted in.", 0, 1)
    average: float = _help(0.99, "How slowly the averaged weights, which are kept, follow.", 0, 0.9999)
    blend: float = _help(
        0.5, "How much of what was trained goes into the new model. Less keeps more of what the old one knew.", 0, 1
    )
    validate_steps: int = _help(50, "Steps between two looks at the held-out videos.", 1)
    patience: int = _help(4, "Looks without an improvement after which training stops early; 0: never.", 0)
    sample_steps: int = _help(100, "Steps between two pictures of what the model finds; 0: none.", 0)
    autocast: str = _help("off", "bfloat16 computes in half precision where it is safe; off does not.")
    seed: int = _help(0, "Number that all random choices follow from.")

    def __post_init__(self) -> None:
        if self.trained not in FROZEN:
            raise ConfigError(f'"trained" is "{self.trained}", but must be one of: {", ".join(FROZEN)}.')
        if self.autocast not in ("off", "bfloat16"):
            raise ConfigError(f'"autocast" is "{self.autocast}", but must be off or bfloat16.')
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, str):
                continue
            least, most = each.metadata["least"], each.metadata["most"]
            kind, word = (int, "whole number") if isinstance(each.default, int) else (int | float, "number")
            if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
                limits = f"of at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
                raise ConfigError(f'"{each.name}" is {value!r}, but must be a {word} {limits}.')

    @property
    def frames_per_step(self) -> int:
        return self.clips * self.length

    @property
    def shape(self) -> str:
        """What the time of a step depends on, beside the net and the machine."""
        size = f"{self.clips} clips of {self.length} frames, short edge {self.short_edge}"
        return f"{size}, {self.trained} trained, {self.autocast}"

    def for_training(self) -> TrainConfig:
        """The same for `training.loop`."""
        return TrainConfig(
            steps=self.steps,
            learning_rate=self.learning_rate,
            schedule="cosine",
            warmup=0.05,
            frozen=FROZEN[self.trained],
            clip_norm=1.0,
            average=self.average,
            recipe="paper",
            rivals_only=True,
            autocast="bfloat16" if self.autocast == "bfloat16" else "off",
            points=2048,
            seed=self.seed,
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def changed(self, values: Mapping[str, Any]) -> "FinetuneConfig":
        """The same with other values; those that are None stay. Unknown names raise ConfigError."""
        known = {each.name for each in fields(self)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(f'There is no setting "{unknown[0]}". Settings: {", ".join(sorted(known))}.')
        return replace(self, **{name: value for name, value in values.items() if value is not None})


def settings_help() -> dict[str, str]:
    """A sentence for every setting."""
    return {each.name: each.metadata["help"] for each in fields(FinetuneConfig)}


def propose(preset: Preset, frames: int, new_categories: int) -> FinetuneConfig:
    """Settings for `frames` verified frames that teach, of which `new_categories` categories are new to the net."""
    base = FinetuneConfig(short_edge=preset.frame.short_edge)
    steps = VIEWS * frames / base.frames_per_step * (1.5 if new_categories else 1.0)
    steps = int(min(MOST_STEPS, max(FEWEST_STEPS, 50 * round(steps / 50))))
    return replace(
        base,
        steps=steps,
        trained="decoder" if frames < 5 else "no backbone",
        validate_steps=max(25, steps // 5),
        sample_steps=max(25, steps // 5),
    )
