"""The presets: the sizes and categories of each checkpoint that the engine can load by name.

A preset only fixes numbers; `build.py` makes the net. Published ones follow the CTVIS configs (MIT): 100 queries with
ResNet-50 and every tracker threshold as in `TrackerConfig`. `demo` is this project's own small net for a laptop CPU.
"""

from engine.categories import OVIS, YTVIS_2019, YTVIS_2021, YTVIS_2022
from engine.config import Category, FrameFormat, ModelConfig, Preset


def _r50(name: str, categories: tuple[Category, ...]) -> Preset:
    return Preset(name, ModelConfig("resnet50", num_classes=len(categories)), categories)


def _demo() -> Preset:
    net = ModelConfig(
        "efficientnet_lite0",
        num_classes=len(YTVIS_2019),
        num_queries=24,
        hidden_dim=128,
        mask_dim=128,
        embed_dim=128,
        encoder_layers=3,
        encoder_ffn=512,
        decoder_layers=3,
        decoder_ffn=512,
    )
    return Preset("demo", net, YTVIS_2019, frame=FrameFormat(short_edge=192, max_edge=448))


PRESETS = {
    preset.name: preset
    for preset in (
        _r50("ytvis_2019_r50", YTVIS_2019),
        _r50("ytvis_2021_r50", YTVIS_2021),
        _r50("ytvis_2022_r50", YTVIS_2022),
        _r50("ovis_r50", OVIS),
        _demo(),
    )
}
