"""Opening a video, whatever holds it: a video file, a folder of images, a pattern of image names, or a single image.

`open_video(path) -> VideoSource`. Frames are uint8 RGB (height, width, 3), upright, numbered from 0 in the order of
showing; the number of a frame means the same in every part of the program. Sources stream: none ever holds a whole video.
Every fault of the input is a `VideoError` with a sentence for the user.
"""

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from engine.errors import VideoError
from engine.frame_index import FrameIndex
from engine.image_folder import ImageSequence, images_in, is_image, natural_order
from engine.video_file import VideoFile


class VideoSource(Protocol):
    """A numbered sequence of RGB frames of one size.

    `fps` is the mean rate; `pts` holds the time of each frame in seconds, or is None where there is none (images).
    `warning` is None, or a sentence on what part of the input cannot be read. `height` asks for smaller pictures, so many pixels
    high. `decodes_from` is the frame at or before another one that is reached without decoding any other.
    """

    name: str
    width: int
    height: int
    fps: float
    pts: list[float] | None

    @property
    def length(self) -> int: ...
    @property
    def warning(self) -> str | None: ...
    def frame(self, ordinal: int, height: int | None = None) -> np.ndarray: ...
    def frames(
        self, start: int = 0, stop: int | None = None, step: int = 1, height: int | None = None
    ) -> Iterator[tuple[int, np.ndarray]]: ...
    def decodes_from(self, ordinal: int) -> int: ...
    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]: ...
    def __len__(self) -> int: ...
    def close(self) -> None: ...
    def __enter__(self) -> "VideoSource": ...
    def __exit__(self, *_: object) -> None: ...


def open_video(path: str | Path, image_fps: float = 10.0, index: FrameIndex | None = None) -> VideoSource:
    """Open a video file, an image, a folder of images, or a pattern such as 'frames/*.png'.

    `image_fps` is the rate that images are taken to have, frames per second. The name of a source is the file's or folder's own.
    `index` spares a video file's indexing where the one of an earlier opening was kept.
    """
    path = Path(path)
    if path.is_dir():
        return _open_folder(path, image_fps)
    if path.is_file():
        if path.stat().st_size == 0:
            raise VideoError(f"'{path}' is empty (0 bytes). Copy it again.")
        return ImageSequence([path], path.stem, image_fps) if is_image(path) else VideoFile(path, index)
    if glob.has_magic(str(path)):
        return _open_pattern(path, image_fps)
    raise VideoError(f"There is no file or folder '{path}'.")


def _open_folder(folder: Path, fps: float) -> ImageSequence:
    images = images_in(folder)
    if not images:
        deeper = next((child for child in sorted(folder.iterdir()) if child.is_dir() and images_in(child)), None)
        advice = (
            f" Its subfolders do: give one of them, such as '{deeper}'."
            if deeper
            else " Give one with jpg or png files."
        )
        raise VideoError(f"The folder '{folder}' holds no images.{advice}")
    return ImageSequence(images, folder.resolve().name, fps)


def _open_pattern(pattern: Path, fps: float) -> ImageSequence:
    paths = sorted((Path(match) for match in glob.glob(str(pattern), recursive=True)), key=natural_order)
    if not paths:
        raise VideoError(f"No file matches the pattern '{pattern}'.")
    other = next((path for path in paths if not is_image(path)), None)
    if other is not None:
        raise VideoError(
            f"The pattern '{pattern}' also matches '{other.name}', which is no image. A pattern stands for the images of one video."
        )
    return ImageSequence(paths, paths[0].resolve().parent.name, fps)
