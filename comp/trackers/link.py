"""The link to the process of a tracker: it never waits for the tracker while a run trains.

Messages go through a pipe that does not block; what does not fit waits in memory. The tracker
answers each message. If an answer is late, the process is killed and the run goes on without it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from comp.errors import CompError
from comp.files import read_json, write_json
from comp.trackers.environment import environment
from comp.trackers.tracker import Start, Status, record_path

CHUNK = 65536
LOOK_S = 0.02
"""Seconds between two looks at processes that end."""


class Link:
    """A tracker in a process of its own.

    Args:
        note: tells the user something.
        quiet: do not tell where the run is.
    """

    def __init__(self, start: Start, note: Callable[[str], None], quiet: bool = False) -> None:
        self._start, self._note, self._quiet = start, note, quiet
        self._out, self._in = bytearray(), bytearray()
        self._sent = self._done = 0
        self._heard = time.monotonic()
        self._told = self.failed = False
        self._last: int | None = None
        """The number of the last message, once it is known."""
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = _started(start)
        except (OSError, AttributeError) as error:  # pipes of Windows may have to block
            self._fail(f"its process cannot start: {error}")
        self._queue(asdict(start))

    def send(self, kind: str, **values: Any) -> None:
        """Send a message, or keep it until there is room."""
        if not self.failed:
            if self._sent == self._done:
                self._heard = time.monotonic()
            self._sent += 1
            self._queue({"kind": kind, "n": self._sent, **values})
            self.pump()

    def pump(self) -> None:
        """Send what waits, and hear what the tracker says. Kills it if an answer is late."""
        if self.failed or self._process is None:
            return
        try:
            self._exchange(self._process)
        except (OSError, ValueError, KeyError) as error:
            self._fail(f"its messages cannot be read: {error}")

    def _exchange(self, process: subprocess.Popen[bytes]) -> None:
        ended = self._read()
        self._write()
        if self.failed or self.finished:
            return
        if ended:
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
            self._fail(f"its process ended with exit code {process.returncode}")
        elif time.monotonic() - self._heard > self._start.limit and self._sent > self._done:
            self._fail(f"no answer for {self._start.limit:.0f} s")

    @property
    def finished(self) -> bool:
        """Whether the tracker has answered the last message."""
        return self._last is not None and self._done >= self._last

    def ask_to_end(self, status: Status) -> None:
        """Send the last message."""
        self._last = self._sent + 1
        self.send("end", status=status)

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    def give_up(self) -> None:
        """Do not wait any longer for the last answer."""
        self.pump()
        if not (self.failed or self.finished):
            self._fail("it did not end in time")

    def kill(self) -> None:
        """End the process, if it has not ended, and all that it started."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            with suppress(OSError, AttributeError):  # Windows has no groups
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                stream and stream.close()

    def _queue(self, message: Mapping[str, Any]) -> None:
        self._out += (json.dumps(message) + "\n").encode()

    def _write(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(BlockingIOError, BrokenPipeError):
            while self._out:
                done = os.write(self._process.stdin.fileno(), self._out[:CHUNK])
                del self._out[:done]

    def _read(self) -> bool:
        """Hear what the tracker says; returns whether it has closed its end."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            while data := os.read(self._process.stdout.fileno(), CHUNK):
                self._in += data
            ended = True
        except BlockingIOError:
            ended = False
        *lines, rest = self._in.split(b"\n")
        self._in = bytearray(rest)
        for line in lines:
            self._hear(json.loads(line))
        return ended

    def _hear(self, answer: Mapping[str, Any]) -> None:
        self._heard = time.monotonic()
        self._done = answer.get("done", self._done)
        if "where" in answer and not self._quiet:
            self._note(f"tracked in {self._start.tracker}: {answer['where']}")
        if "trouble" in answer:
            self._tell(f"{answer['trouble']}; it is tried again, and the run goes on")
        if "failed" in answer:
            self._fail(answer["failed"])

    def _fail(self, reason: str) -> None:
        self.failed = True
        self._out.clear()
        self.kill()
        self._record(reason)
        self._tell(f"{reason}; the run goes on without it")

    def _record(self, reason: str) -> None:
        """Record that the tracker failed, so that it does not get the report either."""
        path, record = record_path(self._start), {}
        with suppress(OSError, ValueError):
            record = read_json(path)
        with suppress(CompError, OSError, TypeError):
            write_json(path, {**record, "failed": reason})

    def _tell(self, text: str) -> None:
        """Tell the user once that the tracker fails."""
        if not self._told:
            self._told = True
            self._note(f"tracker {self._start.tracker}: {text} (see {log_path(self._start)})")


def log_path(start: Start) -> Path:
    """The file that gets what the library of the tracker prints."""
    return start.own_folder / f"{start.tracker}.log"


def _started(start: Start) -> subprocess.Popen[bytes]:
    """Start the process of a tracker, out of the reach of Ctrl-C, without a GPU."""
    with _log(start) as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "comp.trackers.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment(start),
            start_new_session=True,
        )
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        os.set_blocking(stream.fileno(), False)
    return process


def _log(start: Start) -> IO[bytes]:
    try:
        start.own_folder.mkdir(exist_ok=True)
        return log_path(start).open("ab")
    except OSError:  # the disk is full
        return Path(os.devnull).open("ab")
