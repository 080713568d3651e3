"""The tables, as the ordered steps that make them.

Each step is a plain function that runs in a transaction of its own together with the record that it ran (`user_version`). A step
that was released is never changed; a new need is a new function at the end of `STEPS`.

Two layers hold the masks. `masks` is what a run predicted and is never edited; `corrections` holds, per track and frame, what
a person put in its place (`counts` null: "nothing here"), and `track_states` what a person said of a whole track. `edits` is
the log of how the second layer came about: `edit_cells` and `edit_tracks` keep both sides of every change, so undo and redo
restore exactly; a row missing on one side means that there was no correction.
"""

from collections.abc import Callable

from sqlite_utils import Database

from studio.store.finetune_tables import create_finetunes, note_models_in_use
from studio.store.review_tables import create_long_operations, create_review, name_comments


def create_library(database: Database) -> None:
    """Projects, their categories and videos, and the models that can run on them."""
    database.executescript("""
        create table projects (
          id integer primary key autoincrement,
          name text not null unique,
          created_at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        ) strict;
        create table categories (
          id integer primary key autoincrement,
          project_id integer not null references projects on delete cascade,
          number integer not null,  -- the id in datasets, 1-based within the project
          name text not null,
          color text not null,
          unique (project_id, number),
          unique (project_id, name)
        ) strict;
        create table models (
          id integer primary key autoincrement,
          name text not null unique,
          path text not null,
          parent_id integer references models on delete set null,
          preset text,  -- JSON
          train_config text,  -- JSON
          metrics text,  -- JSON
          created_at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        ) strict;
        create table videos (
          id integer primary key autoincrement,
          project_id integer not null references projects on delete cascade,
          name text not null,
          path text not null,  -- a name in the media folder, or an absolute path
          sha256 text,
          bytes integer not null,
          width integer not null,
          height integer not null,
          length integer not null,
          fps real not null,
          pts blob,  -- float64 seconds per frame, little endian
          state text not null check (state in ('importing', 'ready', 'failed')),
          error text,
          rev integer not null default 1,  -- grows with everything that changes what is shown
          run_id integer references runs on delete set null,  -- the run that is shown
          created_at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
          unique (project_id, sha256)
        ) strict;
        create index videos_run on videos (run_id);
    """)


def create_predictions(database: Database) -> None:
    """Runs and what they predicted."""
    database.executescript("""
        create table runs (
          id integer primary key autoincrement,
          video_id integer not null references videos on delete cascade,
          model text,  -- null: no model, tracks made by hand
          settings text not null,  -- JSON
          score_threshold real not null default 0,
          state text not null check (state in ('queued', 'running', 'done', 'cancelled', 'failed')),
          frames_done integer not null default 0,
          created_at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
          finished_at text
        ) strict;
        create index runs_video on runs (video_id);
        create table run_sessions (  -- what an unfinished run needs to go on from frame runs.frames_done
          run_id integer primary key references runs on delete cascade,
          state blob not null
        ) strict;
        create table tracks (
          id integer primary key autoincrement,
          run_id integer not null references runs on delete cascade,
          number integer,  -- the tracker's id; null: made by a person
          category_id integer not null references categories,
          score real not null,
          source text not null check (source in ('model', 'user')),
          unique (run_id, number)
        ) strict;
        create index tracks_category on tracks (category_id);
        create table masks (
          id integer primary key,
          track_id integer not null references tracks on delete cascade,
          frame integer not null,
          counts text not null,  -- compressed COCO RLE at the size of the video
          score real not null,
          unique (track_id, frame)
        ) strict;
        create table spans (  -- where a track has masks, so that timelines need not visit them
          track_id integer not null references tracks on delete cascade,
          start integer not null,
          stop integer not null,  -- exclusive
          primary key (track_id, start)
        ) strict, without rowid;
    """)


def create_edits(database: Database) -> None:
    """What people changed, and the log of how."""
    database.executescript("""
        create table corrections (
          id integer primary key,
          track_id integer not null references tracks on delete cascade,
          frame integer not null,
          counts text,  -- null: the person says that nothing is here
          source text not null,
          verified integer not null,
          rev integer not null,  -- the video's rev when it was made: never used twice
          unique (track_id, frame)
        ) strict;
        create table track_states (  -- exists once a person has worked on the track
          track_id integer primary key references tracks on delete cascade,
          deleted integer not null default 0,
          category_id integer references categories,  -- null: as predicted
          ends_before integer  -- predictions from this frame on are not shown
        ) strict;
        create index track_states_category on track_states (category_id);
        create table edits (
          id integer primary key autoincrement,
          run_id integer not null references runs on delete cascade,
          op text not null,
          args text not null,  -- JSON
          summary text not null,
          user text not null,
          at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
          rev integer not null,  -- of the video, after the edit
          first_frame integer,  -- the frames it touches; null: any
          last_frame integer,
          target_id integer references edits on delete cascade,  -- of an undo or redo
          state text check (state in ('applied', 'undone', 'discarded'))  -- null for undo and redo themselves
        ) strict;
        create index edits_state on edits (run_id, state);
        create index edits_target on edits (target_id);
        create table edit_cells (
          edit_id integer not null references edits on delete cascade,
          side text not null check (side in ('before', 'after')),
          track_id integer not null references tracks on delete cascade,
          frame integer not null,
          counts text,
          source text not null,
          verified integer not null,
          rev integer not null,
          unique (edit_id, side, track_id, frame)
        ) strict;
        create index edit_cells_track on edit_cells (track_id);
        create table edit_tracks (
          edit_id integer not null references edits on delete cascade,
          side text not null check (side in ('before', 'after')),
          track_id integer not null references tracks on delete cascade,
          deleted integer not null,
          category_id integer references categories,
          ends_before integer,
          primary key (edit_id, side, track_id)
        ) strict, without rowid;
        create index edit_tracks_track on edit_tracks (track_id);
    """)


def create_work(database: Database) -> None:
    """Jobs as people see them, and the exports some of them make."""
    database.executescript("""
        create table exports (
          id integer primary key autoincrement,
          project_id integer not null references projects on delete cascade,
          format text not null,
          options text not null,  -- JSON
          bytes integer,
          created_at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
          finished_at text
        ) strict;
        create table jobs (
          id integer primary key autoincrement,
          kind text not null,
          state text not null check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
          project_id integer references projects on delete cascade,
          video_id integer references videos on delete cascade,
          run_id integer references runs on delete cascade,
          export_id integer references exports on delete cascade,
          message text not null default '',
          frames_done integer not null default 0,
          frames_total integer not null default 0,
          fps real,
          seconds_left real,
          error text,
          cancel integer not null default 0,  -- a person asked it to stop
          attempts integer not null default 0,  -- starts since it last got on
          heartbeat real,  -- Unix time of its last sign of life
          created_at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
          finished_at text
        ) strict;
        create index jobs_state on jobs (state);
    """)


def mark_removed(database: Database) -> None:
    """What a person deleted and the worker has not cleared away yet (`removal.py`)."""
    database.execute("alter table projects add column removed integer not null default 0")
    database.execute("alter table videos add column removed integer not null default 0")


def note_origins_of_models(database: Database) -> None:
    """Where a model that was added came from, and what of it nobody has trained yet."""
    database.execute("alter table models add column sha256 text")  # of the file that was added, as it was given
    database.execute("alter table models add column source text")  # the file or address that it was given as
    database.execute("alter table models add column untrained text")  # JSON list, in words; empty for a complete model


def store_detections(database: Database) -> None:
    """What the net saw in each frame, packed, and how a run tracked it: enough to track again without the net."""
    # With rowids, unlike other tables that are keyed by two columns: rows of kilobytes would bloat a tree that is searched.
    database.execute("""
        create table detections (
          id integer primary key,
          run_id integer not null references runs on delete cascade,
          frame integer not null,
          blob blob not null,  -- see engine/detections.py
          unique (run_id, frame)
        ) strict
    """)
    # JSON: the settings of the tracker and the net's categories; null: a run whose detections were not stored
    database.execute("alter table runs add column tracking text")


def keep_preferences(database: Database) -> None:
    """What a person set for themselves (`preferences.py`)."""
    database.execute("""
        create table preferences (
          user text primary key,
          chosen text not null,  -- JSON object
          at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        ) strict, without rowid
    """)


def order_jobs(database: Database) -> None:
    """The order in which jobs are done (`job_line.py`), which people may change; until now the order in which they came."""
    database.execute("alter table jobs add column position integer not null default 0")
    database.execute("update jobs set position = id")
    database.execute("create index jobs_position on jobs (position)")


def note_what_jobs_are_asked_for(database: Database) -> None:
    """What a job is to do where no other table says it: those that work on models (`jobs/adding.py`, `jobs/model_export.py`)."""
    database.execute("alter table jobs add column asked text")  # JSON object; `name` in it is that of the model


STEPS: tuple[Callable[[Database], None], ...] = (
    create_library,
    create_predictions,
    create_edits,
    create_work,
    mark_removed,
    create_review,
    note_origins_of_models,
    create_finetunes,
    store_detections,
    keep_preferences,
    order_jobs,
    create_long_operations,
    name_comments,
    note_what_jobs_are_asked_for,
    note_models_in_use,
)


def migrate(database: Database) -> None:
    """Run the steps that this database has not seen. Two processes may call it at once: the second finds nothing to do."""
    while version(database) < len(STEPS):
        database.execute("begin immediate")
        try:
            done = version(database)
            if done < len(STEPS):
                STEPS[done](database)
                database.execute(f"pragma user_version = {done + 1}")
        except BaseException:
            database.rollback()
            raise
        database.commit()


def version(database: Database) -> int:
    """How many steps the database has seen. Read-only."""
    return int(database.execute("pragma user_version").fetchone()[0])
