"""From a preset to a net with fresh weights. The only place where configuration meets modules."""

from typing import TYPE_CHECKING

from torch import nn

from engine.config import Preset
from engine.errors import CtvisError
from engine.model import CTVIS
from engine.pixel_decoder import PixelDecoder
from engine.presets import PRESETS
from engine.query_decoder import QueryDecoder
from engine.resnet import ResNet50
from engine.swin import Swin, swin_l

if TYPE_CHECKING:
    from engine.timm_backbone import TimmBackbone


def find_preset(name: str) -> Preset:
    """The preset of that name. Raises CtvisError with the list of names if there is none."""
    if name not in PRESETS:
        raise CtvisError(f'There is no preset "{name}". Known presets: {", ".join(PRESETS)}.')
    return PRESETS[name]


def build_model(preset: str | Preset) -> CTVIS:
    """A net of the preset's size with random weights, in float32 on the CPU, in evaluation mode."""
    preset = find_preset(preset) if isinstance(preset, str) else preset
    size = preset.model
    backbone = _backbone(size.backbone)
    pixel_decoder = PixelDecoder(
        channels=backbone.channels,
        dim=size.hidden_dim,
        mask_dim=size.mask_dim,
        num_heads=size.num_heads,
        layers=size.encoder_layers,
        ffn_dim=size.encoder_ffn,
        points=size.encoder_points,
    )
    query_decoder = QueryDecoder(
        num_classes=size.num_classes,
        num_queries=size.num_queries,
        dim=size.hidden_dim,
        mask_dim=size.mask_dim,
        embed_dim=size.embed_dim,
        num_heads=size.num_heads,
        layers=size.decoder_layers,
        ffn_dim=size.decoder_ffn,
    )
    _initialise(pixel_decoder, query_decoder)
    return CTVIS(backbone, pixel_decoder, query_decoder, preset.frame).eval()


def _backbone(name: str) -> "ResNet50 | Swin | TimmBackbone":
    if name == "resnet50":
        return ResNet50()
    if name == "swin_l":
        return swin_l()
    from engine.timm_backbone import TimmBackbone  # timm takes seconds to import: only who needs it waits

    return TimmBackbone(name)


def _initialise(pixel_decoder: PixelDecoder, query_decoder: QueryDecoder) -> None:
    """As Mask2Former starts: Xavier for what is linear, Kaiming for convolutions."""
    for module in query_decoder.layers.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
    for module in pixel_decoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, a=1)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
