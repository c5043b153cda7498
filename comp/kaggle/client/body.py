"""The body of an answer, read so that nothing outlives a deadline."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING

from comp.errors import NetworkError
from comp.kaggle.client.deadline import Deadline

if TYPE_CHECKING:
    import requests

PIECE = 1 << 20
"""The most bytes of a piece."""
AHEAD = 8
"""How many pieces may wait to be written."""


@contextmanager
def reading(answer: requests.Response, deadline: Deadline, doing: str) -> Iterator[Iterator[bytes]]:
    """Yield the pieces of a streamed answer as they come, as they were sent.

    They are read in a thread of their own, so that neither silence nor a trickle lasts beyond the
    deadline. The answer is closed in the end.

    The pieces raise:
        NetworkError: when the time is over.
        urllib3.exceptions.HTTPError: when the connection breaks, or falls silent.
    """
    read: Queue[bytes | Exception] = Queue(AHEAD)
    left_behind = threading.Event()

    def work() -> None:
        with answer:
            try:
                data = b"more"
                while data and not left_behind.is_set():
                    data = answer.raw.read1(PIECE, decode_content=False)
                    read.put(data)
            except Exception as error:  # raised again in the caller's thread
                read.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        yield _pieces(read, deadline, doing)
    finally:
        left_behind.set()
        with suppress(AttributeError, ValueError, RuntimeError, OSError):
            answer.raw.shutdown()  # wakes a thread that still waits; urllib3 has it since 2.3
        with suppress(Empty):
            while True:
                read.get_nowait()  # makes room for one that waits to hand over what it has read


def _pieces(read: Queue[bytes | Exception], deadline: Deadline, doing: str) -> Iterator[bytes]:
    while True:
        deadline.check(doing)
        try:
            piece = read.get(timeout=deadline.left)
        except Empty:
            raise NetworkError(deadline.over(doing)) from None
        if isinstance(piece, Exception):
            raise piece
        if not piece:
            return
        yield piece
