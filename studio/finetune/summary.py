"""What a fine-tuning would be taught, in numbers for a person, with a sentence wherever that is too little or out of balance.

Works on a snapshot alone. Which numbers are too little is a rule of thumb, said as such; nothing here forbids to start but to have
nothing at all.
"""

from collections import Counter
from collections.abc import Collection
from typing import Any

from studio.finetune.snapshot import Snapshot
from training.evaluate import plain_name

FEW_FRAMES = 10  # verified, of those that teach
FEW_MASKS = 5  # of a category
UNBALANCED = 10  # times as many masks of one category as of another


def summarise(snapshot: Snapshot, known: Collection[str]) -> dict[str, Any]:
    """`known`: the names of the categories that the parent model has; `dropped` are those of them that the project lacks.
    `ready`: whether there is anything to teach."""
    names = {category["id"]: category["name"] for category in snapshot["categories"]}
    held_out = {video["id"]: video["held_out"] for video in snapshot["videos"]}
    tracks, masks, judged = Counter[str](), Counter[str](), Counter[str]()
    for annotation in snapshot["annotations"]:
        name, count = names[annotation["category_id"]], sum(code is not None for code in annotation["segmentations"])
        tracks[name] += 1
        (judged if held_out[annotation["video_id"]] else masks)[name] += count
    shared = {plain_name(name) for name in known}
    own = {plain_name(name) for name in names.values()}
    categories = [
        {
            "name": name,
            "tracks": tracks[name],
            "masks": masks[name],
            "held_out_masks": judged[name],
            "known": plain_name(name) in shared,
        }
        for name in names.values()
    ]
    frames = {video["id"]: sum(video["whole"]) for video in snapshot["videos"]}
    judging = sum(count for video, count in frames.items() if held_out[video])
    total = verified_frames(snapshot)
    found = {
        "videos": len({video["video"] for video in snapshot["videos"]}),
        "frames": total,
        "masks": masks.total() + judged.total(),
        "tracks": tracks.total(),
        "ignored_masks": _count(snapshot["ignored"]),
        "rejected_tracks": len(snapshot["rejected"]),
        "categories": categories,
        "dropped": [name for name in known if plain_name(name) not in own],
        "held_out": {
            "videos": sorted({video["name"] for video in snapshot["videos"] if video["held_out"]}),
            "frames": judging,
            "share": judging / total if total else 0.0,
        },
        "ready": bool(masks),
    }
    return found | {"warnings": _warnings(found)}


def verified_frames(snapshot: Snapshot) -> int:
    """How many frames somebody verified, those that judge among them."""
    return sum(sum(video["whole"]) for video in snapshot["videos"])


def _count(entries: list[dict[str, Any]]) -> int:
    return sum(code is not None for entry in entries for code in entry["segmentations"])


def _warnings(found: dict[str, Any]) -> list[str]:
    if not found["ready"]:
        return [
            "Nothing is verified yet. Correct some masks in the review page, or verify those that are right: only they teach."
        ]
    said = []
    teaching = found["frames"] - found["held_out"]["frames"]
    if teaching < FEW_FRAMES:
        frames = "1 verified frame" if teaching == 1 else f"{teaching} verified frames"
        said.append(f"Only {frames} would teach; from about {FEW_FRAMES} on a model learns something that lasts.")
    taught = {c["name"]: c["masks"] for c in found["categories"] if c["masks"]}
    few = [name for name, count in taught.items() if count < FEW_MASKS]
    if few:
        said.append(f"Fewer than {FEW_MASKS} verified masks of {_named(few)}: verify more of them.")
    most, least = max(taught, key=lambda name: taught[name]), min(taught, key=lambda name: taught[name])
    if taught[most] >= UNBALANCED * taught[least]:
        said.append(
            f"Out of balance: {taught[most]} masks of {most}, {taught[least]} of {least}. The rarer one may be forgotten."
        )
    unseen = [c["name"] for c in found["categories"] if not c["known"] and not c["masks"]]
    if unseen:
        said.append(
            f"No verified mask shows {_named(unseen)}, which the model does not know: it will find none of that."
        )
    if not found["held_out"]["frames"]:
        said.append(
            "No video is held out to judge by, for there are too few with verified masks: the new model cannot be compared with "
            "the old one. Verify masks in another video that shows the same categories."
        )
    else:
        judged = {c["name"] for c in found["categories"] if c["held_out_masks"]}
        missing = [name for name in taught if name not in judged]
        if missing:
            said.append(
                f"The held-out videos show no verified {_named(missing)}, so what is learnt of that is not judged."
            )
    return said


def _named(names: list[str]) -> str:
    shown = [f'"{name}"' for name in names[:4]] + ([f"{len(names) - 4} more"] if len(names) > 4 else [])
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
