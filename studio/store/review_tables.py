"""The steps of `migrations.py` that make the tables of the review page's work.

`corrections` and the log learn to show the prediction of another track (`origin`), so that an operation on the identity of
thousands of masks moves references and copies no mask. `mask_summaries` holds what can be known of predicted masks without
decoding them, some frames to a row (`summaries.py` packs them). `suggestions` is the queue of suspicious moments with what a
person said of each; `reviews` and `comments` are what people tell each other about a video. `long_operations` is what people asked
for that takes longer than a request may.
"""

from sqlite_utils import Database


def create_review(database: Database) -> None:
    """Moved predictions, retries and pace in the log, summaries of masks, suggestions, review states, comments."""
    database.executescript("""
        -- counts null and origin set: the prediction of track `origin` in this frame is shown here
        alter table corrections add column origin integer;
        alter table edit_cells add column origin integer;
        alter table edits add column request text;  -- the client's own name for it: sent again it is not done again
        alter table edits add column verified integer not null default 0;  -- verified masks gained or, below 0, lost
        create unique index edits_request on edits (run_id, request) where request is not null;
        alter table runs add column scanned_rev integer;  -- the video's rev at the last search for suspicious moments
        create table mask_summaries (
          track_id integer not null references tracks on delete cascade,
          start integer not null,  -- the first frame of the records
          records blob not null,
          primary key (track_id, start)
        ) strict, without rowid;
        create table suggestions (
          id integer primary key autoincrement,
          run_id integer not null references runs on delete cascade,
          kind text not null,
          track_id integer not null references tracks on delete cascade,
          other_id integer not null,  -- a second track, 0: none
          frame integer not null,
          stop integer not null,  -- exclusive
          severity real not null,  -- 0..1
          reason text not null,
          remedy text,  -- JSON: the operation that would mend it
          state text not null default 'open' check (state in ('open', 'resolved', 'ignored')),
          user text,  -- who said so
          at text,
          unique (run_id, kind, track_id, other_id, frame)
        ) strict;
        create index suggestions_track on suggestions (track_id);
        create table reviews (  -- a video without a row is to do and nobody's
          video_id integer primary key references videos on delete cascade,
          state text not null default 'to_do' check (state in ('to_do', 'in_work', 'done', 'accepted', 'returned')),
          assignee text,
          user text not null,  -- who changed it last
          at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        ) strict;
        create table comments (
          id integer primary key autoincrement,
          video_id integer not null references videos on delete cascade,
          frame integer,  -- null: on the video as a whole
          track_id integer references tracks on delete set null,
          text text not null,
          user text not null,
          at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
          resolved_by text,
          resolved_at text
        ) strict;
        create index comments_video on comments (video_id);
        create index comments_track on comments (track_id);
    """)


def create_long_operations(database: Database) -> None:
    """What an operation that is a job is to do (`long_operations.py`)."""
    database.execute("""
        create table long_operations (
          job_id integer primary key references jobs on delete cascade,
          request text not null,  -- its own name, by which the log knows it too: so it is done once, whatever is killed
          user text not null,
          body text not null,  -- JSON: the operation's name (op) and what it is to do
          seen integer  -- the video's revision that the person looked at; null: the one at that time
        ) strict
    """)


def name_comments(database: Database) -> None:
    """The client's own name for a comment: sent again it is the same one."""
    database.execute("alter table comments add column request text")
    database.execute("create unique index comments_request on comments (video_id, request) where request is not null")
