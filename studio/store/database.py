"""The SQLite database of one studio: connections and transactions.

A `Store` hands every thread its own connection (WAL, foreign keys, a busy timeout) as a sqlite-utils `Database`; it goes with the
thread. Everything that writes does so inside `transaction()`; `reading()` and, for long reads, `snapshot()` see one unchanging
state. The tables are made by `migrations.py`. This module knows no table.
"""

import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from studio.store.migrations import migrate

BUSY_SECONDS = 30.0

Row = dict[str, Any]


def connect(path: Path) -> Database:
    """A new connection. Commits reach the disk (`synchronous=full`) before they return, so an acknowledged edit stays."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma synchronous = full")
    return Database(connection)


class Store:
    """The database at `path`, brought up to date when it is opened. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._opened: weakref.WeakSet[Database] = weakref.WeakSet()  # one whose thread has ended is closed
        self.database.execute("pragma journal_mode = wal")
        migrate(self.database)

    @property
    def database(self) -> Database:
        """This thread's own connection."""
        database = getattr(self._local, "database", None)
        if database is None:
            database = self._local.database = connect(self.path)
            weakref.finalize(database, database.conn.close)
            self._opened.add(database)
        return database

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """All or nothing. Takes the write lock at once, so what is read inside cannot change before it is written."""
        with writing(self.database) as database:
            yield database

    @contextmanager
    def reading(self) -> Iterator[Database]:
        """This thread's connection seeing one state of the database, for queries that must fit together."""
        database = self.database
        database.execute("begin")
        try:
            yield database
        finally:
            database.rollback()

    @contextmanager
    def snapshot(self) -> Iterator[Database]:
        """A connection of its own that sees one state of the database, whatever others write meanwhile. Read-only."""
        database = connect(self.path)
        try:
            database.execute("pragma query_only = on")
            database.execute("begin")
            yield database
        finally:
            database.close()

    def close(self) -> None:
        """Close the connections of all threads."""
        for database in list(self._opened):
            database.close()
        self._opened.clear()
        self._local = threading.local()


@contextmanager
def writing(database: Database) -> Iterator[Database]:
    """A `begin immediate` transaction on `database`; rolled back when the block raises."""
    database.execute("begin immediate")
    try:
        yield database
        database.commit()  # may fail where the disk is full, and would leave the transaction open
    except BaseException:
        database.rollback()
        raise


def one(database: Database, sql: str, parameters: dict[str, Any] | tuple[Any, ...] = ()) -> Row | None:
    """The first row of a query as a dict, or None."""
    return next(iter(database.query(sql, parameters)), None)


def insert(database: Database, table: str, values: Mapping[str, Any]) -> int:
    """Add a row; returns its id."""
    key = database.table(table).insert(dict(values)).last_pk
    assert isinstance(key, int)
    return key
