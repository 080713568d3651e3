"""Taking videos and projects away.

A long video has millions of masks: to delete them in one transaction would hold everybody up. So deleting has two halves.
`remove_video` and `remove_project` mark rows, which takes an instant; from then on nobody finds them, the project's name is free
and the file can be imported anew. The worker (`jobs/removing.py`) then deletes the masks with `delete_masks`, some frames at a
time, and the rows with all that is left.
"""

from sqlite_utils import Database

from studio.store import detections, jobs, library
from studio.store.database import Row, one
from studio.store.errors import Conflict

# Why something cannot be deleted now, by the kind of the job that is in the way; {} is its title.
BUSY = {
    "import": '"{}" is still being imported',
    "run": 'a model is running on "{}"',
    "export": '"{}" is being exported',
    "overlay": 'the overlay of "{}" is being drawn',
    "operation": 'a change of "{}" is being worked out',
    "finetune": 'a model is being fine-tuned on "{}", or waits to be',
}
HOLDINGS = """
    select count(distinct r.id) filter (where r.model is not null) as runs, count(e.id) as corrections
    from videos v join runs r on r.video_id = v.id left join edits e on e.run_id = r.id and e.state = 'applied'
"""


def held_by_video(database: Database, video_id: int) -> Row:
    """How many runs of models, and changes by people that stand, go with a video. `exports` is 0: they are the project's."""
    return (one(database, f"{HOLDINGS} where v.id = ?", (video_id,)) or {}) | {"exports": 0}


def held_by_project(database: Database, project_id: int) -> Row:
    """The same for all videos of a project, with the number of its exports."""
    (exports,) = database.execute("select count(*) from exports where project_id = ?", (project_id,)).fetchone()
    return (one(database, f"{HOLDINGS} where v.project_id = ? and not v.removed", (project_id,)) or {}) | {
        "exports": exports
    }


def remove_video(database: Database, video_id: int) -> Row:
    """Let nobody find a video any more. Returns the job that clears it away. Raises Conflict while other work goes on."""
    video = library.video(database, video_id)
    _check_idle(database, video["name"], video["project_id"], video_id)
    # The checksum is unique within the project; without it the same file may come again at once.
    database.execute("update videos set removed = 1, sha256 = null where id = ?", (video_id,))
    database.execute("delete from jobs where video_id = ?", (video_id,))
    return jobs.add_job(database, "remove", project_id=video["project_id"], video_id=video_id)


def remove_project(database: Database, project_id: int) -> Row:
    """Let nobody find a project and its videos any more. Returns the job that clears them away."""
    _check_idle(database, library.project(database, project_id)["name"], project_id)
    # Names are unique: a removed project gives its own back.
    database.execute("update projects set removed = 1, name = hex(randomblob(16)) where id = ?", (project_id,))
    database.execute("update videos set removed = 1 where project_id = ?", (project_id,))
    database.execute("delete from jobs where project_id = ?", (project_id,))
    return jobs.add_job(database, "remove", project_id=project_id)


def delete_masks(database: Database, video_id: int, start: int, stop: int) -> None:
    """Delete what was predicted and stored of the frames start..stop-1 of a video, in all its runs."""
    sql = """
        delete from masks where frame >= ? and frame < ?
          and track_id in (select t.id from tracks t join runs r on r.id = t.run_id where r.video_id = ?)
    """
    database.execute(sql, (start, stop, video_id))
    detections.delete(database, video_id, start, stop)


def _check_idle(database: Database, name: str, project_id: int, video_id: int | None = None) -> None:
    job = jobs.under_way(database, project_id, video_id)
    if job is not None:
        reason = BUSY[job["kind"]].format(job["title"])
        raise Conflict(f'"{name}" cannot be deleted now: {reason}. Stop that first, or wait until it is done.')
