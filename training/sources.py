"""Builds the library of sprites and scenes that the demo model is trained on, from packages that anybody can install.

In: the unpacked npm package `@lobehub/fluent-emoji-3d`; the Debian packages `fonts-noto-color-emoji`, `mate-backgrounds`,
`lomiri-wallpapers-16.04`, `lomiri-wallpapers-20.04`, `tuxpaint-stamps-default` and, to draw its SVG stamps, `librsvg2-bin`;
the unpacked wheels of scikit-image and scikit-learn; a COCO folder (`images/`, `instances_train.json`, `instances_val.json`).
Out: `sprites/*.png` (RGBA cut-outs), `scenes/*.jpg` (and `*.ids.png`, maps of their annotated objects) and `index.json`,
which `training.sprites` and `training.backgrounds` read. Every entry names its licence: only MIT, OFL, CC0, CC-BY and
public domain entries may appear in what is shipped.

    python -m training.sources OUT --emoji PACKAGE/assets --wheels UNPACKED --coco COCO
"""

import argparse
import json
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pycocotools.coco import COCO

from engine.categories import YTVIS_2019
from training import source_tables as tables

CATEGORIES = tuple(category.name for category in YTVIS_2019)  # a category is its place here

MAX_SPRITE = 384  # pixels of the longer side
SCENE_SHORT_SIDE = 480
NOT_SHIPPED = "CC or GPL, see the package; not to be shipped"


def fluent_emoji(assets: Path) -> Iterator[tuple[str, str, Image.Image]]:
    """Yields (category, name, RGBA) of the 3D emoji."""
    for category, code_points in tables.FLUENT.items():
        for code in code_points.split():
            names = {code}
            if category == "person":
                names = {code + tone + gender for tone in tables.SKIN_TONES for gender in tables.GENDERS}
            for name in sorted(names):
                file = assets / f"{name}.webp"
                if not file.exists():
                    continue
                sprite = Image.open(file).convert("RGBA")
                if code in tables.RUNWAYS:
                    sprite = sprite.crop((0, 0, sprite.width, int(tables.RUNWAYS[code] * sprite.height)))
                yield category, name, without_water(sprite) if code in tables.ON_WATER else sprite


def without_water(sprite: Image.Image) -> Image.Image:
    """Makes the blue waves in the lower part of a drawn boat transparent."""
    pixels = np.array(sprite)
    red, blue = pixels[..., 0].astype(int), pixels[..., 2].astype(int)
    water = (blue - red > 70) & (np.arange(sprite.height)[:, None] > 0.6 * sprite.height)
    below = np.maximum.accumulate(water, axis=0)  # whatever shows under the waterline
    pixels[..., 3][below] = 0
    return Image.fromarray(pixels)


def noto_emoji(font_file: Path) -> Iterator[tuple[str, str, Image.Image]]:
    """Yields (category, code point, RGBA) of Noto Color Emoji, whose only bitmap size is 109."""
    font = ImageFont.truetype(str(font_file), 109)
    for category, code_points in tables.NOTO.items():
        for code in code_points.split():
            sprite = Image.new("RGBA", (136, 128))
            ImageDraw.Draw(sprite).text((0, 0), chr(int(code, 16)), font=font, embedded_color=True)
            yield category, code, sprite


def stamp(file: Path) -> Image.Image:
    """A Tux Paint stamp without its file ending: the PNG, or the SVG drawn by rsvg-convert."""
    png = file.with_suffix(".png")
    if png.exists():
        return Image.open(png).convert("RGBA")
    command = ["rsvg-convert", "-w", str(MAX_SPRITE), "-h", str(MAX_SPRITE), "-a", str(file.with_suffix(".svg"))]
    drawn = subprocess.run(command, check=True, capture_output=True).stdout
    return Image.open(BytesIO(drawn)).convert("RGBA")


def occluder_stamps(stamps: Path) -> Iterator[tuple[str, Image.Image]]:
    """Yields (name, RGBA) of plants, food, furniture and houses, which belong to no category."""
    for folder in tables.OCCLUDER_FOLDERS:
        for file in sorted((stamps / folder).glob("*.png")):
            sprite = Image.open(file).convert("RGBA")
            if not file.stem.endswith(("_mirror", "_flip")) and "duck" not in file.stem and min(sprite.size) >= 60:
                yield f"{folder.replace('/', '-')}-{file.stem}", sprite


def coco_cutouts(coco: COCO, images: Path) -> Iterator[tuple[str, str, Image.Image]]:
    """Yields (category, name, RGBA) of large objects that neither the picture's border nor another object cuts."""
    for annotation in coco.loadAnns(coco.getAnnIds(iscrowd=False)):
        category = tables.COCO_CATEGORIES.get(annotation["category_id"])
        info = coco.loadImgs(annotation["image_id"])[0]
        x, y, width, height = annotation["bbox"]
        inside = x > 3 and y > 3 and x + width < info["width"] - 3 and y + height < info["height"] - 3
        if category not in tables.FLUENT or not inside or annotation["area"] < 4000 or min(width, height) < 50:
            continue
        if (
            len(annotation["segmentation"]) > 1 or annotation["id"] in tables.BAD_CUTOUTS
        ):  # several polygons: something lies in front
            continue
        alpha = coco.annToMask(annotation) * np.uint8(255)
        photo = np.array(Image.open(images / info["file_name"]).convert("RGB"))
        yield category, str(annotation["id"]), Image.fromarray(np.dstack([photo, alpha]))


class Objects(NamedTuple):
    """Annotated objects of a photo: uint8 (H, W) with each pixel's 1-based object, 0 = none, and their 0-based categories."""

    ids: np.ndarray
    labels: list[int]


class Library:
    """Writes sprites and scenes into a folder and remembers what goes into its index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sprites: list[dict] = []
        self.scenes: list[dict] = []
        for name in ("sprites", "scenes"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def add_sprite(
        self, kind: str, name: str, category: str | None, sprite: Image.Image, split: str, licence: str
    ) -> None:
        """Crops the sprite to what shows, shrinks it to `MAX_SPRITE` and files it; no category: an occluder."""
        box = sprite.getchannel("A").point(lambda alpha: 255 * (alpha > 20)).getbbox()
        sprite = sprite.crop(box)
        sprite.thumbnail((MAX_SPRITE, MAX_SPRITE), Image.Resampling.LANCZOS)
        file = f"sprites/{kind}-{name}.png"
        sprite.save(self.folder / file)
        index = None if category is None else CATEGORIES.index(category)
        self.sprites.append({"file": file, "category": index, "kind": kind, "split": split, "licence": licence})

    def add_scene(
        self, kind: str, name: str, photo: Image.Image, split: str, licence: str, objects: Objects | None = None
    ) -> None:
        """Files a scene, shrunk to `SCENE_SHORT_SIDE`, with its annotated objects."""
        scale = min(1.0, SCENE_SHORT_SIDE / min(photo.size))
        size = (round(photo.width * scale), round(photo.height * scale))
        file = f"scenes/{kind}-{name}.jpg"
        photo.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(self.folder / file, quality=95)
        entry: dict = {"file": file, "ids": None, "labels": [], "kind": kind, "split": split, "licence": licence}
        if objects and objects.labels:
            entry |= {"ids": f"scenes/{kind}-{name}.ids.png", "labels": objects.labels}
            ids = Image.fromarray(objects.ids).resize(size, Image.Resampling.NEAREST)
            ids.save(self.folder / f"scenes/{kind}-{name}.ids.png")
        self.scenes.append(entry)

    def save_index(self) -> None:
        index = {"categories": CATEGORIES, "sprites": self.sprites, "scenes": self.scenes}
        (self.folder / "index.json").write_text(json.dumps(index, indent=1))


def add_sprites(library: Library, emoji: Path, noto: Path, stamps: Path) -> None:
    for category, name, sprite in fluent_emoji(emoji):
        library.add_sprite("emoji3d", name, category, sprite, "train", "MIT")
    for category, name, sprite in noto_emoji(noto):
        split = "heldout" if tables.NOTO[category].startswith(name) else "train"
        library.add_sprite("noto", name, category, sprite, split, "OFL-1.1")
    for category, files in tables.STAMPS.items():
        for file in files.split():
            library.add_sprite("stamp", Path(file).name, category, stamp(stamps / file), "train", NOT_SHIPPED)
    for name, sprite in occluder_stamps(stamps):
        library.add_sprite("stamp", name, None, sprite, "train", NOT_SHIPPED)


def add_coco(library: Library, folder: Path) -> None:
    """Cut-outs and scenes from the training part; from the validation part only scenes without objects, held out."""
    train = COCO(str(folder / "instances_train.json"))
    for category, name, sprite in coco_cutouts(train, folder / "images"):
        library.add_sprite("coco", name, category, sprite, "train", NOT_SHIPPED)
    for split, coco in (("train", train), ("heldout", COCO(str(folder / "instances_val.json")))):
        for info in coco.loadImgs(coco.getImgIds()):
            annotations = coco.imgToAnns[info["id"]]
            known = [a for a in annotations if a["category_id"] in tables.COCO_CATEGORIES]
            if (
                info["id"] in tables.BAD_SCENES
                or any(a["iscrowd"] for a in known)
                or not annotations
                or (split == "heldout" and known)
            ):
                continue
            known.sort(key=lambda a: -a["area"])  # where two overlap, the smaller one lies in front
            ids = np.zeros((info["height"], info["width"]), np.uint8)
            for number, annotation in enumerate(known, start=1):
                ids[coco.annToMask(annotation) > 0] = number
            labels = [CATEGORIES.index(tables.COCO_CATEGORIES[a["category_id"]]) for a in known]
            photo = Image.open(folder / "images" / info["file_name"])
            library.add_scene("coco", Path(info["file_name"]).stem, photo, split, NOT_SHIPPED, Objects(ids, labels))


def add_wallpapers(library: Library, wallpapers: Path, wheels: Path) -> None:
    for split, names in tables.WALLPAPERS.items():
        for name in names:
            library.add_scene("wallpaper", Path(name).stem, Image.open(wallpapers / name), split, NOT_SHIPPED)
    for split, photos in tables.PHOTOS.items():
        for name, licence in photos:
            library.add_scene("photo", Path(name).stem, Image.open(wheels / name), split, licence)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of the library")
    parser.add_argument("--emoji", type=Path, required=True, help="`assets` folder of the unpacked npm package")
    parser.add_argument(
        "--wheels", type=Path, required=True, help="folder with the unpacked scikit-image and scikit-learn wheels"
    )
    parser.add_argument("--coco", type=Path, required=True, help="folder with images/ and instances_{train,val}.json")
    parser.add_argument("--noto", type=Path, default=Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"))
    parser.add_argument("--stamps", type=Path, default=Path("/usr/share/tuxpaint/stamps"))
    parser.add_argument("--wallpapers", type=Path, default=Path("/usr/share/backgrounds"))
    arguments = parser.parse_args()
    library = Library(arguments.out)
    add_sprites(library, arguments.emoji, arguments.noto, arguments.stamps)
    add_coco(library, arguments.coco)
    add_wallpapers(library, arguments.wallpapers, arguments.wheels)
    library.save_index()
    print(f"{len(library.sprites)} sprites and {len(library.scenes)} scenes in {arguments.out}")


if __name__ == "__main__":
    main()
