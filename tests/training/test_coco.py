"""COCO becomes videos of one frame under each data set's categories, by the published maps."""

import json

import pytest

from engine.errors import DataError
from training.coco import MAPS, TARGETS, category_map, coco_to_ytvis
from training.ytvis import read_dataset

COCO = {
    "images": [{"id": i, "file_name": f"{i}.jpg", "width": 30, "height": 20} for i in (1, 2, 3)],
    "categories": [{"id": i, "name": name} for i, name in [(1, "person"), (2, "bicycle"), (16, "bird"), (44, "bottle")]],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9, 1, 9]], "area": 64, "bbox": [1, 1, 8, 8]},
        {"id": 2, "image_id": 1, "category_id": 44, "segmentation": [[1, 1, 9, 1, 9, 9]], "area": 32, "bbox": [1, 1, 8, 8]},
        {"id": 3, "image_id": 2, "category_id": 16, "segmentation": [[1, 1, 9, 1, 9, 9]], "area": 32, "bbox": [1, 1, 8, 8]},
        {"id": 4, "image_id": 3, "category_id": 2, "iscrowd": 1, "area": 300, "bbox": [0, 0, 30, 10]}
        | {"segmentation": {"size": [20, 30], "counts": [0, 300, 300]}},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("ytvis_2019", {1: "person", 3: "motorbike"}),  # birds have no category there, bicycles are motorbikes
        ("ytvis_2021", {1: "person", 2: "bird", 3: "motorbike"}),
        ("ovis", {1: "Person", 3: "Bicycle"}),  # the published map leaves birds out, though OVIS has them
    ],
)
def test_objects_get_the_category_of_the_published_map(target, named):
    dataset = read_dataset(json.loads(json.dumps(coco_to_ytvis(COCO, target))))
    assert {it.video_id: dataset.categories[it.category_id].name for it in dataset.instances} == named
    assert set(dataset.videos) == set(named)
    assert tuple(dataset.categories.values()) == TARGETS[target]


def test_masks_areas_and_crowds_are_kept():
    dataset = read_dataset(coco_to_ytvis(COCO, "ytvis_2019"))
    person, crowd = dataset.instances
    assert (person.areas, person.crowd, crowd.crowd) == ((64.0,), False, True)
    assert len(person.segmentations) == 1 and person.segmentations[0] is not None
    assert dataset.videos[1].file_names == ("1.jpg",)


def test_as_many_categories_as_published_have_a_source():
    sources = {target: len(set(category_map(target).values())) for target in TARGETS}
    assert sources == {"ytvis_2019": 19, "ytvis_2021": 21, "ovis": 15}
    mapped = {target: len(category_map(target)) for target in TARGETS}
    assert mapped == {"ytvis_2019": 21, "ytvis_2021": 23, "ovis": 17}
    assert len(MAPS) == 25


def test_outlines_that_enclose_nothing_are_left_out():
    annotations = [{**COCO["annotations"][0], "id": k, "image_id": k} for k in (1, 2)]
    annotations[0]["segmentation"] = [[1, 1, 9, 1], *annotations[0]["segmentation"]]
    annotations[1]["segmentation"] = [[1, 1, 9, 1]]
    (person,) = read_dataset(coco_to_ytvis({**COCO, "annotations": annotations}, "ovis")).instances
    assert person.video_id == 1


def test_an_unknown_target_and_another_kind_of_file_are_named():
    with pytest.raises(DataError, match="no category map"):
        coco_to_ytvis(COCO, "ytvis_2035")
    with pytest.raises(DataError, match='no list "images"'):
        coco_to_ytvis({"videos": []}, "ovis")
    with pytest.raises(DataError, match="missing or wrong: 'segmentation'"):
        coco_to_ytvis({**COCO, "annotations": [{"id": 1, "image_id": 1, "category_id": 1}]}, "ovis")
