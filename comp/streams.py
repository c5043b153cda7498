"""stdout and stderr, which may be files on a disk that is full."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

from comp.errors import OutputError


class ReportingStream:
    """A stream as it is, but that one line says why it cannot be written to. A pipe whose reader
    is gone stays what it is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._fresh = stream, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text.

        Raises:
            OutputError: where that fails.
        """
        self._fresh = True
        with _explained():
            return self._stream.write(text)

    def flush(self) -> None:
        """Write what is held back; what failed once is not told again.

        Raises:
            OutputError: where that fails.
        """
        fresh, self._fresh = self._fresh, False
        try:
            with _explained():
                self._stream.flush()
        except OutputError:
            if fresh:
                raise


class OptionalStream:
    """A stream that a job goes on without, while it cannot be written to; stderr hears of it once,
    unless it is a pipe whose reader is gone.

    Output that is still held back is tried again with the next.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._said = stream, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text where that is possible."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._let_be(error)
            return len(text)

    def flush(self) -> None:
        """Write what is held back where that is possible."""
        try:
            self._stream.flush()
        except OSError as error:
            self._let_be(error)

    def _let_be(self, error: OSError) -> None:
        if not self._said and not isinstance(error, BrokenPipeError):
            self._said = True
            say(f"{_explanation(error)}; going on without")


def say(words: str) -> None:
    """Say one line on stderr, if that works."""
    try:
        print(f"comp: {' '.join(words.split())}", file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        return


@contextmanager
def guarded() -> Iterator[None]:
    """Guard stdout and stderr inside the block. What they could not write by its end is dropped,
    for Python would stumble over it on its way out."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, ReportingStream(s)) if s else s for s in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in filter(None, before):
            _drop_rest(stream)


def _drop_rest(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(_explanation(error)) from None


def _explanation(error: OSError) -> str:
    told = isinstance(error, OutputError)
    return str(error) if told else f"cannot print: {error.strerror or error}"
