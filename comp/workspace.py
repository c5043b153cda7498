"""The folders of data, runs and submissions."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from comp.errors import DataError, DiskError, RunError
from comp.files import is_text, nearest_existing, why_not_writable


@dataclass(frozen=True)
class Workspace:
    """A folder with `data/`, `runs/` and `submissions/`.

    Data is read from `root`; runs and submissions are written to `out`, by default `root`.
    """

    root: Path
    out: Path

    @classmethod
    def at(cls, root: Path, out: Path | None = None) -> Workspace:
        """The workspace in `root` that writes to `out`."""
        return cls(root, out or root)

    def data(self, competition: str) -> Path:
        """The folder of a competition's data."""
        return self.root / "data" / competition

    def has_data(self, competition: str) -> bool:
        """Whether the folder of a competition's data contains files.

        Raises:
            DataError: the folder cannot be read.
        """
        folder = self.data(competition)
        try:
            return folder.is_dir() and any(not p.name.startswith(".") for p in folder.iterdir())
        except OSError as error:
            raise DataError(
                f"cannot read {folder}: {error.strerror}; change its permissions, or use --data"
            ) from None

    @property
    def cache(self) -> Path:
        """The folder of unpacked archives, synthetic data and decoded images: the first writable
        one of `root/data/.cache`, `out/data/.cache` and a folder in the user's cache."""
        for base in (self.root, self.out):
            path = base / "data" / ".cache"
            if not why_not_writable(nearest_existing(path)):
                return path
        return self._user_cache()

    def _user_cache(self) -> Path:
        try:
            user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        except RuntimeError:  # a user without a home folder
            return self.root / "data" / ".cache"
        root = self.root.absolute()
        return (
            user_cache / "comp" / f"{root.name}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:8]}"
        )

    @property
    def images(self) -> Path:
        """The folder of decoded images."""
        return self.cache / "images"

    @property
    def features(self) -> Path:
        """The folder of cached features of images."""
        return self.cache / "features"

    def runs(self, competition: str) -> Path:
        """The folder of a competition's runs."""
        return self.out / "runs" / competition

    def submission(self, competition: str, run_id: str) -> Path:
        """The submission file of a run."""
        return self.out / "submissions" / competition / f"{run_id}.csv"

    @property
    def ledger(self) -> Path:
        """The ledger of submissions."""
        return self.out / "submissions" / "ledger.jsonl"

    def check_writable(self, competition: str) -> None:
        """Check that the runs and submissions of a competition can be written; writes nothing.

        Raises:
            RunError: a folder cannot be made.
        """
        out = self.out.resolve()
        if not is_text(out):
            raise RunError(f"cannot write to {str(out)!a}: no UTF-8; use --out")
        for folder in (self.runs(competition), self.submission(competition, "any").parent):
            existing = nearest_existing(folder)
            reason = why_not_writable(existing) if existing.is_dir() else "a file"
            if reason:
                raise RunError(f"cannot write to {folder}: {existing}: {reason}; use --out")

    def check_room(self, needed: int) -> None:
        """Check that the disk has `needed` bytes free.

        Raises:
            DiskError: it does not.
        """
        free = shutil.disk_usage(nearest_existing(self.out)).free
        if free < needed:
            raise DiskError(
                f"the run needs about {needed / 1e9:.1f} GB in {self.out} and {free / 1e9:.1f} GB "
                "are free: make room, or start a run elsewhere with --out"
            )

    def find_run(self, run_id: str) -> Path:
        """Return the folder of a run, by its id or a unique beginning of it.

        Raises:
            RunError: no run matches, or several.
        """
        found = sorted(p.parent for p in self.out.glob(f"runs/*/{escape(run_id)}*/run.json"))
        found = found if Path(run_id).name == run_id else []
        exact = [p for p in found if p.name == run_id]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if found:
            names = ", ".join(p.name for p in found[:5])
            raise RunError(
                f"'{run_id}' is the beginning of {len(found)} runs ({names}): give more of the id"
            )
        newest = sorted((p.parent.name for p in self.out.glob("runs/*/*/run.json")), reverse=True)
        known = f"the newest: {', '.join(newest[:3])}" if newest else "there are no runs yet"
        raise RunError(f"no run '{run_id}' under {self.out / 'runs'}: {known}")
