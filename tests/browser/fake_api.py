"""A small stand-in for the studio while only the review stage is under test: the routes of /api/v1 over masks in memory.

It keeps to the contract of the real routes (revisions, If-Match, undo), serves real JPEG frames on which the frame's number can be
read from the pixels, and can be told to fail, to be slow, or to have a run under way. Masks are compared with pycocotools.
"""

import asyncio
import copy
import struct
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from fastapi import FastAPI, Header, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pycocotools import mask as coco

from studio.static_files import OwnFiles, stamp

COLORS = ["#4e79ff", "#f28e2b", "#17a589", "#e15759", "#b07aa1", "#d4a800", "#6b8e23", "#ff6fa3", "#00a3c7", "#9c6b4a"]
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>review</title><link rel="icon" href="data:,">
<body class="{theme}" style="margin:0"><div id="stage"></div><script type="module">
import {{ mount }} from "/static/review/main.js";
const stage = await mount(document.getElementById("stage"));
window.openVideo = (id) => stage.open(id);
await stage.open({video});
window.ready = true;
</script></body></html>"""
BLANK = '<!doctype html><html lang="en"><title>blank</title><link rel="icon" href="data:,"><body></body></html>'


def encode(mask: np.ndarray) -> str:
    return coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()


def decode(counts: str, height: int, width: int) -> np.ndarray:
    return np.array(coco.decode({"size": [height, width], "counts": counts.encode()}), dtype=bool)


def number_in(red: int, green: int) -> int:
    """The frame number painted into the upper left corner of every frame."""
    return round(red / 16) + 16 * round(green / 16)


@dataclass
class FakeVideo:
    """One video with moving ellipses. masks: (track, frame) -> {"counts", "score", "source", "rev"}."""

    width: int = 320
    height: int = 180
    length: int = 96
    fps: float = 25.0
    times: list[float] | None = None  # of the frames, where the rate varies
    objects: int = 3
    name: str = "walk.mp4"
    run: dict[str, Any] | None = None
    delay: float = 0.0  # seconds every answer takes
    save_delay: float = 0.0  # seconds more that a change takes
    failing: bool = False
    rev: int = 1
    category_names: list[str] = field(default_factory=lambda: ["person", "dog", "boat"])

    def __post_init__(self) -> None:
        self.tracks: dict[int, dict[str, Any]] = {}
        self.masks: dict[tuple[int, int], dict[str, Any]] = {}
        self.edits: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.preferences: dict[str, Any] = {}
        for track in range(1, self.objects + 1):
            self.tracks[track] = {"category_id": 1 + track % 2, "score": 0.97 - 0.08 * track, "source": "model"}
            first, last = (track - 1) * 5, self.length - (track - 1) * 3
            for frame in range(first, last):
                self.put(track, frame, self.ellipse(track, frame), 0.9, "model", 1)

    def ellipse(self, track: int, frame: int) -> np.ndarray:
        mask = np.zeros((self.height, self.width), np.uint8)
        x = self.width * (track - 0.5) / self.objects + 0.06 * self.width * np.sin(frame / 9 + track)
        y = self.height * (0.5 + 0.2 * np.cos(frame / 13 + 2 * track))
        axes = (max(2, self.width // (4 * self.objects)), max(2, self.height // 6))
        cv2.ellipse(mask, (round(x), round(y)), axes, 20 * track, 0, 360, 1, -1)
        return mask.astype(bool)

    def put(self, track: int, frame: int, mask: np.ndarray, score: float | None, source: str, rev: int) -> None:
        self.masks[track, frame] = {"counts": encode(mask), "score": score, "source": source, "rev": rev}

    def mask(self, track: int, frame: int) -> np.ndarray | None:
        held = self.masks.get((track, frame))
        return None if held is None else decode(held["counts"], self.height, self.width)

    def picture(self, frame: int, height: int) -> bytes:
        y, x = np.mgrid[0 : self.height, 0 : self.width]
        base = np.stack(
            [96 + 60 * x / self.width, 120 - 40 * y / self.height, 104 + 20 * np.sin((x + 3 * frame) / 23)], -1
        )
        base[:24, :24] = [0, 16 * (frame // 16), 16 * (frame % 16)]  # BGR
        for track in range(1, self.objects + 1):
            base[self.ellipse(track, frame)] = [60 + 50 * (track % 4), 190 - 30 * (track % 5), 90 + 40 * (track % 4)]
        image = np.clip(base, 0, 255).astype(np.uint8)
        if height != self.height:
            image = cv2.resize(image, (round(self.width * height / self.height), height))
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()

    def perform(self, op: str, summary: str, tracks: list[int], frames: list[int] | None) -> dict[str, Any]:
        """Call before the change: notes what was."""
        self.edits = [edit for edit in self.edits if not edit["undone"]]
        self.rev += 1
        edit = {"id": len(self.edits) + 1, "op": op, "summary": summary, "user": "you", "at": "2026-01-05T10:00:00Z"}
        self.edits.append(edit | {"undone": False, "was": self.content(), "tracks": tracks, "frames": frames})
        return {"rev": self.rev, "edit": edit["id"]}

    def content(self) -> tuple[dict, dict]:
        return copy.deepcopy(self.tracks), dict(self.masks)

    def step(self, undone: bool) -> dict[str, Any]:
        candidates = [edit for edit in self.edits if edit["undone"] is not undone]
        if not candidates:
            return {"rev": self.rev, "edit": None, "tracks": [], "frames": None}
        edit = candidates[-1] if undone else candidates[0]
        edit["undone"] = undone
        now = self.content()
        self.tracks, self.masks = edit["was"]
        edit["was"] = now
        self.rev += 1
        return {
            "rev": self.rev,
            "edit": {key: edit[key] for key in ("id", "op", "summary")},
            "tracks": edit["tracks"],
            "frames": edit["frames"],
        }

    def spans(self, track: int) -> list[list[Any]]:
        spans: list[list[Any]] = []
        for frame in sorted(frame for owner, frame in self.masks if owner == track):
            source = self.masks[track, frame]["source"]
            if spans and spans[-1][1] == frame and spans[-1][2] == source:
                spans[-1][1] += 1
            else:
                spans.append([frame, frame + 1, source])
        return spans


def create_app(video: FakeVideo, page: bool = True) -> FastAPI:
    """Video 1 behind /api/v1, and a page that shows it at / unless another app is to be mounted there."""
    app = FastAPI()
    app.mount("/static", OwnFiles())
    app.mount(f"/static-{stamp()}", OwnFiles(for_ever=True))
    base = "/api/v1/videos/1"

    @app.middleware("http")
    async def misbehave(request: Request, call_next: Any) -> Response:
        if request.url.path.startswith("/api"):
            video.requests.append(f"{request.method} {request.url.path}")
            await asyncio.sleep(video.delay + (video.save_delay if request.method != "GET" else 0))
            if video.failing and request.method != "GET":
                return JSONResponse({"detail": "The disk is full. Free some space."}, 503)
        return await call_next(request)

    if page:

        @app.get("/")
        def show(theme: str = "", opened: str = "1") -> HTMLResponse:
            return HTMLResponse(PAGE.format(theme=theme, video=opened))

    @app.get("/blank")
    def blank() -> HTMLResponse:
        return HTMLResponse(BLANK)

    @app.get(base)
    def get_video() -> dict[str, Any]:
        names = enumerate(video.category_names, start=1)
        categories = [{"id": i, "name": name, "color": COLORS[-i]} for i, name in names]
        facts = {key: getattr(video, key) for key in ("name", "width", "height", "length", "fps", "rev", "run")}
        return {"id": 1, "project_id": 7, "project": "Fakes", "state": "ready", "categories": categories, **facts}

    @app.get(base + "/frames/{t}.jpg")
    def frame(t: int, h: int | None = None) -> Response:
        data = video.picture(t, h or video.height)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "max-age=31536000, immutable"})

    @app.get(base + "/tracks")
    def tracks() -> dict[str, Any]:
        rows = []
        for track, facts in video.tracks.items():
            frames = sorted(frame for owner, frame in video.masks if owner == track)
            extent = {
                "first": frames[0] if frames else None,
                "last": frames[-1] if frames else None,
                "count": len(frames),
            }
            name = video.category_names[facts["category_id"] - 1]
            rows.append({"id": track, "category": name, "color": COLORS[(track - 1) % 10], **facts, **extent})
        return {"rev": video.rev, "tracks": rows}

    @app.get(base + "/timeline")
    def timeline() -> dict[str, Any]:
        spans = {str(track): video.spans(track) for track in video.tracks}
        verified = {key: [span[:2] for span in found if span[2] == "user"] for key, found in spans.items()}
        return {"rev": video.rev, "length": video.length, "tracks": spans, "verified": verified}

    @app.get(base + "/confidence")
    def confidence(bins: int) -> dict[str, Any]:
        scores = {}
        for track in video.tracks:
            held = [video.masks.get((track, part * video.length // bins)) for part in range(bins)]
            scores[str(track)] = [mask and mask["score"] for mask in held]
        return {"rev": video.rev, "length": video.length, "bins": bins, "tracks": scores, "best": {}}

    @app.get(base + "/times")
    def times() -> dict[str, Any]:
        return {"times": video.times}

    @app.get(base + "/strip.jpg")
    def strip(start: int, stop: int, n: int, h: int) -> Response:
        places = [start + (2 * part + 1) * (stop - start) // (2 * n) for part in range(n)]
        pictures = [cv2.imdecode(np.frombuffer(video.picture(t, h), np.uint8), cv2.IMREAD_COLOR) for t in places]
        return Response(cv2.imencode(".jpg", np.hstack(pictures))[1].tobytes(), media_type="image/jpeg")

    @app.get(base + "/tracks/{track}/thumbnail.jpg")
    def track_thumbnail(track: int, h: int) -> Response:
        mask = video.mask(track, next(t for owner, t in video.masks if owner == track))
        assert mask is not None
        picture = np.where(mask[..., None], 255, 40).astype(np.uint8)
        size = (round(h * video.width / video.height), h)
        return Response(cv2.imencode(".jpg", cv2.resize(picture, size))[1].tobytes(), media_type="image/jpeg")

    @app.get(base + "/masks")
    def masks(start: int, n: int) -> dict[str, Any]:
        size = [video.height, video.width]
        frames = [
            [
                {
                    "track": track,
                    "size": size,
                    "verified": video.masks[track, t]["source"] == "user",
                    **video.masks[track, t],
                }
                for track in video.tracks
                if (track, t) in video.masks
            ]
            for t in range(start, min(start + n, video.length))
        ]
        return {"rev": video.rev, "start": start, "frames": frames}

    async def change_mask(track: int, t: int, if_match: str, mask: np.ndarray | None) -> Any:
        held = video.masks.get((track, t))
        if int(if_match) != (held["rev"] if held else 0):
            current = held and {"track": track, "size": [video.height, video.width], **held}
            return JSONResponse({"detail": "The mask was changed meanwhile.", "current": current}, 409)
        answer = video.perform("set_mask", f"Changed track {track} in frame {t}", [track], [t, t])
        if mask is None:
            del video.masks[track, t]
        else:
            video.put(track, t, mask, None, "user", video.rev)
        return {"rev": video.rev, "video_rev": video.rev, "edit": answer["edit"]}

    @app.put(base + "/tracks/{track}/masks/{t}")
    async def put_mask(track: int, t: int, request: Request, if_match: str = Header()) -> Any:
        body = await request.body()
        runs = struct.unpack(f"<{len(body) // 4}I", body)
        assert sum(runs) == video.width * video.height
        flat = np.repeat(np.arange(len(runs)) % 2, runs).astype(bool)
        return await change_mask(track, t, if_match, flat.reshape(video.width, video.height).T)

    @app.delete(base + "/tracks/{track}/masks/{t}")
    async def delete_mask(track: int, t: int, if_match: str = Header()) -> Any:
        return await change_mask(track, t, if_match, None)

    @app.post(base + "/ops/{op}")
    async def operate(op: str, request: Request) -> dict[str, Any]:
        body = await request.json()
        chosen = body.get("tracks", [max(video.tracks, default=0) + 1])
        start, stop = body.get("start") or 0, body.get("stop") or video.length
        whole = (start, stop) == (0, video.length)
        answer = video.perform(op, f"{op} {chosen}", chosen, None if whole else [start, stop - 1])
        if op == "delete" and whole:
            video.tracks = {track: facts for track, facts in video.tracks.items() if track not in chosen}
        elif op == "delete":
            gone = [(track, frame) for track in chosen for frame in range(start, stop)]
            video.masks = {key: held for key, held in video.masks.items() if key not in gone}
        elif op == "change_category":
            for track in chosen:
                video.tracks[track]["category_id"] = body["category_id"]
        elif op == "new_track":
            video.tracks[chosen[0]] = {"category_id": body["category_id"], "score": None, "source": "user"}
        edit = video.edits[-1]
        return answer | {"op": op, "summary": edit["summary"], "track": chosen[0], "tracks": chosen, "made": [],
                         "frames": edit["frames"], "masks": 0, "spared": 0}  # fmt: skip

    @app.post(base + "/undo")
    def undo() -> dict[str, Any]:
        return video.step(undone=True)

    @app.post(base + "/redo")
    def redo() -> dict[str, Any]:
        return video.step(undone=False)

    @app.get(base + "/edits")
    def edits() -> dict[str, Any]:
        keys = ("id", "op", "summary", "user", "at", "undone", "tracks", "frames")
        shown = [{key: edit[key] for key in keys} | {"own": True} for edit in video.edits]
        undone = [edit["undone"] for edit in video.edits]
        return {"edits": shown, "can_undo": not all(undone), "can_redo": any(undone)}

    @app.get("/api/v1/preferences")
    def preferences() -> dict[str, Any]:
        return video.preferences

    @app.put("/api/v1/preferences")
    async def set_preferences(request: Request) -> dict[str, Any]:
        video.preferences = await request.json()
        return video.preferences

    @app.post("/api/v1/projects/7/categories")
    async def add_category(request: Request) -> dict[str, Any]:
        name = (await request.json())["name"]
        video.category_names.append(name)
        return {"id": len(video.category_names), "name": name}

    @app.get(base + "/suggestions")
    def suggestions() -> dict[str, Any]:
        return {"rev": video.rev, "suggestions": []}

    @app.get(base + "/progress")
    def progress() -> dict[str, Any]:
        counts = {"masks": len(video.masks), "frames": video.length, "tracks": len(video.tracks)}
        verified = {f"verified_{name}": 0 for name in counts}
        return {"rev": video.rev, **counts, **verified, "masks_per_minute": None, "seconds_left": None}

    @app.get(base + "/ops")
    def under_way() -> dict[str, Any]:
        return {"operations": []}

    @app.get(base + "/review")
    def review() -> dict[str, Any]:
        return {"video_id": 1, "state": "to_do", "assignee": None, "user": None, "at": None}

    @app.get(base + "/comments")
    def comments() -> dict[str, Any]:
        return {"comments": []}

    @app.get("/api/v1/people")
    def people() -> dict[str, Any]:
        return {"me": "local", "fixed": False, "people": []}

    @app.get("/api/v1/videos/{rest:path}")
    def missing(rest: str) -> JSONResponse:
        return JSONResponse({"detail": f"There is no video {rest.split('/')[0]}."}, 404)

    return app
