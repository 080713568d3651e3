"""An annotated data set as a folder that any browser opens: a page of clips with their masks drawn in.

In: a Dataset and, video by video, the frames. Out: index.html, and per video an mp4 and a picture in clips/. Everything is in
the folder: the page asks nothing of the network. Names from the file are escaped.
"""

from collections import Counter, defaultdict
from html import escape
from pathlib import Path
from string import Template
from typing import NamedTuple

import numpy as np
from PIL import Image

from engine import masks
from engine.errors import DataError
from engine.video import VideoSource
from studio.formats.overlay import DrawnTrack, OverlayWriter, draw_overlay
from training.ytvis import Dataset, Instance, Video

POSTER_WIDTH = 480  # pixels


class _Entry(NamedTuple):
    """What the page says of a video."""

    video: Video
    name: str
    categories: Counter[str]


class Gallery:
    """out: the folder, made if need be; title: what the page is about."""

    def __init__(self, out: Path, title: str, dataset: Dataset):
        self.out, self.title, self.dataset = out, title, dataset
        self._entries: list[_Entry] = []
        self._objects: dict[int, list[Instance]] = defaultdict(list)
        for instance in dataset.instances:
            self._objects[instance.video_id].append(instance)
        try:
            (out / "clips").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{out} cannot be written to: {error.strerror}.") from error

    def add(self, video: Video, source: VideoSource) -> None:
        """Draw one video, a frame at a time."""
        objects = self._objects[video.id]
        names = [self.dataset.categories[instance.category_id].name for instance in objects]
        poster = _fullest(objects, video.length)
        with OverlayWriter(self.out / "clips" / f"{video.id}.mp4", source.fps) as writer:
            for frame, rgb in source:
                picture = draw_overlay(rgb, _drawn(objects, names, frame))
                writer.write(picture, frame / source.fps)
                if frame == poster:
                    _save_poster(picture, self.out / "clips" / f"{video.id}.jpg")
        self._entries.append(_Entry(video, source.name, Counter(names)))

    def write(self, total: int) -> Path:
        """Write the page; `total` is how many videos there would have been."""
        counts = Counter[str]()
        for instance in self.dataset.instances:
            counts[self.dataset.categories[instance.category_id].name] += 1
        choices = "".join(
            f'<option value="{escape(name)}">{escape(name)} ({count})</option>'
            for name, count in sorted(counts.items())
        )
        summary = (
            f"{len(self.dataset.videos)} videos, {len(self.dataset.instances)} objects, {len(counts)} categories; "
            f"{len(self._entries)} of {total} videos drawn"
        )
        page = _PAGE.substitute(
            title=escape(self.title), summary=summary, choices=choices, clips="\n".join(map(_clip, self._entries))
        )
        index = self.out / "index.html"
        index.write_text(page, encoding="utf-8")
        return index


def _drawn(objects: list[Instance], names: list[str], frame: int) -> list[DrawnTrack]:
    return [
        DrawnTrack(number, masks.decode(rle), (str(number), name.replace("_", " ")))
        for number, (instance, name) in enumerate(zip(objects, names, strict=True), start=1)
        if (rle := instance.segmentations[frame]) is not None
    ]


def _fullest(objects: list[Instance], length: int) -> int:
    """The frame with the most objects in it, the middle one if there are none."""
    seen = [sum(instance.segmentations[frame] is not None for instance in objects) for frame in range(length)]
    return int(np.argmax(seen)) if any(seen) else length // 2


def _save_poster(picture: np.ndarray, file: Path) -> None:
    image = Image.fromarray(picture)
    image.thumbnail((POSTER_WIDTH, POSTER_WIDTH))
    image.save(file, quality=85)


def _clip(entry: _Entry) -> str:
    video = entry.video
    listed = (
        ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in entry.categories.most_common()) or "no objects"
    )
    return (
        f'<figure data-categories="{escape("|".join(entry.categories))}">'
        f'<video src="clips/{video.id}.mp4" poster="clips/{video.id}.jpg" controls loop muted preload="none"></video>'
        f"<figcaption><strong>{escape(entry.name)}</strong> <span>id {video.id}, {video.width}x{video.height}, "
        f"{video.length} frames</span><br>{escape(listed)}</figcaption></figure>"
    )


_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  :root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif; }
  body { margin: 24px auto; max-width: 1600px; padding: 0 24px; }
  header { display: flex; flex-wrap: wrap; gap: 12px 24px; align-items: baseline; margin-bottom: 16px; }
  h1 { font-size: 20px; margin: 0; }
  main { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 20px; }
  figure { margin: 0; }
  figure[hidden] { display: none; }
  video { width: 100%; aspect-ratio: 16 / 9; object-fit: contain; background: #0f172a; border-radius: 8px; }
  figcaption { padding: 6px 2px; overflow-wrap: anywhere; }
  figcaption span, header p { color: GrayText; margin: 0; }
</style>
</head>
<body>
<header>
  <h1>$title</h1>
  <p>$summary</p>
  <label>Category <select id="category"><option value="">all</option>$choices</select></label>
</header>
<main>
$clips
</main>
<script>
  document.getElementById("category").addEventListener("change", ({ target }) => {
    for (const clip of document.querySelectorAll("figure")) {
      clip.hidden = target.value !== "" && !clip.dataset.categories.split("|").includes(target.value);
    }
  });
</script>
</body>
</html>
""")
