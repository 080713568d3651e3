"""How the published CTVIS checkpoints name their tensors, and how this engine does: a table, applied both ways.

Published files follow detectron2 (`backbone.*`, `sem_seg_head.pixel_decoder.*`, `sem_seg_head.predictor.*`). Mask2Former's COCO
files name the query features `static_query`, and the oldest lack `pixel_decoder.` in the pixel decoder's names.
"""

import re

# The beginnings of names, published -> ours. {} stands for a number; the longest beginning that fits counts.
_TABLE = {
    "backbone.": "backbone.",
    "sem_seg_head.pixel_decoder.transformer.encoder.layers.": "pixel_decoder.encoder.",
    "sem_seg_head.pixel_decoder.transformer.level_embed": "pixel_decoder.level_embed",
    "sem_seg_head.pixel_decoder.adapter_1.norm.": "pixel_decoder.lateral.1.",
    "sem_seg_head.pixel_decoder.adapter_1.": "pixel_decoder.lateral.0.",
    "sem_seg_head.pixel_decoder.layer_1.norm.": "pixel_decoder.output.1.",
    "sem_seg_head.pixel_decoder.layer_1.": "pixel_decoder.output.0.",
    "sem_seg_head.pixel_decoder.": "pixel_decoder.",
    "sem_seg_head.predictor.transformer_cross_attention_layers.{}.multihead_attn.": "query_decoder.layers.{}.cross_attn.",
    "sem_seg_head.predictor.transformer_cross_attention_layers.{}.norm.": "query_decoder.layers.{}.cross_attn.norm.",
    "sem_seg_head.predictor.transformer_self_attention_layers.{}.self_attn.": "query_decoder.layers.{}.self_attn.",
    "sem_seg_head.predictor.transformer_self_attention_layers.{}.norm.": "query_decoder.layers.{}.self_attn.norm.",
    "sem_seg_head.predictor.transformer_ffn_layers.{}.": "query_decoder.layers.{}.ffn.",
    "sem_seg_head.predictor.decoder_norm.": "query_decoder.norm.",
    "sem_seg_head.predictor.mask_embed.layers.0.": "query_decoder.mask_embed.0.",
    "sem_seg_head.predictor.mask_embed.layers.1.": "query_decoder.mask_embed.2.",
    "sem_seg_head.predictor.mask_embed.layers.2.": "query_decoder.mask_embed.4.",
    "sem_seg_head.predictor.reid_embed.layers.0.": "query_decoder.reid_embed.0.",
    "sem_seg_head.predictor.reid_embed.layers.1.": "query_decoder.reid_embed.2.",
    "sem_seg_head.predictor.reid_embed.layers.2.": "query_decoder.reid_embed.4.",
    "sem_seg_head.predictor.": "query_decoder.",
}

# Published tensors that the net computes by itself or that only a training criterion holds.
DROPPED = ("criterion.empty_weight", "pixel_mean", "pixel_std", "num_batches_tracked", "relative_position_index")

_OLDEST = re.compile(r"^sem_seg_head\.(?!pixel_decoder\.|predictor\.)")


def to_ours(name: str) -> str | None:
    """Our name of a published tensor; None if it is to be dropped. A name that no rule knows comes back as it is."""
    if name.endswith(DROPPED):
        return None
    name = _OLDEST.sub("sem_seg_head.pixel_decoder.", name).replace(
        ".predictor.static_query.", ".predictor.query_feat."
    )
    return _renamed(name, _TO_OURS)


def to_published(name: str) -> str:
    """The name that published CTVIS files give to a tensor of ours."""
    return _renamed(name, _TO_PUBLISHED)


_Rules = list[tuple[re.Pattern[str], str]]


def _rules(table: dict[str, str]) -> _Rules:
    """Longer beginnings first, since they are the exceptions from the shorter ones."""
    return [
        (re.compile("^" + re.escape(before).replace(r"\{\}", r"(\d+)")), after.replace("{}", r"\1"))
        for before, after in sorted(table.items(), key=lambda pair: -len(pair[0]))
    ]


def _renamed(name: str, rules: _Rules) -> str:
    for pattern, replacement in rules:
        if pattern.match(name):
            return pattern.sub(replacement, name)
    return name


_TO_OURS = _rules(_TABLE)
_TO_PUBLISHED = _rules({ours: published for published, ours in _TABLE.items()})
