"""The ledger of submissions: a text file for git with one JSON line per event, never rewritten.

Every attempt has a tag, which is also part of the description on Kaggle. Its events:

    intent      about to send: competition, run, file, sha256, scores, fold hash, configuration
    uploaded    the bytes are on Kaggle, without a submission
    creating    the one request that makes a submission is about to be sent
    created     Kaggle has it: `ref`
    unknown     the answer to that request was lost
    refused     Kaggle refused it, or it was never sent: there is no submission
    absent      the outcome was unknown, and Kaggle has no submission with the tag
    scored      `public` and `private`, as text; again when Kaggle changes them
    error       Kaggle could not score it: `message`

An attempt with a notebook (`kind` is "notebook") has these before "creating"; a request whose event
is the last one may or may not have arrived:

    versioning  the one request that makes a version of a data set (or model) is about to be sent
    versioned   Kaggle has the version: `source_version`
    pushing     the one request that saves a version of the notebook is about to be sent
    pushed      Kaggle has it, and runs it: `kernel_version`
    saved       Kaggle has it and does not run it, as asked: `kernel_version`
    ran         its session is complete
    failed      its session failed or was stopped: `message`
    graded      its submission file was scored here, on test labels: `value`

A line that a crash cut short, or that is not an event, is skipped; the next event starts a new
line.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from comp.errors import RunError
from comp.files import take_lock
from comp.streams import print_to_stderr
from comp.workspace import Workspace

State = Literal[
    "intent", "uploaded", "creating", "created", "unknown", "refused", "absent", "scored", "error",
    "versioning", "versioned", "pushing", "pushed", "saved", "ran", "failed", "graded",
]  # fmt: skip
NOTEBOOK: frozenset[str] = frozenset({"versioning", "versioned", "pushing", "pushed", "ran"})
"""States of an attempt with a notebook that has no submission yet and continues."""
UNSENT: frozenset[str] = frozenset(
    {"intent", "uploaded", "refused", "absent", "saved", "failed", "graded", *NOTEBOOK}
)
"""States in which Kaggle certainly has no submission of the attempt."""
OPEN: frozenset[str] = frozenset({"creating", "unknown"})
"""States in which it is unknown whether Kaggle has a submission."""
_FIELDS = ("ref", "public", "private", "message", "source_version", "kernel_version", "value")
"""Keys of events that are fields of an attempt."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt to submit a file or a notebook; `facts` is its "intent" event."""

    tag: str
    competition: str
    state: State
    at: str
    """When it began, UTC, in ISO format."""
    run_id: str | None = None
    sha256: str = ""
    ref: int | None = None
    public: str = ""
    private: str = ""
    message: str = ""
    source_version: int | None = None
    """The version of the data set or model that holds the weights of a notebook."""
    kernel_version: int | None = None
    """The version of the notebook on Kaggle."""
    value: float | None = None
    """The score on test labels here."""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What was sent: "file" or "notebook"."""
        return str(self.facts.get("kind") or "file")

    @property
    def kernel(self) -> str:
        """The notebook on Kaggle, "owner/name"; "" for a file."""
        return str(self.facts.get("kernel") or "")

    @property
    def sent(self) -> bool:
        """Whether Kaggle certainly has it."""
        return self.state in ("created", "scored", "error")


def new_tag() -> str:
    """A unique tag for a description: `comp:1f2e3d4c5b6a`."""
    return f"comp:{uuid4().hex[:12]}"


class Ledger:
    """`submissions/ledger.jsonl` of a workspace."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: State, tag: str, competition: str, **facts: Any) -> None:
        """Write one event and flush it to the disk.

        Raises:
            RunError: the ledger cannot be written.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"at": now, "event": event, "tag": tag, "competition": competition, **facts}
        data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        with (
            self._lock(".append", timeout_s=30.0),
            self._writable(),
            self.path.open("a+b") as stream,
        ):
            stream.write(b"\n" * _cut_short(stream) + data)
            stream.flush()
            os.fsync(stream.fileno())

    def events(self) -> Iterator[dict[str, Any]]:
        """The events in the order of the file."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            raise RunError(f"cannot read the ledger {self.path}: {error.strerror}") from None
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and _is_event(event):
                yield event

    def attempts(self, competition: str | None = None) -> list[Attempt]:
        """The attempts, oldest first; of one competition if named."""
        found: dict[str, Attempt] = {}
        for event in self.events():
            if competition in (None, event["competition"]):
                found[event["tag"]] = _after(found.get(event["tag"]), event)
        return list(found.values())

    @contextmanager
    def submitting(self, competition: str) -> Iterator[None]:
        """Allow one `comp submit` per competition at a time; the lock ends with its process.

        Raises:
            RunError: another one is running.
        """
        with self._lock(f".{competition}", timeout_s=0.0):
            yield

    @contextmanager
    def _lock(self, name: str, timeout_s: float) -> Iterator[None]:
        path = self.path.with_name(f".ledger{name}.lock")
        try:
            with self._writable():
                path.parent.mkdir(parents=True, exist_ok=True)
                lock = take_lock(path, timeout_s, warn=print_to_stderr)
        except TimeoutError:
            raise RunError(
                f"another 'comp submit' is running: wait for it to end (it holds {path.name})"
            ) from None
        with lock:
            yield

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:  # another process holds the lock
            raise
        except OSError as error:
            raise RunError(
                f"cannot write the ledger {self.path}: {error.strerror}; nothing more was sent"
            ) from None


def submitted_runs(workspace: Workspace) -> set[tuple[str, str | None]]:
    """(competition, run id) of every run in the ledger of the workspace or of its root folder (for
    runs made with --out).

    Raises:
        RunError: a ledger cannot be read.
    """
    ledgers = {workspace.ledger, Workspace.at(workspace.root).ledger}
    return {(a.competition, a.run_id) for path in ledgers for a in Ledger(path).attempts()}


def _cut_short(stream: Any) -> bool:
    """Whether the last line of a file has no newline."""
    if not stream.seek(0, os.SEEK_END):
        return False
    stream.seek(-1, os.SEEK_END)
    return bool(stream.read(1) != b"\n")


def _is_event(event: Mapping[str, Any]) -> bool:
    """Whether an event has the needed keys with values of the right type."""
    needed = all(isinstance(event.get(name), str) for name in ("event", "tag", "competition", "at"))
    others = ("run_id", "sha256", "public", "private", "message")
    numbers = ("source_version", "kernel_version", "value")
    return (
        needed
        and all(isinstance(event.get(name), str | None) for name in others)
        and all(isinstance(event.get(name), int | float | None) for name in numbers)
    )


def _after(attempt: Attempt | None, event: Mapping[str, Any]) -> Attempt:
    """The attempt after an event."""
    if attempt is None:
        attempt = Attempt(
            tag=event["tag"],
            competition=event["competition"],
            state=event["event"],
            at=event["at"],
            run_id=event.get("run_id"),
            sha256=event.get("sha256", ""),
            facts=dict(event),
        )
    if event["event"] in ("created", "scored"):
        attempt = replace(attempt, message="")  # the answer is no longer lost
    known = {name: event[name] for name in _FIELDS if name in event}
    return replace(attempt, state=event["event"], **known)


def public_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The set keys of a configuration, with dots; a path is shortened to its last part."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": item for inner, item in public_config(value).items()}
        elif isinstance(value, str) and ("/" in value or "\\" in value):
            flat[key] = value.replace("\\", "/").rsplit("/", 1)[-1]
        elif value is not None:
            flat[key] = value
    return flat


def newest(attempts: Sequence[Attempt], sha256: str) -> Attempt | None:
    """The attempt that decides the state of a file with these bytes: the last one whose outcome is
    unknown, else the last one that Kaggle has, else the last."""
    mine = [attempt for attempt in attempts if attempt.sha256 == sha256]
    ranked = ([a for a in mine if a.state in OPEN], [a for a in mine if a.sent], mine)
    return next((found[-1] for found in ranked if found), None)


def number(text: str) -> float | None:
    """A score of Kaggle as a number, None if it is not a number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
