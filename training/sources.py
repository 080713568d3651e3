"""Builds the library of sprites and scenes that the demo model is trained on, from packages that anybody can install.

In: the unpacked npm package `@lobehub/fluent-emoji-3d`; the Debian packages `fonts-noto-color-emoji`, `tuxpaint-stamps-default` (its SVG stamps
need `librsvg2-bin`), `mate-backgrounds`, `lomiri-wallpapers-16.04`, `lomiri-wallpapers-20.04`; the unpacked wheels of scikit-image and scikit-learn;
a COCO folder (`images/`, `instances_train.json`, `instances_val.json`).
Out: `sprites/*.png` (RGBA cut-outs), `scenes/*.jpg` (+ `*.ids.png` instance maps) and `index.json`, which `training.sprites` and
`training.backgrounds` read. Every entry names its licence: only "MIT", "OFL-1.1", "CC0-1.0" and "CC-BY-2.0" entries may appear in what is shipped.

    python -m training.sources OUT --emoji PACKAGE/assets --wheels UNPACKED --coco COCO
"""

import argparse
import json
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pycocotools.coco import COCO

# YouTube-VIS 2019 names in official order; a category is its position here (0-based).
CATEGORIES = (
    "person giant_panda lizard parrot skateboard sedan ape dog snake monkey hand rabbit duck cat cow fish train horse turtle bear motorbike "
    "giraffe leopard fox deer owl surfboard airplane truck zebra tiger elephant snowboard boat shark mouse frog eagle earless_seal tennis_racket"
).split()
COCO_TO_CATEGORY = {
    1: "person", 2: "motorbike", 3: "sedan", 4: "motorbike", 5: "airplane", 7: "train", 8: "truck", 9: "boat", 17: "cat", 18: "dog",
    19: "horse", 21: "cow", 22: "elephant", 23: "bear", 24: "zebra", 25: "giraffe", 35: "snowboard", 36: "snowboard", 41: "skateboard",
    42: "surfboard", 43: "tennis_racket",
}  # fmt: skip

# Code points; a person's also stand for their skin tones and genders where the package has them.
EMOJI = {
    "person": "1f6b6 1f3c3 1f483 1f57a 1f9cd 1f9ce 1f574-fe0f 1f938 1f9d8 1f646 1f64b 1f64d 1f937",
    "dog": "1f415 1f9ae 1f415-200d-1f9ba 1f429 1f436",
    "cat": "1f408 1f408-200d-2b1b 1f431",
    "horse": "1f40e 1f434",
    "cow": "1f404 1f402 1f42e",
    "elephant": "1f418",
    "zebra": "1f993",
    "giraffe": "1f992",
    "bear": "1f43b 1f43b-200d-2744-fe0f",
    "rabbit": "1f407 1f430",
    "duck": "1f986",
    "fish": "1f41f 1f420 1f421",
    "airplane": "2708-fe0f 1f6e9-fe0f 1f6eb 1f6ec",
    "boat": "26f5 1f6a4 1f6f6 1f6e5-fe0f",
    "truck": "1f69a 1f69b 1f6fb 1f692 1f691",
    "sedan": "1f697 1f695 1f693 1f699 1f698 1f696 1f694",
}
SKIN_TONES = ("", "-1f3fb", "-1f3fd", "-1f3ff")
GENDERS = ("", "-200d-2640-fe0f", "-200d-2642-fe0f")
RUNWAYS = {"1f6eb": 0.68, "1f6ec": 0.68}  # share of the height above the runway
WATER = {"26f5", "1f6a4", "1f6f6", "1f6e5-fe0f"}  # boats drawn on water, which is cut away

# The first of each category is held out from training: another style than all the other sprites of that animal.
NOTO = {
    "person": "1f6b6 1f3c3 1f483 1f57a 1f9cd 1f9ce 1f574 1f938 1f9d8 1f64b",
    "dog": "1f415 1f9ae 1f429 1f436",
    "cat": "1f408 1f431",
    "horse": "1f40e 1f434",
    "cow": "1f404 1f402 1f42e",
    "elephant": "1f418",
    "zebra": "1f993",
    "giraffe": "1f992",
    "bear": "1f43b",
    "rabbit": "1f407 1f430",
    "duck": "1f986",
    "fish": "1f41f 1f420 1f421",
    "airplane": "2708 1f6e9",
    "boat": "26f5 1f6a4 1f6f6 1f6a2 1f6e5",
    "truck": "1f69a 1f69b 1f6fb 1f692 1f691",
    "sedan": "1f697 1f695 1f693 1f699 1f698 1f696",
}

STAMPS = {
    "person": "people/fireman200b people/fireman240a people/cartoon/woman_doctor people/cartoon/man_in_suit people/cartoon/woman_dancing "
    "people/cartoon/woman_police_officer_1 people/cartoon/woman_police_officer_2 people/cartoon/woman_nurse people/cartoon/woman_chemist",
    "dog": "animals/mammals/dogs/dog animals/mammals/dogs/dingo",
    "cat": "animals/mammals/cats/kitten",
    "horse": "animals/mammals/equines/horse",
    "cow": "animals/mammals/bovines/cow animals/mammals/bovines/cow_white animals/mammals/bovines/zebu animals/mammals/bovines/bull",
    "elephant": "animals/mammals/elephant",
    "zebra": "animals/mammals/equines/zebra animals/mammals/equines/zebra2",
    "giraffe": "animals/mammals/giraffe",
    "bear": "animals/mammals/bears/bear animals/mammals/bears/european-bear",
    "rabbit": "animals/mammals/rabbit_little animals/mammals/rodents/rabbit animals/mammals/rodents/rabbit-2",
    "duck": "animals/birds/drake animals/birds/duck",
    "fish": "animals/fish/bluegroper animals/fish/butterflyfish animals/fish/clownfish animals/fish/coraltrout animals/fish/dolphinfish "
    "animals/fish/lionfish animals/fish/moonwrasse animals/fish/stripedfish",
    "airplane": "military/vehicles/f22_raptor vehicles/flight/planes/747 vehicles/flight/planes/plane military/vehicles/mustang",
    "boat": "vehicles/ship/chineseJunk vehicles/ship/walnutBoat vehicles/ship/sail_boat1 vehicles/ship/sail_boat2 vehicles/ship/cartoon/tugboat",
    "truck": "vehicles/auto/truck vehicles/garbagetruck vehicles/emergency/firetruck vehicles/blue_truck vehicles/iso_lorry1 "
    "vehicles/iso_lorry2 vehicles/iso_lorry3 vehicles/iso_lorry4 vehicles/toy_truck vehicles/construction/cartoon/terex",
    "sedan": "vehicles/auto/beetle vehicles/auto/sedan vehicles/auto/sportscar2 vehicles/auto/sportscar vehicles/auto/sportscar3",
}  # fmt: skip
OCCLUDER_FOLDERS = (
    "plants/trees",
    "plants/flowers",
    "plants/mushrooms",
    "food/fruit",
    "food/vegetables",
    "household",
    "hobbies/music",
    "town/houses",
)

# Wallpapers and photos with no object of a trained category in sight.
WALLPAPERS = (
    "mate/desktop/Float-into-MATE.png mate/desktop/Ubuntu-Mate-Cold-no-logo.png mate/desktop/Ubuntu-Mate-Warm-no-logo.png mate/nature/Aqua.jpg "
    "mate/nature/Blinds.jpg mate/nature/Dune.jpg mate/nature/FreshFlower.jpg mate/nature/Garden.jpg mate/nature/GreenMeadow.jpg "
    "mate/nature/RainDrops.jpg mate/nature/Storm.jpg mate/nature/TwoWings.jpg mate/nature/Wood.jpg mate/nature/YellowFlower.jpg "
    "Bridge_by_Sander_Klootwijk.jpg Fossa_by_Jasper_Roks.jpg Infinite-Sea_by_Aury88.jpg Painting-Colors_by__herobrine7gamer.jpg "
    "Picture_1A_by_freespace.jpg Wine_by_Jakkub_Mede.jpg aitzgorri_by_Aitzol_Berasategi.jpg analogpattern_by_Peter_Nerlich.jpg "
    "greentock_by_Peter_Nerlich.jpg seeding_by_Clements_Engelhardt.jpg umang_by_Abhishek_Mudgal.jpg"
).split()
HELDOUT_WALLPAPERS = (
    "life_by_Aitzol_Berasategi.jpg picosdeeuropa_by_Aitzol_Berasategi.jpg sunset_by_Aitzol_Berasategi.jpg".split()
)
PHOTOS = {"skimage/data": "brick.png grass.png gravel.png hubble_deep_field.jpg moon.png ihc.png".split()}
HELDOUT_PHOTOS = {"skimage/data": ["coffee.png", "rocket.jpg"], "sklearn/datasets/images": ["china.jpg", "flower.jpg"]}
PHOTO_LICENCES = {"skimage/data": "CC0-1.0", "sklearn/datasets/images": "CC-BY-2.0"}

# Found by eye. Annotations whose cut-out lacks a part or shows another object; pictures with unannotated look-alikes (a goose, plush animals).
BAD_CUTOUTS = {43, 285, 499, 1536, 1549, 1551, 1883, 1932, 1945, 1952, 2004, 2057, 2095, 2105, 2227}
BAD_SCENES = {425988, 491, 612, 114694, 208}

MAX_SPRITE = 384  # pixels of the longer side
SCENE_SHORT_SIDE = 480


def fluent_emoji(assets: Path) -> Iterator[tuple[str, str, Image.Image]]:
    """Yields (category, name, RGBA) of the 3D emoji."""
    for category, code_points in EMOJI.items():
        for code in code_points.split():
            names = {code}
            if category == "person":
                names = {code + tone + gender for tone in SKIN_TONES for gender in GENDERS}
            for name in sorted(names):
                file = assets / f"{name}.webp"
                if not file.exists():
                    continue
                sprite = Image.open(file).convert("RGBA")
                if code in RUNWAYS:
                    sprite = sprite.crop((0, 0, sprite.width, int(RUNWAYS[code] * sprite.height)))
                yield category, name, without_water(sprite) if code in WATER else sprite


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
    for category, code_points in NOTO.items():
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
    for folder in OCCLUDER_FOLDERS:
        for file in sorted((stamps / folder).glob("*.png")):
            sprite = Image.open(file).convert("RGBA")
            if not file.stem.endswith(("_mirror", "_flip")) and "duck" not in file.stem and min(sprite.size) >= 60:
                yield f"{folder.replace('/', '-')}-{file.stem}", sprite


def coco_cutouts(coco: COCO, images: Path) -> Iterator[tuple[str, str, Image.Image]]:
    """Yields (category, name, RGBA) of large objects that neither the picture's border nor another object cuts."""
    for annotation in coco.loadAnns(coco.getAnnIds(iscrowd=False)):
        category = COCO_TO_CATEGORY.get(annotation["category_id"])
        info = coco.loadImgs(annotation["image_id"])[0]
        x, y, width, height = annotation["bbox"]
        inside = x > 3 and y > 3 and x + width < info["width"] - 3 and y + height < info["height"] - 3
        if category not in EMOJI or not inside or annotation["area"] < 4000 or min(width, height) < 50:
            continue
        if (
            len(annotation["segmentation"]) > 1 or annotation["id"] in BAD_CUTOUTS
        ):  # several polygons: something lies in front
            continue
        alpha = coco.annToMask(annotation) * np.uint8(255)
        photo = np.array(Image.open(images / info["file_name"]).convert("RGB"))
        yield category, str(annotation["id"]), Image.fromarray(np.dstack([photo, alpha]))


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
        self,
        kind: str,
        name: str,
        photo: Image.Image,
        split: str,
        licence: str,
        ids: np.ndarray | None = None,
        labels: list[int] | None = None,
    ) -> None:
        """Files a scene; `ids` (H, W) gives each pixel's 1-based instance (0 = none) and `labels` the instances' categories."""
        scale = min(1.0, SCENE_SHORT_SIDE / min(photo.size))
        size = (round(photo.width * scale), round(photo.height * scale))
        file = f"scenes/{kind}-{name}.jpg"
        photo.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(self.folder / file, quality=95)
        ids_file = None
        if labels:
            ids_file = f"scenes/{kind}-{name}.ids.png"
            Image.fromarray(ids).resize(size, Image.Resampling.NEAREST).save(self.folder / ids_file)
        self.scenes.append(
            {"file": file, "ids": ids_file, "labels": labels or [], "kind": kind, "split": split, "licence": licence}
        )

    def save_index(self) -> None:
        index = {"categories": CATEGORIES, "sprites": self.sprites, "scenes": self.scenes}
        (self.folder / "index.json").write_text(json.dumps(index, indent=1))


def add_sprites(library: Library, emoji: Path, noto: Path, stamps: Path) -> None:
    for category, name, sprite in fluent_emoji(emoji):
        library.add_sprite("emoji3d", name, category, sprite, "train", "MIT")
    for category, name, sprite in noto_emoji(noto):
        split = "heldout" if NOTO[category].startswith(name) else "train"
        library.add_sprite("noto", name, category, sprite, split, "OFL-1.1")
    for category, files in STAMPS.items():
        for file in files.split():
            library.add_sprite("stamp", Path(file).name, category, stamp(stamps / file), "train", "GPL-2.0-or-later")
    for name, sprite in occluder_stamps(stamps):
        library.add_sprite("stamp", name, None, sprite, "train", "GPL-2.0-or-later")


def add_coco(library: Library, folder: Path) -> None:
    """Cut-outs and scenes from the training part; from the validation part only scenes without objects, held out."""
    licence = "CC (its Flickr owner's), not to be shipped"
    train = COCO(str(folder / "instances_train.json"))
    for category, name, sprite in coco_cutouts(train, folder / "images"):
        library.add_sprite("coco", name, category, sprite, "train", licence)
    for split, coco in (("train", train), ("heldout", COCO(str(folder / "instances_val.json")))):
        for info in coco.loadImgs(coco.getImgIds()):
            annotations = coco.imgToAnns[info["id"]]
            known = [a for a in annotations if a["category_id"] in COCO_TO_CATEGORY]
            if (
                info["id"] in BAD_SCENES
                or any(a["iscrowd"] for a in known)
                or not annotations
                or (split == "heldout" and known)
            ):
                continue
            known.sort(key=lambda a: -a["area"])  # where two overlap, the smaller one lies in front
            ids = np.zeros((info["height"], info["width"]), np.uint8)
            for number, annotation in enumerate(known, start=1):
                ids[coco.annToMask(annotation) > 0] = number
            labels = [CATEGORIES.index(COCO_TO_CATEGORY[a["category_id"]]) for a in known]
            photo = Image.open(folder / "images" / info["file_name"])
            library.add_scene("coco", Path(info["file_name"]).stem, photo, split, licence, ids, labels)


def add_wallpapers(library: Library, wallpapers: Path, wheels: Path) -> None:
    for split, names in (("train", WALLPAPERS), ("heldout", HELDOUT_WALLPAPERS)):
        for name in names:
            library.add_scene(
                "wallpaper",
                Path(name).stem,
                Image.open(wallpapers / name),
                split,
                "GPL / CC-BY-SA (Debian), not to be shipped",
            )
    for split, folders in (("train", PHOTOS), ("heldout", HELDOUT_PHOTOS)):
        for folder, names in folders.items():
            for name in names:
                library.add_scene(
                    "photo", Path(name).stem, Image.open(wheels / folder / name), split, PHOTO_LICENCES[folder]
                )


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
