"""COCO's images as videos of one frame, under the categories of a video data set: what joint training makes pseudo-videos of.

In: COCO instances (the parsed json) and the name of a data set. Out: a YouTube-VIS ground truth with the masks untouched.
The category maps are those that CTVIS was published with, deliberate noise included: bicycles are motorbikes and skis are
snowboards in YouTube-VIS, which has neither; COCO's birds are left out for OVIS although it has a Bird. Images without an
object of a mapped category are left out, and so are the other objects of those that stay, and outlines of fewer than three
points. Pictures are not opened.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from engine.categories import OVIS, YTVIS_2019, YTVIS_2021
from engine.config import Category
from engine.errors import DataError

_VEHICLE = "Vehical"  # OVIS's own spelling
TARGETS: dict[str, tuple[Category, ...]] = {"ytvis_2019": YTVIS_2019, "ytvis_2021": YTVIS_2021, "ovis": OVIS}

# COCO's name: the names in YouTube-VIS 2019, 2021 (and 2022) and OVIS; None: left out
MAPS: dict[str, tuple[str | None, str | None, str | None]] = {
    "person": ("person", "person", "Person"),
    "bicycle": ("motorbike", "motorbike", "Bicycle"),
    "car": ("sedan", "car", _VEHICLE),
    "motorcycle": ("motorbike", "motorbike", "Motorcycle"),
    "airplane": ("airplane", "airplane", "Airplane"),
    "bus": (None, None, _VEHICLE),
    "train": ("train", "train", None),
    "truck": ("truck", "truck", _VEHICLE),
    "boat": ("boat", "boat", "Boat"),
    "bird": (None, "bird", None),
    "cat": ("cat", "cat", "Cat"),
    "dog": ("dog", "dog", "Dog"),
    "horse": ("horse", "horse", "Horse"),
    "sheep": (None, None, "Sheep"),
    "cow": ("cow", "cow", "Cow"),
    "elephant": ("elephant", "elephant", "Elephant"),
    "bear": ("bear", "bear", "Bear"),
    "zebra": ("zebra", "zebra", "Zebra"),
    "giraffe": ("giraffe", "giraffe", "Giraffe"),
    "frisbee": (None, "flying_disc", None),
    "skis": ("snowboard", "snowboard", None),
    "snowboard": ("snowboard", "snowboard", None),
    "skateboard": ("skateboard", "skateboard", None),
    "surfboard": ("surfboard", "surfboard", None),
    "tennis racket": ("tennis_racket", "tennis_racket", None),
}


def category_map(target: str) -> dict[str, Category]:
    """The category of the target data set for each of COCO's names that has one."""
    if target not in TARGETS:
        raise DataError(f'There is no category map for "{target}"; there are {", ".join(TARGETS)}.')
    column = list(TARGETS).index(target)
    by_name = {category.name: category for category in TARGETS[target]}
    return {name: by_name[mapped] for name, names in MAPS.items() if (mapped := names[column]) is not None}


def coco_to_ytvis(coco: Mapping[str, Any], target: str) -> dict[str, Any]:
    """COCO instances as a YouTube-VIS ground truth of videos of one frame each."""
    for key in ("images", "annotations", "categories"):
        if not isinstance(coco, Mapping) or not isinstance(coco.get(key), list):
            raise DataError(f'This is no COCO instances file: it has no list "{key}".')
    try:
        videos, annotations = _converted(coco, category_map(target))
    except (KeyError, TypeError) as fault:
        raise DataError(f"This is no COCO instances file: of an entry, this is missing or wrong: {fault}.") from fault
    return {
        "info": {"description": f"COCO images as videos of one frame, under the categories of {target}"},
        "videos": videos,
        "categories": [{"id": category.id, "name": category.name} for category in TARGETS[target]],
        "annotations": annotations,
    }


def _converted(
    coco: Mapping[str, Any], mapped: Mapping[str, Category]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Videos and annotations."""
    categories = {entry["id"]: mapped[entry["name"]] for entry in coco["categories"] if entry["name"] in mapped}
    by_image: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for annotation in coco["annotations"]:
        if annotation["category_id"] in categories and _outlined(annotation["segmentation"]):
            by_image[annotation["image_id"]].append(annotation)
    images = [image for image in coco["images"] if image["id"] in by_image]
    videos = [
        {"id": image["id"], "width": image["width"], "height": image["height"], "length": 1}
        | {"file_names": [image["file_name"]]}
        for image in images
    ]
    annotations = [
        {
            "id": annotation["id"],
            "video_id": image["id"],
            "category_id": categories[annotation["category_id"]].id,
            "segmentations": [_outlined(annotation["segmentation"])],
            "areas": [annotation["area"]],
            "bboxes": [annotation["bbox"]],
            "iscrowd": annotation.get("iscrowd", 0),
            "height": image["height"],
            "width": image["width"],
        }
        for image in images
        for annotation in by_image[image["id"]]
    ]
    return videos, annotations


def _outlined(segmentation: Any) -> Any:
    """A mask as it is, without outlines that enclose nothing."""
    if not isinstance(segmentation, list):
        return segmentation
    return [outline for outline in segmentation if len(outline) >= 6 and len(outline) % 2 == 0]
