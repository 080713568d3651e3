"""Images in a folder, or matched by a pattern, as one video.

In: image paths. Out: `ImageSequence`, the `VideoSource` (engine/video.py) of still images: natural order of file names
(frame2 before frame10), EXIF orientation applied, all of one size. Only the headers are read at opening; no image is
decoded before it is asked for, and none is kept.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.errors import VideoError

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
EXIF_ORIENTATION = 0x0112


class ImageSequence:
    """Images as frames; `pts` is None, since images carry no time, and `fps` is what the caller says they were taken at."""

    warning: str | None = None
    pts: list[float] | None = None

    def __init__(self, paths: Sequence[str | Path], name: str, fps: float = 10.0) -> None:
        if not paths:
            raise VideoError(f"'{name}' names no images. Give at least one.")
        self.paths = [Path(path) for path in paths]
        self.name, self.fps = name, fps
        self.width, self.height = _upright_size(self.paths[0])
        for path in self.paths[1:]:
            width, height = _upright_size(path)
            if (width, height) != (self.width, self.height):
                raise VideoError(
                    f"The images of one video must have one size: '{path}' is {width}x{height}, "
                    f"but '{self.paths[0].name}' is {self.width}x{self.height}."
                )

    @property
    def length(self) -> int:
        return len(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def frame(self, ordinal: int, height: int | None = None) -> np.ndarray:
        """Image `ordinal` (0-based): uint8 RGB (height, width, 3), scaled down to `height` pixels if that is given."""
        if not 0 <= ordinal < self.length:
            raise VideoError(f"'{self.name}' has the frames 0 to {self.length - 1}; there is no frame {ordinal}.")
        rgb = _read_rgb(self.paths[ordinal])
        if height is None or height >= self.height:
            return rgb
        width = max(1, round(self.width * height / self.height))
        return np.array(Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX))

    def frames(
        self, start: int = 0, stop: int | None = None, step: int = 1, height: int | None = None
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Every `step`th image of [start, stop) as (ordinal, picture as by `frame`)."""
        for ordinal in range(start, self.length if stop is None else min(stop, self.length), step):
            yield ordinal, self.frame(ordinal, height)

    def decodes_from(self, ordinal: int) -> int:
        """The image itself: each stands alone."""
        return ordinal

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        return self.frames()

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> "ImageSequence":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def is_image(path: str | Path) -> bool:
    """Whether the file name is that of a still image."""
    return Path(path).suffix.lower() in IMAGE_SUFFIXES


def images_in(folder: Path) -> list[Path]:
    """The images of a folder in natural order; hidden files and subfolders are passed over."""
    images = [path for path in folder.iterdir() if is_image(path) and path.is_file() and not path.name.startswith(".")]
    return sorted(images, key=natural_order)


def natural_order(path: str | Path) -> list[tuple[int, int, str]]:
    """Sort key in which digits count as numbers: frame2 comes before frame10."""
    parts = re.findall(r"\d+|\D+", str(path))
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part.lower()) for part in parts]


def _upright_size(path: Path) -> tuple[int, int]:
    with _open_image(path) as image:
        width, height = image.size
        return (height, width) if _orientation(image) >= 5 else (width, height)


def _orientation(image: Image.Image) -> int:
    """1 to 8, as EXIF counts them; 1 is upright, from 5 on width and height change places."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # Pillow would decode the whole picture to look for a note behind it
    return int(image.getexif().get(EXIF_ORIENTATION, 1))


def _read_rgb(path: Path) -> np.ndarray:
    with _open_image(path) as image:
        try:
            upright = ImageOps.exif_transpose(image) if _orientation(image) != 1 else image
            if upright.mode.startswith("I"):  # 16 bits a pixel; Pillow's own conversion would clip instead of scale
                grey = np.clip(np.asarray(upright).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
                return np.repeat(grey[..., None], 3, axis=2)
            return np.array(upright.convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            raise VideoError(f"The image '{path}' is damaged ({error}). Replace it or take it out.") from error


def _open_image(path: Path) -> Image.Image:
    try:
        return Image.open(path)
    except FileNotFoundError as error:
        raise VideoError(f"There is no image '{path}'.") from error
    except (UnidentifiedImageError, OSError) as error:
        raise VideoError(f"'{path}' is not an image that can be read. Replace it or take it out.") from error
