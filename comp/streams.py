"""stdout and stderr, which may be files on a full disk, and questions to the user."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

from comp.errors import OutputError

ANSWER_TIMEOUT_S = 60.0
"""Seconds to wait for an answer before it counts as no."""
_UNATTENDED = (
    "CI",
    "JPY_PARENT_PID",
    "KAGGLE_KERNEL_RUN_TYPE",
    "COLAB_RELEASE_TAG",
    "DATABRICKS_RUNTIME_VERSION",
)
"""Variables of notebooks and build servers. Some of these give a command a terminal that no user
can type into."""


class ReportingStream:
    """A stream that reports a failed write as an `OutputError`. A closed pipe stays a
    `BrokenPipeError`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._unflushed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text.

        Raises:
            OutputError: when that fails.
        """
        self._unflushed = True
        with _as_output_error():
            return self._stream.write(text)

    def flush(self) -> None:
        """Flush the stream. An error that was already reported is not reported again.

        Raises:
            OutputError: when text written since the last flush cannot be flushed.
        """
        unflushed, self._unflushed = self._unflushed, False
        try:
            with _as_output_error():
                self._stream.flush()
        except OutputError:
            if unflushed:
                raise


class OptionalStream:
    """A stream whose failed writes do not stop the job. The first failure is one line on stderr,
    unless the stream is a closed pipe.

    Buffered text is tried again with the next write.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._warned = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text if possible."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._ignore(error)
            return len(text)

    def flush(self) -> None:
        """Flush the stream if possible."""
        try:
            self._stream.flush()
        except OSError as error:
            self._ignore(error)

    def _ignore(self, error: OSError) -> None:
        if not self._warned and not isinstance(error, BrokenPipeError):
            self._warned = True
            print_to_stderr(f"{_message(error)}; continuing without output")


def print_to_stderr(text: str) -> None:
    """Print one line `comp: <text>` on stderr; a failure is ignored."""
    try:
        print(f"comp: {' '.join(text.split())}", file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        return


def can_ask(stream: TextIO) -> bool:
    """Whether a user can read a question on `stream` and type an answer.

    Both stdin and `stream` must be terminals, outside of notebooks and build servers.
    """
    for name in _UNATTENDED:
        if os.environ.get(name, "").lower() not in ("", "0", "false"):
            return False
    return bool(sys.stdin and sys.stdin.isatty() and stream.isatty())


def ask(question: str, stream: TextIO, timeout_s: float = ANSWER_TIMEOUT_S) -> bool:
    """Print `<question>? [y/N] ` on `stream` and return whether the user answers yes.

    No answer in time means no, and one line says so. Call this only if `can_ask(stream)`.
    """
    stream.write(f"{question}? [y/N] ")
    stream.flush()
    try:
        ready = bool(select.select([sys.stdin], [], [], timeout_s)[0])
    except (OSError, ValueError):  # stdin without a descriptor, or Windows: no time limit
        ready = True
    if not ready:
        stream.write(f"\nno answer within {timeout_s:g} s: this counts as no\n")
        stream.flush()
        return False
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def report_output_errors() -> Iterator[None]:
    """Make stdout and stderr reporting streams inside the block. Text that cannot be written by
    its end is dropped: Python would fail on it at exit."""
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, ReportingStream(s)) if s else s for s in streams)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        for stream in filter(None, streams):
            _drop_unwritten(stream)


def _drop_unwritten(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        with Path(os.devnull).open("w") as devnull:
            os.dup2(devnull.fileno(), stream.fileno())


@contextmanager
def _as_output_error() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(_message(error)) from None


def _message(error: OSError) -> str:
    if isinstance(error, OutputError):
        return str(error)
    return f"cannot print: {error.strerror or error}"
