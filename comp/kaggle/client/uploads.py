"""Sends a file to Kaggle's storage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from comp.errors import RefusedError
from comp.kaggle.client.session import Kaggle, storage_session


def put_file(
    kaggle: Kaggle,
    path: Path,
    start: Callable[[], Any],
    outcome: str,
    on_bytes: Callable[[int], None] | None = None,
) -> str:
    """Upload a file and return its token. This only puts bytes aside and may be repeated.

    Args:
        start: begins an upload; returns the SDK's answer with `token` and `create_url`.
        outcome: what a refusal means: "nothing was submitted, try again".
        on_bytes: (bytes sent so far) -> None.

    Raises:
        RefusedError: the storage refused; the message contains the status.
        NetworkError: no answer, after all attempts.
    """

    def put() -> str:
        target = start()
        with storage_session() as session, path.open("rb") as stream:
            size = path.stat().st_size
            body = _ReportingFile(stream, size, on_bytes) if size else b""
            answer = session.put(target.create_url, data=body)
        if 400 <= answer.status_code < 500 and answer.status_code != 429:
            raise RefusedError(
                f"the upload of {path.name} was refused ({answer.status_code}): {outcome}"
            )
        answer.raise_for_status()
        return str(target.token)

    return kaggle.with_retries(f"uploading {path.name}", put)


class _ReportingFile:
    """A file that reports how far it is read. Its length makes requests send it as one body."""

    def __init__(self, stream: Any, size: int, on_bytes: Callable[[int], None] | None) -> None:
        self._stream, self._size, self._on_bytes = stream, size, on_bytes

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        data = bytes(self._stream.read(size))
        if self._on_bytes:
            self._on_bytes(self._stream.tell())
        return data
