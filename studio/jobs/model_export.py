"""The job that writes a model as a `.pth` for the reference implementation; the file is whole or not there (`model_files.py`)."""

from studio.jobs.models import find_model
from studio.jobs.progress import Progress
from studio.model_files import write_published
from studio.settings import Home
from studio.store import Row, Store, jobs


def export_model(store: Store, home: Home, job: Row) -> None:
    """Do the job from the beginning."""
    file = find_model(home, store.database, jobs.asked(job)["name"])
    progress = Progress(store, job)
    progress.report("Writing the file")
    write_published(home, file, lambda: progress.report("Writing the file"))
    with store.transaction() as database:
        jobs.finish(database, job["id"])
