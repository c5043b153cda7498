"""One file from Kaggle's storage: what came is kept over cuts and calls, and never mixed.

Bytes are collected in a private folder, with the identity of the remote file that they belong to.
They are gone on from only where the storage says that it is still the same file; an answer that is
not that file never touches them.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from comp.errors import AnswerError, DataError, NetworkError, RefusedError
from comp.files import read_json, sha256, write_json
from comp.kaggle.client.body import reading
from comp.kaggle.client.responses import retry_after
from comp.kaggle.client.session import ATTEMPTS, Kaggle, storage_session

if TYPE_CHECKING:
    import requests

OnBytes = Callable[[int, int | None], None]
"""(bytes that are here, bytes of the whole file where that is known) -> None."""
_OUTDATED = frozenset({400, 401, 403, 404, 410})
"""What the storage answers to an address whose signature has expired, among other things."""
_LATER = frozenset({408, 429})


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A file in Kaggle's storage: its name there, its size where it is known, and which one it is.

    `etag` and `modified` are headers as they came, "" where they did not.
    """

    name: str
    bytes: int | None
    etag: str
    modified: str

    @property
    def mark(self) -> str:
        """What tells this file from a later one of the same address, "" where nothing does."""
        return self.modified if self.etag.startswith("W/") else self.etag or self.modified

    @classmethod
    def of(cls, answer: requests.Response) -> Remote:
        """What an answer with the whole file says of it."""
        length = answer.headers.get("Content-Length", "")
        return cls(
            name=unquote(urlsplit(answer.url).path).rpartition("/")[2],
            bytes=int(length) if length.isdecimal() else None,
            etag=answer.headers.get("ETag", ""),
            modified=answer.headers.get("Last-Modified", ""),
        )


@dataclass(frozen=True, kw_only=True)
class Received:
    """A whole file: where it is, what it is a copy of, its size and SHA-256, and `new`, how many
    bytes came now."""

    path: Path
    remote: Remote
    bytes: int
    sha256: str
    new: int


class Partial:
    """The bytes of one remote file that came so far, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "bytes"
        self._facts = folder / "facts.json"

    @property
    def remote(self) -> Remote | None:
        """The file that the bytes belong to, None where that is not noted."""
        try:
            return Remote(**read_json(self._facts))
        except (OSError, ValueError, TypeError):
            return None

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def next(self) -> int:
        """The first byte to ask for. Where all are here, the last one is asked for again: the
        answer says whether it is still the same file."""
        remote = self.remote
        if remote is None or not remote.mark:
            return 0
        return min(self.size, remote.bytes - 1) if remote.bytes else self.size

    def begin(self, remote: Remote) -> None:
        """Forget what there is, and note whose bytes will come."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        write_json(self._facts, asdict(remote))
        self.path.touch()

    def discard(self) -> None:
        """Forget what there is."""
        shutil.rmtree(self.folder, ignore_errors=True)


def fetch(
    kaggle: Kaggle,
    doing: str,
    find: Callable[[], str],
    folder: Path,
    on_bytes: OnBytes | None = None,
    check_room: Callable[[int, int], None] | None = None,
) -> Received:
    """Download a file, going on from what an earlier call left in `folder`.

    Args:
        doing: what is being done, for messages.
        find: gives the address of the file; asked again when it is refused.
        check_room: called with (bytes to come, bytes in all) before they come; raises where there
            is no room for them.

    Raises:
        RefusedError: Kaggle or its storage said no.
        NetworkError: no answer, or the deadline; what came is kept.
        AnswerError: an answer that is not the file.
        DataError: when it cannot be written.
    """
    held = Partial(folder)
    download = _Download(kaggle, doing, held, on_bytes, check_room)
    try:
        remote = download.run(find)
        return Received(
            path=held.path,
            remote=remote,
            bytes=held.size,
            sha256=sha256(held.path),
            new=download.new,
        )
    except NetworkError as error:
        kept = f"; {held.size / 1e6:.1f} MB are kept, and the same command goes on from there"
        raise NetworkError(f"{error}{kept if held.next else ''}") from None
    except OSError as error:
        raise DataError(f"{doing}: cannot write to {folder}: {error.strerror}") from None


class _Download:
    """A download on its way."""

    def __init__(
        self,
        kaggle: Kaggle,
        doing: str,
        held: Partial,
        on_bytes: OnBytes | None,
        check_room: Callable[[int, int], None] | None,
    ) -> None:
        self.new = 0
        self._kaggle = kaggle
        self._doing = doing
        self._held = held
        self._on_bytes = on_bytes
        self._check_room = check_room

    def run(self, find: Callable[[], str]) -> Remote:
        """Ask until the file is whole; give up after several times without a new byte."""
        failures, furthest, place = 0, self._held.size, ""
        with storage_session() as session:
            while True:
                place, known = place or find(), self._held.remote
                answer = self._kaggle.repeat(self._doing, partial(self._ask, session, place))
                problem = self._take(answer)
                if not problem:
                    break
                if answer.status_code in _OUTDATED:
                    place = ""
                furthest = furthest if self._held.remote == known else 0
                failures = 0 if self._held.size > furthest else failures + 1
                furthest = max(furthest, self._held.size)
                if failures == ATTEMPTS:
                    kind = RefusedError if not place else NetworkError
                    raise kind(f"{self._doing}: {problem}, {ATTEMPTS} times: try again later")
                if failures:
                    pause = 2.0 ** (failures - 1) * random.uniform(0.5, 1.0)
                    self._kaggle.deadline.sleep(pause)
        remote = self._held.remote
        assert remote  # it was noted before the first byte
        return remote

    def _ask(self, session: requests.Session, place: str) -> requests.Response:
        """Ask the storage for the bytes that are missing."""
        headers = {"Accept-Encoding": "identity"}
        remote, start = self._held.remote, self._held.next
        if remote and start:
            headers |= {"Range": f"bytes={start}-", "If-Range": remote.mark}
        answer = session.get(place, headers=headers, stream=True)
        status = answer.status_code
        if status in (200, 206):
            return answer
        answer.close()
        if status >= 500 or status in _LATER:
            later = NetworkError(
                f"{self._doing}: Kaggle's storage answered {status}: try again later"
            )
            later.retry_after = retry_after(answer)
            raise later
        return answer

    def _take(self, answer: requests.Response) -> str:
        """Take what an answer holds; "" when the file is whole, else what is wrong."""
        status, start = answer.status_code, 0
        if status == 416:
            self._held.discard()
        if status not in (200, 206):
            return f"Kaggle's storage answered {status}"
        if _is_page(answer):
            answer.close()
            raise AnswerError(
                f"{self._doing}: Kaggle's storage answered with a page instead of the file; "
                "nothing of it was kept, try again later"
            )
        remote = self._held.remote
        if status == 200 or remote is None:
            remote = Remote.of(answer)
            self._held.begin(remote)
        else:
            start = self._held.next
            if not _goes_on(answer, remote, start):
                answer.close()
                self._held.discard()
                return "Kaggle's storage answered with another part than was asked for"
        return self._append(answer, remote.bytes, start)

    def _append(self, answer: requests.Response, size: int | None, start: int) -> str:
        """Write a body of a file of `size` bytes from `start` on; returns as `_take` does."""
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        body = reading(answer, self._kaggle.deadline, self._doing)
        try:
            with body as pieces, self._held.path.open("r+b") as stream:
                if self._check_room and size is not None:
                    self._check_room(size - start, size)
                stream.seek(start)
                stream.truncate()
                for piece in pieces:
                    stream.write(piece)
                    self.new += len(piece)
                    if self._on_bytes:
                        self._on_bytes(stream.tell(), size)
                stream.flush()
                os.fsync(stream.fileno())
        except ReadTimeoutError:
            return "nothing came any more"
        except HTTPError:
            return "the connection broke"
        return "" if size in (None, self._held.size) else "bytes are missing"


def _is_page(answer: requests.Response) -> bool:
    kind = answer.headers.get("Content-Type", "").lower()
    return "text/html" in kind and not urlsplit(answer.url).path.endswith((".html", ".htm"))


def _goes_on(answer: requests.Response, remote: Remote, start: int) -> bool:
    """Whether a part of a file begins where it was asked to, and is still of the same file."""
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
    size = "*" if remote.bytes is None else str(remote.bytes)
    return (
        span is not None
        and int(span[1]) == start
        and span[2] in (size, "*")
        and answer.headers.get("ETag", remote.etag) == remote.etag
    )
