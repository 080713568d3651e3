"""Real nets, as small as they come, for tests that need one."""

from engine import Category, FrameFormat, ModelConfig, Preset

CAT_AND_DOG = (Category(1, "cat"), Category(2, "dog"))


def tiny_preset(categories: tuple[Category, ...] = CAT_AND_DOG, backbone: str = "resnet18") -> Preset:
    """A CTVIS net that sees frames 64 pixels high and runs in milliseconds."""
    size = ModelConfig(
        backbone,
        num_classes=len(categories),
        num_queries=8,
        hidden_dim=32,
        mask_dim=32,
        embed_dim=32,
        num_heads=4,
        encoder_layers=1,
        encoder_ffn=32,
        decoder_layers=2,
        decoder_ffn=32,
    )
    return Preset("tiny", size, categories, FrameFormat(short_edge=64))
