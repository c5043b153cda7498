"""Where data, runs and submissions live."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from comp.errors import DataError, DiskError, RunError
from comp.files import is_text, nearest, refusal


@dataclass(frozen=True)
class Workspace:
    """A folder with `data/`, `runs/` and `submissions/` in it.

    Data is looked for under `root`; runs and submissions are written under `out`, which is `root`
    unless said otherwise.
    """

    root: Path
    out: Path

    @classmethod
    def at(cls, root: Path, out: Path | None = None) -> Workspace:
        """The workspace in `root`, writing to `out`."""
        return cls(root, out or root)

    def data(self, competition: str) -> Path:
        """Where the data of a competition is looked for."""
        return self.root / "data" / competition

    def has_data(self, competition: str) -> bool:
        """Whether anything stands where the data of a competition is looked for.

        Raises:
            DataError: when it may not be read.
        """
        place = self.data(competition)
        try:
            return place.is_dir() and any(not p.name.startswith(".") for p in place.iterdir())
        except OSError as error:
            raise DataError(
                f"cannot read {place}: {error.strerror}; change its permissions, or use --data"
            ) from None

    @property
    def cache(self) -> Path:
        """Where unpacked archives, drawn samples and decoded images are kept: by the data, else by
        the runs, else in the user's own cache folder, whichever can be written to first."""
        places = [base / "data" / ".cache" for base in (self.root, self.out)]
        return next((p for p in places if not refusal(nearest(p))), self._own_cache())

    def _own_cache(self) -> Path:
        """A folder of the user's for this workspace alone."""
        try:
            own = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        except RuntimeError:  # a user without a home
            return self.root / "data" / ".cache"
        root = self.root.absolute()
        return own / "comp" / f"{root.name}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:8]}"

    @property
    def images(self) -> Path:
        """Where decoded images are kept."""
        return self.cache / "images"

    def runs(self, competition: str) -> Path:
        """The folder of a competition's runs."""
        return self.out / "runs" / competition

    def submission(self, competition: str, run_id: str) -> Path:
        """What a run would send to Kaggle."""
        return self.out / "submissions" / competition / f"{run_id}.csv"

    @property
    def ledger(self) -> Path:
        """What was sent to Kaggle, and what became of it."""
        return self.out / "submissions" / "ledger.jsonl"

    def check_writable(self, competition: str) -> None:
        """Make sure that the runs and submissions of a competition can be written, writing nothing.

        Raises:
            RunError: naming the folder that cannot be made.
        """
        out = self.out.resolve()
        if not is_text(out):
            raise RunError(f"cannot write to {str(out)!a}: no UTF-8; use --out")
        for folder in (self.runs(competition), self.submission(competition, "any").parent):
            there = nearest(folder)
            reason = refusal(there) if there.is_dir() else "a file"
            if reason:
                raise RunError(f"cannot write to {folder}: {there}: {reason}; use --out")

    def check_room(self, needed: int) -> None:
        """Make sure that so many bytes fit onto the disk.

        Raises:
            DiskError: when they do not.
        """
        free = shutil.disk_usage(nearest(self.out)).free
        if free < needed:
            raise DiskError(
                f"the run needs about {needed / 1e9:.1f} GB in {self.out} and {free / 1e9:.1f} GB "
                "are free: make room, or begin a run elsewhere with --out"
            )

    def find_run(self, run_id: str) -> Path:
        """Return the folder of a run, by its id or an unambiguous beginning of it.

        Raises:
            RunError: when none or several match.
        """
        found = sorted(p.parent for p in self.out.glob(f"runs/*/{escape(run_id)}*/run.json"))
        found = found if Path(run_id).name == run_id else []
        exact = [p for p in found if p.name == run_id]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if found:
            names = ", ".join(p.name for p in found[:5])
            raise RunError(f"'{run_id}' is the beginning of {len(found)} runs ({names}): say more")
        newest = sorted((p.parent.name for p in self.out.glob("runs/*/*/run.json")), reverse=True)
        known = f"the newest are {', '.join(newest[:3])}" if newest else "there are no runs yet"
        raise RunError(f"no run '{run_id}' under {self.out / 'runs'}: {known}")
