"""What a person set for themselves: their keys, brush size and the like, the same in every browser.

A JSON object per user. What is in it is the pages' business; here it is only kept, and kept small.
"""

import json
from typing import Any

from sqlite_utils import Database

from studio.store.database import one
from studio.store.errors import Invalid

LARGEST = 64 * 1024  # bytes of an object as JSON

Preferences = dict[str, Any]


def preferences(database: Database, user: str) -> Preferences:
    """A person's preferences; empty if they have none."""
    row = one(database, "select chosen from preferences where user = ?", (user,))
    chosen: Preferences = json.loads(row["chosen"]) if row else {}
    return chosen


def set_preferences(database: Database, user: str, chosen: Preferences) -> Preferences:
    """Put an object in the place of a person's preferences."""
    text = json.dumps(chosen, ensure_ascii=False, separators=(",", ":"))
    if (size := len(text.encode())) > LARGEST:
        raise Invalid(f"The preferences have {size} bytes; at most {LARGEST} are kept.")
    database.execute("insert or replace into preferences (user, chosen) values (?, ?)", (user, text))
    return preferences(database, user)
