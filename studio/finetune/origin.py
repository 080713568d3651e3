"""Which model a fine-tuning begins with: the one that the project had before it taught any.

Every fine-tuning teaches all that is verified by then, so nothing is lost by beginning anew, and what a short training takes from
the other categories does not add up from one to the next (docs/finetuning.md has the figures).
"""

from sqlite_utils import Database

from studio.jobs.models import find_runnable
from studio.settings import Home
from studio.store import finetunes
from studio.store import models as table
from studio.store.errors import Invalid, NotFound


def origin(home: Home, database: Database, project_id: int, model: str, frames: int) -> str:
    """The model that `model` comes of, back beyond every fine-tuning of this project; `model` itself where it was taught elsewhere,
    where what it comes of is no longer there, or where it was taught more frames than the `frames` that are verified now."""
    while parent := _taught_here(database, project_id, model, frames):
        try:
            model = find_runnable(home, database, parent).name
        except (NotFound, Invalid):
            break
    return model


def _taught_here(database: Database, project_id: int, model: str, frames: int) -> str | None:
    """The parent of a model that this project taught no more than so many frames."""
    row = next((row for row in table.models(database) if row["name"] == model), None)
    if row is None or row["finetune_id"] is None:
        return None
    try:
        found = finetunes.finetune(database, row["finetune_id"])
    except NotFound:  # its project was deleted
        return None
    known = found["project_id"] == project_id and found["summary"]["frames"] <= frames
    return str(row["parent"]) if known else None
