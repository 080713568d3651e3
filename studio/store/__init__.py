"""The studio's memory: one SQLite database, the only truth. Rows are plain dicts; nothing here knows the web or the engine."""

from studio.store.database import Row, Store, one

__all__ = ["Row", "Store", "one"]
