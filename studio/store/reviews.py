"""Where a video stands in the work of people: its review state, whose it is, and the comments on it.

States go only the ways that `NEXT` has, so nobody accepts what was never handed in. To return a video takes a sentence, which
becomes a comment. Comments are pinned to a frame, to a track, to both or to the video as a whole; none of this is part of the edit
log.
"""

from typing import Any

from sqlite_utils import Database

from studio.store import library
from studio.store.database import Row, insert, one
from studio.store.errors import Conflict, Invalid, NotFound

NEXT = {
    "to_do": ("in_work", "done"),
    "in_work": ("to_do", "done"),
    "done": ("in_work", "accepted", "returned"),
    "returned": ("in_work", "done"),
    "accepted": ("in_work", "returned"),
}
WORDS = {"to_do": "to do", "in_work": "in work", "done": "done", "returned": "returned", "accepted": "accepted"}
LONGEST = 2000  # characters of a comment

NOW = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"


def review(database: Database, video_id: int) -> Row:
    """Where a video stands: state, assignee (None: nobody), who changed it last and when (None: nobody yet)."""
    library.video(database, video_id)
    found = one(database, "select * from reviews where video_id = ?", (video_id,))
    return found or {"video_id": video_id, "state": "to_do", "assignee": None, "user": None, "at": None}


def reviews(database: Database, project_id: int) -> list[Row]:
    """The same for all videos of a project, oldest first, with the number of open comments."""
    library.project(database, project_id)
    sql = """
        select v.id as video_id, coalesce(r.state, 'to_do') as state, r.assignee, r.user, r.at,
          (select count(*) from comments c where c.video_id = v.id and c.resolved_at is null) as open_comments
        from videos v left join reviews r on r.video_id = v.id
        where v.project_id = ? and not v.removed order by v.id
    """
    return list(database.query(sql, (project_id,)))


def people(database: Database) -> set[str]:
    """The names of all who have changed, said or been given something."""
    sql = """
        select user from edits union select user from comments union select resolved_by from comments
        union select user from reviews union select assignee from reviews union select user from suggestions
    """
    return {name for (name,) in database.execute(sql).fetchall() if name}


def set_state(database: Database, video_id: int, state: str, user: str, comment: str | None = None) -> Row:
    """Bring a video to another review state. `comment`: why; a returned video needs it."""
    current = review(database, video_id)
    if state == current["state"]:
        return current
    if state not in NEXT[current["state"]]:
        ways = " or ".join(f'"{WORDS[way]}"' for way in NEXT[current["state"]])
        raise Conflict(
            f'A video that is "{WORDS[current["state"]]}" cannot become "{WORDS[state]}", only {ways}.', current
        )
    if state == "returned" and not (comment or "").strip():
        raise Invalid("Say in a sentence why the video is returned.")
    if comment and comment.strip():
        add_comment(database, video_id, comment, user)
    _write(database, video_id, user, {"state": state})
    return review(database, video_id)


def assign(database: Database, video_id: int, assignee: str | None, user: str) -> Row:
    """Make a video somebody's, or nobody's (None)."""
    review(database, video_id)
    name = None if assignee is None else library.checked_name(assignee, "person")
    _write(database, video_id, user, {"assignee": name})
    return review(database, video_id)


def comments(database: Database, video_id: int) -> list[Row]:
    """The comments on a video, oldest first."""
    library.video(database, video_id)
    return list(database.query("select * from comments where video_id = ? order by id", (video_id,)))


def comment(database: Database, comment_id: int) -> Row:
    """One comment."""
    found = one(database, "select * from comments where id = ?", (comment_id,))
    if found is None:
        raise NotFound(f"There is no comment {comment_id}.")
    library.video(database, found["video_id"])
    return found


def add_comment(
    database: Database,
    video_id: int,
    text: str,
    user: str,
    frame: int | None = None,
    track_id: int | None = None,
    request: str | None = None,
) -> Row:
    """A new comment, pinned to a frame and a track of the video's runs if they are given; once for each `request`."""
    video = library.video(database, video_id)
    known = one(database, "select id from comments where video_id = ? and request = ?", (video_id, request))
    if known is not None:
        return comment(database, known["id"])
    if frame is not None and not 0 <= frame < video["length"]:
        raise Invalid(f"Frame {frame} does not exist: the video has the frames 0 to {video['length'] - 1}.")
    of_video = "select 1 from tracks t join runs r on r.id = t.run_id where t.id = ? and r.video_id = ?"
    if track_id is not None and one(database, of_video, (track_id, video_id)) is None:
        raise NotFound(f"Video {video_id} has no track {track_id}.")
    values = {"video_id": video_id, "text": _checked(text), "user": user, "frame": frame, "track_id": track_id}
    values["request"] = request
    return comment(database, insert(database, "comments", values))


def rewrite_comment(database: Database, comment_id: int, text: str, user: str) -> Row:
    """Another text for a comment of one's own."""
    if comment(database, comment_id)["user"] != user:
        raise Conflict("Only the one who wrote a comment can change it. Write one of your own.")
    database.execute("update comments set text = ? where id = ?", (_checked(text), comment_id))
    return comment(database, comment_id)


def resolve_comment(database: Database, comment_id: int, resolved: bool, user: str) -> Row:
    """Say that a comment is dealt with, or that it is not."""
    comment(database, comment_id)
    values = f"resolved_by = ?, resolved_at = {NOW}" if resolved else "resolved_by = null, resolved_at = null"
    database.execute(f"update comments set {values} where id = ?", (*([user] if resolved else []), comment_id))
    return comment(database, comment_id)


def remove_comment(database: Database, comment_id: int, user: str) -> None:
    """Take away a comment of one's own."""
    if comment(database, comment_id)["user"] != user:
        raise Conflict("Only the one who wrote a comment can delete it. Resolve it instead.")
    database.execute("delete from comments where id = ?", (comment_id,))


def _write(database: Database, video_id: int, user: str, values: dict[str, Any]) -> None:
    database.execute("insert or ignore into reviews (video_id, user) values (?, ?)", (video_id, user))
    columns = ", ".join(f"{column} = :{column}" for column in values)
    database.execute(
        f"update reviews set {columns}, user = :user, at = {NOW} where video_id = :video_id",
        values | {"user": user, "video_id": video_id},
    )


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid("The comment is empty.")
    if len(text) > LONGEST:
        raise Invalid(f"The comment has {len(text)} characters; at most {LONGEST} are allowed.")
    return text
