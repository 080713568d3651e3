"""The model zoo: the published checkpoints that the presets are for, and the COCO models that training starts from.

Only what the authors printed: the CTVIS abstract and README, and Mask2Former's model zoo. Where no figure could be verified, there
is none. `place` is the file itself where it can be fetched without a browser, else the page that leads to it.
"""

from dataclasses import dataclass

CTVIS_PAGE = "https://github.com/KainingYing/CTVIS"
ABSTRACT = "abstract of arXiv 2307.12616"
README = "README of the authors' repository, commit 046ebbe"
MASK2FORMER_FILES = "https://dl.fbaipublicfiles.com/maskformer/mask2former/coco/instance"


@dataclass(frozen=True)
class Published:
    """A checkpoint that others made. fits: the presets it is for. ap: in percent, as `source` says; None where not known."""

    fits: str
    dataset: str
    backbone: str
    place: str
    ap: float | None = None
    source: str = ""


def _ctvis(preset: str, dataset: str, ap: float | None = None, source: str = "") -> Published:
    backbone = "ResNet-50" if preset.endswith("r50") else "Swin-L"
    return Published(preset, dataset, backbone, CTVIS_PAGE, ap, source)


def _start(presets: str, backbone: str, file: str) -> Published:
    return Published(presets, "COCO, to train from", backbone, f"{MASK2FORMER_FILES}/{file}")


ZOO = (
    _ctvis("ytvis_2019_r50", "YouTube-VIS 2019", 55.1, f"{ABSTRACT}; the README has said 55.1 and 55.2"),
    _ctvis("ytvis_2019_swin_l", "YouTube-VIS 2019", 65.6, README),
    _ctvis("ytvis_2021_r50", "YouTube-VIS 2021", 50.1, ABSTRACT),
    _ctvis("ytvis_2021_swin_l", "YouTube-VIS 2021", 61.2, README),
    _ctvis("ytvis_2022_r50", "YouTube-VIS 2022", 44.9, README),
    _ctvis("ytvis_2022_swin_l", "YouTube-VIS 2022", 53.8, README),
    _ctvis("ovis_r50", "OVIS", 35.5, ABSTRACT),
    _ctvis("ovis_swin_l", "OVIS", 46.9, README),
    _start("all *_r50", "ResNet-50", "maskformer2_R50_bs16_50ep/model_final_3c8ec9.pkl"),
    _start("all *_swin_l", "Swin-L", "maskformer2_swin_large_IN21k_384_bs16_100ep/model_final_e5f453.pkl"),
)
