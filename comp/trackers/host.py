"""The process of one tracker: it reads messages as lines of JSON, and says how it goes.

A tracker may be slow, print, start threads or crash here without touching the training. What it has
logged is in `trackers/<tracker>.json` in the folder of the run, so that a run that resumes goes on
there and logs nothing twice. When the process of the run is gone, the run in the tracker is ended
as interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from comp.files import read_json, take_lock, write_json
from comp.streams import print_to_stderr
from comp.trackers.tracker import Start, Tracker, record_path

Say = Callable[[Mapping[str, Any]], None]
NICE = 5
"""How far the priority of the process is below that of the training."""
LONGEST = 160
"""Characters of an error that the user is told."""
RETRY_S = 10.0
"""Seconds until a message that failed is tried again."""
TRIES = 3
"""How often a message is tried; then it is lost, and the next one is tried."""


def open_tracker(start: Start, record: dict[str, Any]) -> Tracker:
    """Open a run in a tracker, or continue it. The library is imported here.

    Args:
        record: what is known of the run in the tracker; empty for a new one.
    """
    if start.tracker == "tensorboard":
        from comp.trackers.tensorboard_run import TensorBoardRun

        return TensorBoardRun(start, record)
    if start.tracker == "wandb":
        from comp.trackers.wandb_run import WandbRun

        return WandbRun(start, record)
    if start.tracker == "mlflow":
        from comp.trackers.mlflow_run import MlflowRun

        return MlflowRun(start, record)
    from comp.trackers.trackio_run import TrackioRun

    return TrackioRun(start, record)


class Host:
    """Passes messages to a tracker, and leaves out what it already has."""

    def __init__(self, start: Start) -> None:
        self._path = record_path(start)
        self.record: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            self.record = dict(read_json(self._path))
        self.record.pop("failed", None)
        self.tracker = open_tracker(start, self.record)
        self.record |= {"id": self.tracker.id, "where": self.tracker.where}
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._tries, self._again = 0, 0.0
        self._save()

    def offer(self, message: Mapping[str, Any]) -> None:
        """Pass on the messages that wait and this one; after a failure not before `RETRY_S`.

        Raises:
            Exception: what the tracker raised. The message is tried again.
        """
        self._waiting.append(message)
        if message["kind"] != "end" and time.monotonic() < self._again:
            return
        while self._waiting:
            try:
                self.take(self._waiting[0])
            except Exception:
                self._tries, self._again = self._tries + 1, time.monotonic() + RETRY_S
                if self._tries == TRIES:
                    self._forget()
                raise
            self._waiting.popleft()
            self._tries = 0

    def _forget(self) -> None:
        self._waiting.popleft()
        self._tries = 0
        self.record["lost"] = self.record.get("lost", 0) + 1

    def take(self, message: Mapping[str, Any]) -> None:
        """Pass on one message."""
        kind, tracker = message["kind"], self.tracker
        if kind == "metrics":
            steps, series = self.record.setdefault("steps", {}), message["mark"]
            if message["step"] <= steps.get(series, -1):
                return
            tracker.metrics(message["series"], message["step"], message["values"])
            steps[series] = message["step"]
        elif kind == "summary":
            known = self.record.setdefault("summary", {})
            new = {key: v for key, v in message["values"].items() if known.get(key) != v}
            if new:
                tracker.summary(new)
                known |= new
        elif kind == "note":
            notes = self.record.setdefault("notes", [])
            if message["text"] not in notes:
                notes.append(message["text"])
                tracker.notes(notes)
        elif kind in ("picture", "file"):
            self._take_file(kind, message["name"], Path(message["path"]))
        elif kind == "end":
            tracker.close(message["status"])
            self.record["status"] = message["status"]
        self._save()

    def _take_file(self, kind: str, name: str, path: Path) -> None:
        files, digest = self.record.setdefault("files", {}), sha256(path.read_bytes()).hexdigest()
        if files.get(name) == digest:
            return
        if kind == "picture":
            self.tracker.picture(name, path)
        else:
            self.tracker.file(name, path)
        files[name] = digest

    def fail(self, text: str) -> None:
        """Record that the tracker failed."""
        self.record["failed"] = text
        self._save()

    def _save(self) -> None:
        write_json(self._path, self.record)


def serve(lines: Iterable[str], say: Say) -> bool:
    """Start a tracker as the first line says, and pass on the messages of the others.

    Says `{"where": ...}` when the tracker is ready, `{"done": n}` after message n, with "trouble"
    if the tracker failed and is tried again, and `{"failed": reason}` when it is over. Returns
    whether the tracker is closed.
    """
    host, iterator = None, iter(lines)
    try:
        start = Start(**json.loads(next(iterator)))
        with _alone(start):
            host = Host(start)
            say({"where": host.tracker.where})
            _pass_on(iterator, host, say)
        return True
    except BaseException as error:  # also SystemExit: a library may raise anything
        reason = _told(error)
        if host:
            with suppress(Exception):
                host.fail(reason)
        say({"failed": reason})
        return False


def _alone(start: Start) -> AbstractContextManager[Any]:
    """Wait for the process before, which may still end the run after it was killed."""
    start.own_folder.mkdir(exist_ok=True)
    lock = start.own_folder / f".{start.tracker}.lock"
    return take_lock(lock, timeout_s=start.limit / 2, warn=print_to_stderr)


def _pass_on(lines: Iterable[str], host: Host, say: Say) -> None:
    """Pass on messages until the last one."""
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:  # a signal may cut a line
            sys.stderr.write(f"skipped: {line!r}\n")
            continue
        say({"done": message["n"], **_offered(host, message)})
        if message["kind"] == "end":
            return
    host.offer({"kind": "end", "status": "interrupted"})


def _offered(host: Host, message: Mapping[str, Any]) -> dict[str, str]:
    """Offer a message; returns what to say about it. The last one may not fail."""
    try:
        host.offer(message)
    except Exception as error:
        if message["kind"] == "end":
            raise
        return {"trouble": _told(error)}
    return {}


def _told(error: BaseException) -> str:
    """The first line of an error; the traceback goes to the log."""
    with suppress(OSError):  # the disk is full
        traceback.print_exception(error)
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:LONGEST]}" if lines else type(error).__name__


def main() -> None:
    """Serve the process that started this one. stdin and stdout are for its messages only; whatever
    a library prints goes to stderr, and it can ask nothing."""
    messages, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError, AttributeError):
        os.nice(NICE)

    def say(answer: Mapping[str, Any]) -> None:
        with suppress(OSError):  # nobody listens any more
            os.write(answers, (json.dumps(answer) + "\n").encode())

    with os.fdopen(messages, encoding="utf-8") as stream:
        serve(_until_the_end(stream), say)
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)  # threads of a library that did not end


def _until_the_end(lines: Iterable[str]) -> Iterable[str]:
    """Yield the lines. After the last one there is not for ever time to close the tracker."""
    limit = 60.0
    for index, line in enumerate(lines):
        if index == 0:
            limit = Start(**json.loads(line)).limit
        yield line
    timer = threading.Timer(limit, os._exit, (1,))
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main()
