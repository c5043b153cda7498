"""The folder of a run, and the run.json that describes the run.

runs/<competition>/<run id>/
  run.json      configuration, plan, versions, fingerprints, device, timings, state
  run.lock      locked by the process that works on the run
  progress.json how far the run is, while it trains and after a failure
  folds.csv     id,fold,group
  samples.parquet  the samples as the run saw them, for its folds
  fold-0/       model.safetensors, meta.json, history.jsonl, oof.safetensors, test.safetensors;
                replanned.json if its steps were planned again; resume.pt, batches.json and
                fold.lock while it trains; with several seeds, these files are in seed-0/, seed-1/,
                ..., and the predictions of the fold are their mean
  full/         the same files of the model of all samples, whose oof.safetensors is empty
  oof.safetensors, test.safetensors, scores.json, example.png; of more than 20 classes, classes.csv
                and confusion.csv
  reader/       files of the reader: images.json with the folder of the decoded images, papers;
                pseudo-<fold>.safetensors, the labels of unlabelled samples
  report.html   what a reader wants to see of the run
  grade.json    the scores of test.safetensors, after `comp grade`
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

from pydantic import Field, TypeAdapter, ValidationError

from comp import __version__
from comp.config.schema import SHORT, RunConfig
from comp.errors import CompError, RunError
from comp.files import is_locked, read_json, take_lock, write_error, write_json
from comp.signals import Stopped
from comp.streams import print_to_stderr

_RECORDED_PACKAGES = (
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
_KEY_TYPES: dict[str, Any] = {
    "competition": str,
    "config": dict[str, Any],
    "folds": Annotated[list[int], Field(min_length=1)],
    "data": str,
    "synthetic": bool,
    "data_fingerprint": str,
    "plan": dict[int, int],
}
_OLD_KEYS = {"sample": "synthetic"}
"""Keys of run.json and scores.json that had another name in earlier versions."""
_DEFAULTS: dict[str, Any] = {"plan": {}}
"""Values of keys that run.json may lack."""
NEEDED_TO_RESUME = tuple(_KEY_TYPES)
"""The keys of run.json without which a run cannot resume."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run."""

    path: Path

    @property
    def run_id(self) -> str:
        """The id of the run, which is the name of its folder."""
        return self.path.name

    @property
    def folds_csv(self) -> Path:
        """The fold in which each training sample is held out."""
        return self.path / "folds.csv"

    @property
    def samples(self) -> Path:
        """The samples of the run, as `comp.data.sample_table` writes them."""
        return self.path / "samples.parquet"

    @property
    def reader_folder(self) -> Path:
        """Files that the competition's reader writes."""
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

    @property
    def report(self) -> Path:
        """The report of the run, an HTML page."""
        return self.path / "report.html"

    def fold(self, fold: int) -> Path:
        """The folder of one fold."""
        return self.path / f"fold-{fold}"

    def record(self, *needed: str) -> dict[str, Any]:
        """Read run.json and check the types of the keys in `needed`.

        Raises:
            RunError: the file is missing or damaged, or a needed key is.
        """
        try:
            record = with_present_keys(dict(read_json(self.path / "run.json")))
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"{self.path} is not a run: run.json cannot be read ({error})") from None
        for key in needed:
            try:
                value = record.get(key, _DEFAULTS.get(key))
                record[key] = TypeAdapter(_KEY_TYPES[key]).validate_python(value)
            except ValidationError:
                value_text = SHORT.repr(record[key]) if key in record else "missing"
                raise RunError(
                    f"{self.path / 'run.json'} is damaged: {key} is {value_text}; restore the "
                    "file, or start a new run"
                ) from None
        return record

    def decision_params(self) -> tuple[float, ...] | None:
        """The decision parameters that the run fitted on out-of-fold predictions; None if it
        fitted none.

        Raises:
            RunError: scores.json is damaged.
        """
        try:
            scores = read_json(self.scores) if self.scores.is_file() else {}
            decision = scores.get("decision")
            if decision:
                return tuple(map(float, decision["params"]))
            value = scores.get("threshold")  # runs of earlier versions have only this key
            return None if value is None else (float(value),)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunError(
                f"{self.scores} cannot be read ({error}): restore the file, or start a new run"
            ) from None

    @property
    def halved(self) -> bool:
        """Whether the GPU ran out of memory with the configured batch size, so that the run trains
        on batches of half the size."""
        path = self.path / "run.json"
        return path.is_file() and bool(read_json(path).get("halved"))

    @property
    def lock(self) -> Path:
        """The file that the process that works on the run locks."""
        return self.path / "run.lock"

    def alive(self) -> bool:
        """Whether a process works on the run."""
        return is_locked(self.lock)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Lock the run, and record in run.json that it was interrupted or failed, if it does.

        Raises:
            DiskError: the lock file cannot be written.
            RunError: another process works on the run.
        """
        with self._locked():
            self.update_record(state="running", reason=None)
            with self._failure_recorded():
                yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:  # `alive` holds the lock for a moment
            lock = take_lock(self.lock, timeout_s=1, warn=print_to_stderr)
        except TimeoutError:
            raise self.locked_error() from None
        except OSError as error:
            raise write_error(self.lock, error) from None
        with lock:
            yield

    def locked_error(self) -> RunError:
        """The error for a run that another process works on."""
        return RunError(f"another process is working on run {self.run_id}: wait for it")

    @contextmanager
    def _failure_recorded(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt as error:
            if isinstance(error, Stopped):
                error.run = self.path
            with suppress(CompError, OSError):
                self.update_record(state="interrupted")
            raise
        except BaseException as error:
            reason = str(error) if isinstance(error, CompError) else repr(error)
            with suppress(CompError, OSError):
                self.update_record(state="failed", reason=reason)
            raise

    def update_record(self, **values: Any) -> None:
        """Add values to run.json, or replace them."""
        path = self.path / "run.json"
        record = read_json(path) if path.is_file() else {}
        write_json(path, record | values)


def with_present_keys(record: dict[str, Any]) -> dict[str, Any]:
    """The contents of a run.json or scores.json with the present names of its keys.

    If a key has both names, the present one counts.
    """
    present = {key: value for key, value in record.items() if key not in _OLD_KEYS}
    return {new: record[old] for old, new in _OLD_KEYS.items() if old in record} | present


def create(runs: Path, config: RunConfig, now: datetime) -> RunFolder:
    """Make the folder of a new run: `<date>-<time>-<first 6 hex digits of the configuration hash>`.

    Raises:
        RunError: the folder cannot be made.
    """
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
    raise RunError(f"{runs} already contains 999 runs named {stem}: use --out")


def config_hash(config: RunConfig) -> str:
    """SHA-256 of the configuration, in hex."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def environment() -> dict[str, Any]:
    """Return the versions on which a result may depend, and the working folder's git commit."""
    packages: dict[str, str | None] = {}
    for package in _RECORDED_PACKAGES:
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
        result = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None if result.returncode == 0 else None
