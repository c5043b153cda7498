"""A run on disk: where each thing stands, and the run.json that says what the run was.

runs/<competition>/<run id>/
  run.json      configuration, plan, versions, fingerprints, device, timings, state
  run.lock      held by the process that works on it
  folds.csv     id,fold,group
  fold-0/       model.safetensors, meta.json, history.jsonl, oof.safetensors, test.safetensors;
                resume.pt while it is under way
  oof.safetensors, test.safetensors, scores.json, example.png
  reader/       what the reader keeps: images.json, where the decoded images are; recovered papers
  grade.json    the worth of test.safetensors, once `comp grade` was asked
"""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

from filelock import FileLock, Timeout
from pydantic import Field, TypeAdapter, ValidationError

from comp import __version__
from comp.config.schema import SHORT, RunConfig
from comp.errors import CompError, RunError
from comp.files import cannot_write, read_json, write_json
from comp.signals import Stopped

_PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "accelerate",
    "albumentations",
    "numpy",
    "polars",
    "scikit-learn",
    "opencv-python-headless",
    "safetensors",
    "kaggle",
)
_KINDS: dict[str, Any] = {
    "competition": str,
    "config": dict[str, Any],
    "folds": Annotated[list[int], Field(min_length=1)],
    "data": str,
    "synthetic": bool,
    "data_fingerprint": str,
    "plan": dict[int, int],
}
_OLD_KEYS = {"sample": "synthetic"}
"""Keys of run.json that had another name in earlier versions."""
_UNSAID: dict[str, Any] = {"plan": {}}
NEEDED_TO_RESUME = tuple(_KINDS)
"""What run.json has to say of a run, so that it can be gone on with."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run."""

    path: Path

    @property
    def run_id(self) -> str:
        """The name of the run."""
        return self.path.name

    @property
    def folds_csv(self) -> Path:
        """Which sample is held out in which fold."""
        return self.path / "folds.csv"

    @property
    def reader_folder(self) -> Path:
        """What a competition's reader found worth keeping."""
        return self.path / "reader"

    @property
    def oof(self) -> Path:
        """Out-of-fold predictions of the training samples."""
        return self.path / "oof.safetensors"

    @property
    def test(self) -> Path:
        """Predictions of the test samples, averaged over the folds."""
        return self.path / "test.safetensors"

    @property
    def scores(self) -> Path:
        """The scores of the run."""
        return self.path / "scores.json"

    def fold(self, fold: int) -> Path:
        """The folder of one fold."""
        return self.path / f"fold-{fold}"

    def record(self, *needed: str) -> dict[str, Any]:
        """What run.json says; it says what is `needed`, each of its kind.

        Raises:
            RunError: when it is missing or damaged.
        """
        try:
            record = dict(read_json(self.path / "run.json"))
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"{self.path} is not a run: run.json cannot be read ({error})") from None
        for old, new in _OLD_KEYS.items():
            if old in record:
                record.setdefault(new, record.pop(old))
        for key in needed:
            try:
                value = record.get(key, _UNSAID.get(key))
                record[key] = TypeAdapter(_KINDS[key]).validate_python(value)
            except ValidationError:
                found = SHORT.repr(record[key]) if key in record else "missing"
                raise RunError(
                    f"{self.path / 'run.json'} is damaged: {key} is {found}; restore the file, or "
                    "begin a new run"
                ) from None
        return record

    def threshold(self) -> float | None:
        """The decision threshold that the run tuned out of fold, None where it has none."""
        if not self.scores.is_file():
            return None
        value = read_json(self.scores).get("threshold")
        return None if value is None else float(value)

    @property
    def halved(self) -> bool:
        """Whether the GPU was found to have no room for batches of the size that is configured."""
        path = self.path / "run.json"
        return path.is_file() and bool(read_json(path).get("halved"))

    @property
    def lock(self) -> Path:
        """Held by the process that works on the run, as long as it lives."""
        return self.path / "run.lock"

    def alive(self) -> bool:
        """Whether a process works on the run."""
        try:
            if not self.lock.is_file():
                return False
            with FileLock(self.lock, timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # a folder that cannot be read or written, in which nobody works
            return False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep others out, and note in run.json how the run stopped, if anything goes wrong.

        Raises:
            DiskError: when the lock cannot be written.
            RunError: when another process works on the run.
        """
        with self._locked():
            self.note(state="running", reason=None)
            with self._noting():
                yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self.lock, timeout=1)  # `alive` takes it for a moment
        try:
            lock.acquire()
        except Timeout:
            raise RunError(f"another process works on run {self.run_id}: wait for it") from None
        except OSError as error:
            raise cannot_write(self.lock, error) from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt as error:
            if isinstance(error, Stopped):
                error.run = self.path
            with suppress(CompError, OSError):
                self.note(state="interrupted")
            raise
        except BaseException as error:
            reason = str(error) if isinstance(error, CompError) else repr(error)
            with suppress(CompError, OSError):
                self.note(state="failed", reason=reason)
            raise

    def note(self, **values: Any) -> None:
        """Add values to run.json, or replace them."""
        path = self.path / "run.json"
        before = read_json(path) if path.is_file() else {}
        write_json(path, before | values)


def create(runs: Path, config: RunConfig, now: datetime) -> RunFolder:
    """Make the folder of a new run: `<date>-<time>-<short hash of the configuration>`."""
    stem = f"{now:%Y%m%d-%H%M%S}-{config_hash(config)[:6]}"
    for attempt in range(1, 1000):
        path = runs / (stem if attempt == 1 else f"{stem}-{attempt}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"cannot write to {runs}: {error.strerror}; use --out") from None
        return RunFolder(path)
    raise RunError(f"a thousand runs named {stem} in {runs}: use --out")


def config_hash(config: RunConfig) -> str:
    """SHA-256 of the configuration, in hex."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def environment() -> dict[str, Any]:
    """Versions of all that a result may depend on, and the git commit of the working folder."""
    packages: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            packages[package] = version(package)
        except PackageNotFoundError:
            packages[package] = None
    return {
        "comp": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "packages": packages,
        "git_commit": _git_commit(),
    }


def _git_commit() -> str | None:
    command = ["git", "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
