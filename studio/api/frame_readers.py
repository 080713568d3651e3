"""Frames decoded from the file, for those that are not kept ready on disk or not at the height that is asked for.

A video is open at a few places at once, so several people, or a strip and a person, do not take each other's place. Each place
goes on from where it is: whoever steps or plays on finds the next frames decoded ahead, and whoever steps back gets a stretch
from one seek. Only JPEGs are kept, up to a number of bytes.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor

from engine.video import VideoSource
from studio.jpeg import Picture, encode, scale
from studio.settings import Home
from studio.sources import open_source
from studio.store import Row

PLACES = 3  # at which a video is open
OPEN_PIXELS = 8 * 1920 * 1080  # of all open places together: a decoder holds a number of pictures of its video's size
NEAR = 12  # frames that are decoded in passing rather than sought
AHEAD = 8  # frames decoded ahead of somebody who goes on
BACK = 12  # frames decoded before one that somebody steps back to


class JpegCache:
    """The JPEGs used last, `limit` bytes in all. Safe to share between threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._jpegs: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> bytes | None:
        """The JPEG of a key, if it is still there."""
        with self._lock:
            if key in self._jpegs:
                self._jpegs.move_to_end(key)
            return self._jpegs.get(key)

    def put(self, key: Hashable, jpeg: bytes) -> bytes:
        """Keep a JPEG, which is given back."""
        with self._lock:
            self._bytes += len(jpeg) - len(self._jpegs.pop(key, b""))
            self._jpegs[key] = jpeg
            while self._bytes > self.limit and len(self._jpegs) > 1:
                self._bytes -= len(self._jpegs.popitem(last=False)[1])
        return jpeg

    def forget(self, video_id: int) -> None:
        """Drop what belongs to a video: keys are tuples that begin with its id."""
        with self._lock:
            for key in [key for key in self._jpegs if isinstance(key, tuple) and key[0] == video_id]:
                self._bytes -= len(self._jpegs.pop(key))


class Readers:
    """The places at which videos are open."""

    def __init__(self, home: Home, jpegs: JpegCache) -> None:
        self.home = home
        self.jpegs = jpegs
        self._lock = threading.Lock()
        self._places: list[Place] = []  # the one used last at the end
        self._ahead = ThreadPoolExecutor(1, "frames-ahead")

    def jpeg(self, video: Row, frame: int, height: int) -> bytes:
        """A frame as JPEG at `height`, at most the video's own; the frames after it follow on their own."""
        place = self._place(video, frame)
        jpeg = place.jpeg(frame, height)
        if place.goes_on:
            self._ahead.submit(place.decode_ahead, frame, height)
        return jpeg

    def passed(self, video: Row, frame: int, height: int) -> None:
        """Somebody found a frame among the JPEGs: whoever goes on shall find the later ones there too."""
        with self._lock:
            near = [place for place in self._places if place.video["id"] == video["id"] and place.is_near(frame)]
        if near:
            near[-1].pass_by(frame)
            later = (video["id"], min(frame + AHEAD // 2, video["length"] - 1), height)
            if near[-1].goes_on and self.jpegs.get(later) is None:
                self._ahead.submit(near[-1].decode_ahead, frame, height)

    def picture(self, video: Row, frame: int, height: int, exact: bool = True) -> Picture:
        """A frame as RGB at `height`; not exact: the nearest before it that costs little."""
        return self._place(video, frame).picture(frame, height, exact)

    def forget(self, video_id: int) -> None:
        """Close a video, once nobody reads it any more."""
        with self._lock:
            self._places = [place for place in self._places if place.video["id"] != video_id]

    def _place(self, video: Row, frame: int) -> "Place":
        with self._lock:
            own = [place for place in self._places if place.video["id"] == video["id"]]
            near = [place for place in own if place.is_near(frame)]
            if near:
                place = near[-1]
            elif len(own) < PLACES:
                place = Place(self.home, video, self.jpegs)
            else:
                place = own[0]
            if place in self._places:
                self._places.remove(place)
            place.aim = frame
            self._places.append(place)
            # What goes is not closed: a thread may be reading. The file closes with the last reference.
            while len(self._places) > 1 and sum(open.pixels for open in self._places) > OPEN_PIXELS:
                self._places.pop(0)
            return place


class Place:
    """One open source, opened when it is first needed, and the place where it stands."""

    def __init__(self, home: Home, video: Row, jpegs: JpegCache) -> None:
        self.home = home
        self.video = video
        self.jpegs = jpegs
        self.pixels = video["width"] * video["height"]
        self.aim = 0  # the frame asked for last
        self.goes_on = False  # whether that was a step or two on
        self._lock = threading.Lock()
        self._source: VideoSource | None = None
        self._before = -NEAR  # the frame asked for before
        self._next = -NEAR  # the frame after the one decoded last

    def is_near(self, frame: int) -> bool:
        """Whether a frame is cheap to reach from here."""
        return -BACK <= frame - self.aim <= NEAR

    def jpeg(self, frame: int, height: int) -> bytes:
        """A frame at `height`. Those on the way to it are kept too, if they are near: several are asked for at once."""
        with self._lock:
            step = self.pass_by(frame)
            if (known := self.jpegs.get((self.video["id"], frame, height))) is not None:
                return known
            first = frame
            if self._next <= frame < self._next + NEAR:
                first = self._next
            elif -BACK <= step < 0:
                first = max(0, frame - BACK)
            for ordinal in range(first, frame):
                self._keep(ordinal, height)
            return self._keep(frame, height)

    def pass_by(self, frame: int) -> int:
        """Note that somebody is at a frame now. Returns how many frames that is from where they were."""
        step, self._before, self.aim = frame - self._before, frame, frame
        self.goes_on = 0 < step <= NEAR
        return step

    def decode_ahead(self, frame: int, height: int) -> None:
        """Decode the frames after one, until somebody asks for another place."""
        for ordinal in range(frame + 1, min(frame + AHEAD + 1, self.video["length"])):
            if self.aim not in range(frame, ordinal + 1):
                return
            with self._lock:
                self._keep(ordinal, height)

    def picture(self, frame: int, height: int, exact: bool) -> Picture:
        """A frame, or one before it that decoding can start from, as RGB at `height`."""
        with self._lock:
            source = self._open()
            found = frame if exact else source.decodes_from(frame)
            self._next = found + 1
            return scale(source.frame(found, height), height)

    def _keep(self, frame: int, height: int) -> bytes:
        key = (self.video["id"], frame, height)
        if (known := self.jpegs.get(key)) is not None:
            return known
        self._next = frame + 1
        return self.jpegs.put(key, encode(self._open().frame(frame, height), height))

    def _open(self) -> VideoSource:
        if self._source is None:
            self._source = open_source(self.home, self.video)
        return self._source
