"""The step of `migrations.py` that makes the tables of fine-tuning.

`finetunes` is a fine-tuning as people see it, from the click to the model; its files lie in the home folder. `finetune_points` is
its curves. `roles` says which videos of a project teach and which judge: given once, never changed, so that no model is judged on
what an earlier one was taught. `speeds` is what training steps take on this machine, as measured.
"""

from sqlite_utils import Database


def create_finetunes(database: Database) -> None:
    """Fine-tunings with their curves, the roles of videos, measured speeds, the family of models, jobs that pause."""
    database.executescript("""
        create table finetunes (
          id integer primary key autoincrement,
          project_id integer not null references projects on delete cascade,
          parent text not null,  -- the name of the model that it begins with
          name text not null,  -- of the model that it makes
          config text not null,  -- JSON
          state text not null check (state in ('queued', 'running', 'paused', 'done', 'failed', 'cancelled')),
          pause integer not null default 0,  -- a person asked it to pause
          snapshot text,  -- the hash of what it is taught
          summary text,  -- JSON: what that is, in numbers and warnings
          step integer not null default 0,
          result text,  -- JSON: what became of it
          user text not null,
          created_at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
          finished_at text
        ) strict;
        create index finetunes_project on finetunes (project_id);
        create table finetune_points (
          finetune_id integer not null references finetunes on delete cascade,
          kind text not null check (kind in ('training', 'validation')),
          step integer not null,
          numbers text not null,  -- JSON
          primary key (finetune_id, kind, step)
        ) strict, without rowid;
        create table roles (  -- a video without a row has never taught
          video_id integer primary key references videos on delete cascade,
          held_out integer not null
        ) strict;
        create table speeds (
          model text not null,
          shape text not null,  -- of a training step: batch, clip length, frame size, what is frozen
          seconds real not null,  -- per step
          at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
          primary key (model, shape)
        ) strict, without rowid;
        alter table jobs add column finetune_id integer references finetunes on delete cascade;
        alter table jobs add column paused integer not null default 0;  -- queued, but not to be started
        alter table models add column parent text;  -- the name of the model it was fine-tuned from
        alter table models add column snapshot text;  -- the hash of what it was taught
        alter table models add column finetune_id integer references finetunes on delete set null;
        alter table projects add column model text;  -- the default of its runs; null: the program's
    """)


def note_models_in_use(database: Database) -> None:
    """The model that the project used when a fine-tuning was asked for, with which the new one is compared; so far the parent."""
    database.execute("alter table finetunes add column in_use text not null default ''")
    database.execute("update finetunes set in_use = parent")
