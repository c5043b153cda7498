"""Reads the body of a response, but not beyond a deadline."""

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

CHUNK_BYTES = 1 << 20
"""Maximum size of a chunk."""
MAX_QUEUED_CHUNKS = 8
"""Chunks that may wait for the reader of the queue."""


@contextmanager
def read_chunks(
    response: requests.Response, deadline: Deadline, action: str
) -> Iterator[Iterator[bytes]]:
    """Yield an iterator over the raw chunks of a streamed response.

    A thread reads them, so that a silent or slow connection does not last beyond the deadline. The
    response is closed at the end.

    The iterator raises:
        NetworkError: the deadline has passed.
        urllib3.exceptions.HTTPError: the connection broke or is silent.
    """
    queue: Queue[bytes | Exception] = Queue(MAX_QUEUED_CHUNKS)
    abandoned = threading.Event()

    def work() -> None:
        with response:
            try:
                data = b"more"
                while data and not abandoned.is_set():
                    data = response.raw.read1(CHUNK_BYTES, decode_content=False)
                    queue.put(data)
            except Exception as error:  # raised again in the caller's thread
                queue.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        yield _chunks(queue, deadline, action)
    finally:
        abandoned.set()
        with suppress(AttributeError, ValueError, RuntimeError, OSError):
            response.raw.shutdown()  # wakes a waiting thread; urllib3 2.3 and later
        with suppress(Empty):
            while True:
                queue.get_nowait()  # makes room for a thread that waits to put a chunk


def _chunks(queue: Queue[bytes | Exception], deadline: Deadline, action: str) -> Iterator[bytes]:
    while True:
        deadline.check(action)
        try:
            chunk = queue.get(timeout=deadline.left)
        except Empty:
            raise NetworkError(deadline.timeout_message(action)) from None
        if isinstance(chunk, Exception):
            raise chunk
        if not chunk:
            return
        yield chunk
