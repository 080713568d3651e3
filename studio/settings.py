"""The home folder: where one studio keeps everything it knows.

`Home` names the places below one root folder: the database, the job queue, media, exports, models, logs and the folder for
half-written files. It also holds the limits the API applies to what comes in. It reads no environment and no file.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """One studio's folder. Sizes are in bytes."""

    root: Path
    import_roots: tuple[Path, ...] | None = None  # server paths may be imported from below these; None: from anywhere
    upload_limit: int = 32 * 1024**3
    json_limit: int = 1024**2  # the largest JSON body
    frame_cache: int = 64 * 1024**2  # encoded frames kept in memory
    frames_limit: int = 20 * 10**9  # frames kept ready on disk, of all videos; 0: none

    @property
    def database(self) -> Path:
        return self.root / "studio.db"

    @property
    def queue(self) -> Path:
        return self.root / "queue.db"

    @property
    def worker_lock(self) -> Path:
        return self.root / "worker.lock.db"

    @property
    def reserve(self) -> Path:
        """Room that is kept back for a full disk (`jobs/full_disk.py`)."""
        return self.root / "reserve"

    @property
    def media(self) -> Path:
        return self.root / "media"

    @property
    def thumbnails(self) -> Path:
        return self.root / "thumbnails"

    @property
    def frames(self) -> Path:
        """Frames made ready to be shown; what is missing there is made again."""
        return self.root / "frames"

    @property
    def exports(self) -> Path:
        return self.root / "exports"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def finetunes(self) -> Path:
        """A folder for each fine-tuning: what it is taught, its checkpoint, its pictures."""
        return self.root / "finetunes"

    @property
    def temporary(self) -> Path:
        """On the same filesystem as the rest, so that a finished file moves to its place in one step."""
        return self.root / "tmp"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def worker_log(self) -> Path:
        return self.logs / "worker.log"

    def create(self) -> "Home":
        """Make the folders that are missing."""
        for folder in (
            self.media,
            self.thumbnails,
            self.frames,
            self.exports,
            self.models,
            self.finetunes,
            self.temporary,
            self.logs,
        ):
            folder.mkdir(parents=True, exist_ok=True)
        return self

    def media_path(self, stored: str) -> Path:
        """The place of a video whose row says `stored`: a name in `media`, or an absolute path left where it was."""
        return self.media / stored  # pathlib: an absolute `stored` replaces the folder

    def may_import(self, path: Path) -> bool:
        """Whether a video at `path` may be read where it lies. Links are followed before the folders are compared."""
        if self.import_roots is None:
            return True
        resolved = path.resolve()
        return any(resolved.is_relative_to(root.resolve()) for root in self.import_roots)
