"""The ledger of submissions: plain text for git, one JSON line an event, never rewritten.

Every attempt has a tag, which also stands in the description that Kaggle keeps. Its events:

    intent      about to send: competition, run, file, sha256, scores, fold hash, configuration
    uploaded    the bytes are at Kaggle; no submission is made of them yet
    creating    the one request that makes a submission is about to be sent
    created     Kaggle has it: `ref`
    unknown     the answer to that request was lost
    refused     Kaggle said no, or it never left this machine: nothing was sent
    absent      an unknown one was looked for under its tag and is not there
    scored      `public` and `private`, as text; again whenever Kaggle changes them
    error       Kaggle could not score it: `message`

A line that was cut short by a crash, or is no event, is skipped when reading; after the former the
next one begins on a new line.
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

from filelock import FileLock, Timeout

from comp.errors import RunError
from comp.workspace import Workspace

State = Literal[
    "intent", "uploaded", "creating", "created", "unknown", "refused", "absent", "scored", "error"
]
UNSENT: frozenset[str] = frozenset({"intent", "uploaded", "refused", "absent"})
"""States in which Kaggle has surely no submission of the attempt."""
OPEN: frozenset[str] = frozenset({"creating", "unknown"})
"""States in which only Kaggle knows."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """All that the ledger says of one attempt to submit a file; `facts` are those of its intent."""

    tag: str
    competition: str
    state: State
    at: str
    """When it was begun, UTC, in ISO format."""
    run_id: str | None = None
    sha256: str = ""
    ref: int | None = None
    public: str = ""
    private: str = ""
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sent(self) -> bool:
        """Whether Kaggle has it for sure."""
        return self.state in ("created", "scored", "error")


def new_tag() -> str:
    """A mark that no other attempt has, as it stands in a description: `comp:1f2e3d4c5b6a`."""
    return f"comp:{uuid4().hex[:12]}"


class Ledger:
    """`submissions/ledger.jsonl` of a workspace."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: State, tag: str, competition: str, **facts: Any) -> None:
        """Write one event and make sure that it is on the disk.

        Raises:
            RunError: when it cannot be written.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"at": now, "event": event, "tag": tag, "competition": competition, **facts}
        data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        with self._lock(".append", wait_s=30.0), self._writable(), self.path.open("a+b") as stream:
            stream.write(b"\n" * _cut_short(stream) + data)
            stream.flush()
            os.fsync(stream.fileno())

    def events(self) -> Iterator[dict[str, Any]]:
        """The events in the order in which they were written."""
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
        """The attempts, of one competition if named, the oldest first."""
        found: dict[str, Attempt] = {}
        for event in self.events():
            if competition in (None, event["competition"]):
                found[event["tag"]] = _after(found.get(event["tag"]), event)
        return list(found.values())

    @contextmanager
    def submitting(self, competition: str) -> Iterator[None]:
        """Keep every other `comp submit` of the competition out; a dead one keeps nobody out.

        Raises:
            RunError: when another one is at work.
        """
        with self._lock(f".{competition}", wait_s=0.0):
            yield

    @contextmanager
    def _lock(self, name: str, wait_s: float) -> Iterator[None]:
        lock = FileLock(self.path.with_name(f".ledger{name}.lock"), timeout=wait_s)
        try:
            with self._writable():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                lock.acquire()
        except Timeout:
            raise RunError(
                "another comp submit is at work here: wait for it to end (it holds "
                f"{Path(lock.lock_file).name})"
            ) from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except Timeout:  # which is an OSError
            raise
        except OSError as error:
            raise RunError(
                f"cannot write the ledger {self.path}: {error.strerror}; nothing more was sent"
            ) from None


def submitted_runs(workspace: Workspace) -> set[tuple[str, str | None]]:
    """(competition, run id) of every run that a ledger names: the workspace's own ledger, and that
    of its root folder, where a run made with --out may be recorded.

    Raises:
        RunError: when a ledger cannot be read.
    """
    ledgers = {workspace.ledger, Workspace.at(workspace.root).ledger}
    return {(a.competition, a.run_id) for path in ledgers for a in Ledger(path).attempts()}


def _cut_short(stream: Any) -> bool:
    """Whether the last line of a file has no end."""
    if not stream.seek(0, os.SEEK_END):
        return False
    stream.seek(-1, os.SEEK_END)
    return bool(stream.read(1) != b"\n")


def _is_event(event: Mapping[str, Any]) -> bool:
    """Whether an event has all that it needs, and text where text belongs."""
    needed = all(isinstance(event.get(name), str) for name in ("event", "tag", "competition", "at"))
    others = ("run_id", "sha256", "public", "private", "message")
    return needed and all(isinstance(event.get(name), str | None) for name in others)


def _after(attempt: Attempt | None, event: Mapping[str, Any]) -> Attempt:
    """What is known of an attempt after an event."""
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
        attempt = replace(attempt, message="")  # that an answer was lost is over
    known = {name: event[name] for name in ("ref", "public", "private", "message") if name in event}
    return replace(attempt, state=event["event"], **known)


def public_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a configuration that are set, dotted; of a path its last part."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": held for inner, held in public_config(value).items()}
        elif isinstance(value, str) and ("/" in value or "\\" in value):
            flat[key] = value.replace("\\", "/").rsplit("/", 1)[-1]
        elif value is not None:
            flat[key] = value
    return flat


def newest(attempts: Sequence[Attempt], sha256: str) -> Attempt | None:
    """The attempt that tells what became of a file of these bytes: the last one whose outcome is
    unknown, else the last one that Kaggle has, else the last."""
    mine = [attempt for attempt in attempts if attempt.sha256 == sha256]
    ranked = ([a for a in mine if a.state in OPEN], [a for a in mine if a.sent], mine)
    return next((found[-1] for found in ranked if found), None)


def number(text: str) -> float | None:
    """A score of Kaggle's as a number, None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
