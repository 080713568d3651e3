"""Which videos of a project teach and which are held out to judge by.

A video gets its role at the first fine-tuning that has something of it to teach, and keeps it: what judges was never taught. The
choice is the same wherever the same videos are: about a fifth, every category's share as near to that as can be, and no
category without a video that teaches it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlite_utils import Database

SHARE = 0.2  # of what people verified that is to be held out
MOST = 0.35  # more than this is never held out


@dataclass(frozen=True)
class Material:
    """What a video has to teach. masks: verified ones by category; key: puts videos in an order that is theirs alone."""

    frames: int
    masks: Counter[str]
    key: str


def roles(database: Database, project_id: int) -> dict[int, bool]:
    """The roles that were given, by video: whether it is held out."""
    sql = "select r.video_id, r.held_out from roles r join videos v on v.id = r.video_id where v.project_id = ?"
    return {video: bool(held_out) for video, held_out in database.execute(sql, (project_id,))}


def keep_roles(database: Database, chosen: Mapping[int, bool]) -> None:
    """Note roles; those that were given before stay."""
    rows = [(video, int(held_out)) for video, held_out in chosen.items()]
    database.conn.executemany("insert or ignore into roles (video_id, held_out) values (?, ?)", rows)


def choose_roles(material: Mapping[int, Material], given: Mapping[int, bool]) -> dict[int, bool]:
    """The roles of all videos in `material`; `given` are those that they have already."""
    held_out = {video for video in material if given.get(video, False)}
    free = sorted((video for video in material if video not in given), key=lambda video: material[video].key)
    while candidates := [video for video in free if _may_go(video, held_out, material)]:
        best = min(candidates, key=lambda video: _imbalance(held_out | {video}, material))
        if held_out and _imbalance(held_out | {best}, material) >= _imbalance(held_out, material):
            break
        held_out.add(best)
        free.remove(best)
    return {video: video in held_out for video in material}


def _may_go(video: int, held_out: set[int], material: Mapping[int, Material]) -> bool:
    """Whether holding this video out, too, leaves enough to teach with."""
    if not material[video].masks:
        return False
    gone = held_out | {video}
    total = sum(found.frames for found in material.values())
    left = Counter[str]()
    for other, found in material.items():
        left += Counter() if other in gone else found.masks
    enough = sum(material[other].frames for other in gone) <= MOST * total
    return enough and all(left[category] for category in material[video].masks)


def _imbalance(held_out: set[int], material: Mapping[int, Material]) -> float:
    """How far the categories' held-out shares are from `SHARE`, on average."""
    total, gone = Counter[str](), Counter[str]()
    for video, found in material.items():
        total += found.masks
        gone += found.masks if video in held_out else Counter()
    return sum(abs(gone[category] / count - SHARE) for category, count in total.items()) / max(1, len(total))
