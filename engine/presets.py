"""The presets: the sizes and categories of each checkpoint that the engine can load by name.

A preset only fixes numbers; `build.py` makes the net. Published ones follow the CTVIS configs (MIT): 100 queries with
ResNet-50, 200 with Swin-L, and every tracker threshold as in `TrackerConfig`. `demo` is this project's own small net for a
laptop CPU; `own_preset` makes one for any backbone of timm.
"""

from dataclasses import replace

from engine.categories import OVIS, YTVIS_2019, YTVIS_2021, YTVIS_2022
from engine.config import Category, FrameFormat, ModelConfig, Preset


def _r50(name: str, categories: tuple[Category, ...]) -> Preset:
    return Preset(name, ModelConfig("resnet50", num_classes=len(categories)), categories)


def _swin_l(name: str, categories: tuple[Category, ...]) -> Preset:
    return Preset(name, ModelConfig("swin_l", num_classes=len(categories), num_queries=200), categories)


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


def own_preset(
    name: str, backbone: str, categories: tuple[Category, ...], frame: FrameFormat | None = None, **sizes: int
) -> Preset:
    """A preset for a net of your own. `backbone`: any name that timm knows, `sizes`: fields of ModelConfig.

    Frames are normalised as the backbone's own ImageNet weights expect it, unless `frame` says how.
    """
    net = ModelConfig(backbone, num_classes=len(categories), **sizes)
    return Preset(name, net, categories, frame=frame or _frame_for(backbone, FrameFormat()))


def with_backbone(preset: Preset, backbone: str) -> Preset:
    """The same net on another backbone, which sees frames as its own ImageNet weights expect them."""
    return replace(
        preset,
        name=f"{preset.name}_{backbone}",
        model=replace(preset.model, backbone=backbone),
        frame=_frame_for(backbone, preset.frame),
    )


def _frame_for(backbone: str, like: FrameFormat) -> FrameFormat:
    if backbone in ("resnet50", "swin_l"):
        return FrameFormat(like.short_edge, like.max_edge)
    from engine.timm_backbone import frame_format  # timm takes seconds to import: only who needs it waits

    return frame_format(backbone, like.short_edge, like.max_edge)


_DATASETS = {"ytvis_2019": YTVIS_2019, "ytvis_2021": YTVIS_2021, "ytvis_2022": YTVIS_2022, "ovis": OVIS}

PRESETS = {
    preset.name: preset
    for preset in (
        *(_r50(f"{dataset}_r50", categories) for dataset, categories in _DATASETS.items()),
        *(_swin_l(f"{dataset}_swin_l", categories) for dataset, categories in _DATASETS.items()),
        _demo(),
    )
}
