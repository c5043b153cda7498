"""Downloads a file from Kaggle's storage, and resumes after broken connections and between calls.

The bytes are collected in a folder together with the validator of the remote file. A download
resumes only if the storage confirms that the file is still the same; any other answer does not
change the collected bytes.
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
from comp.kaggle.client.response_chunks import read_chunks
from comp.kaggle.client.responses import retry_after
from comp.kaggle.client.session import ATTEMPTS, Kaggle, storage_session

if TYPE_CHECKING:
    import requests

OnBytes = Callable[[int, int | None], None]
"""(bytes received, size of the file or None) -> None."""
_EXPIRED = frozenset({400, 401, 403, 404, 410})
"""Statuses of a URL whose signature has expired, among other causes."""
_LATER = frozenset({408, 429})


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file in Kaggle's storage: its name, its size if known, and the headers ETag and
    Last-Modified, "" if missing."""

    name: str
    bytes: int | None
    etag: str
    modified: str

    @property
    def validator(self) -> str:
        """The header that identifies this version of the file, "" if there is none."""
        return self.modified if self.etag.startswith("W/") else self.etag or self.modified

    @classmethod
    def from_response(cls, response: requests.Response) -> RemoteFile:
        """Read the headers of a response with the whole file."""
        length = response.headers.get("Content-Length", "")
        return cls(
            name=unquote(urlsplit(response.url).path).rpartition("/")[2],
            bytes=int(length) if length.isdecimal() else None,
            etag=response.headers.get("ETag", ""),
            modified=response.headers.get("Last-Modified", ""),
        )


@dataclass(frozen=True, kw_only=True)
class ReceivedFile:
    """A complete file with its size and SHA-256. `new_bytes` are the bytes that the last call
    received."""

    path: Path
    remote: RemoteFile
    bytes: int
    sha256: str
    new_bytes: int


class PartialFile:
    """The bytes of one remote file received so far, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "bytes"
        self._remote_json = folder / "facts.json"

    @property
    def remote(self) -> RemoteFile | None:
        """The file that the bytes belong to, None if unknown."""
        try:
            return RemoteFile(**read_json(self._remote_json))
        except (OSError, ValueError, TypeError):
            return None

    @property
    def size(self) -> int:
        """The number of bytes received so far."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def next_byte(self) -> int:
        """The first byte to request. A complete file requests its last byte again: the answer shows
        whether it is still the same file."""
        remote = self.remote
        if remote is None or not remote.validator:
            return 0
        return min(self.size, remote.bytes - 1) if remote.bytes else self.size

    def start(self, remote: RemoteFile) -> None:
        """Delete the bytes and start with those of `remote`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        write_json(self._remote_json, asdict(remote))
        self.path.touch()

    def discard(self) -> None:
        """Delete the bytes."""
        shutil.rmtree(self.folder, ignore_errors=True)


def fetch_file(
    kaggle: Kaggle,
    action: str,
    find_url: Callable[[], str],
    folder: Path,
    on_bytes: OnBytes | None = None,
    check_space: Callable[[int, int], None] | None = None,
) -> ReceivedFile:
    """Download a file; resume an earlier download in `folder`.

    Args:
        action: what the download does, for messages.
        find_url: returns the URL of the file; called again when the URL is refused.
        check_space: called with (missing bytes, size of the file) before they are received; raises
            if they do not fit.

    Raises:
        RefusedError: Kaggle or its storage refused.
        NetworkError: no answer, or the deadline; the received bytes are kept.
        AnswerError: the answer is not the file.
        DataError: the file cannot be written.
    """
    partial_file = PartialFile(folder)
    download = _Download(kaggle, action, partial_file, on_bytes, check_space)
    try:
        remote = download.run(find_url)
        return ReceivedFile(
            path=partial_file.path,
            remote=remote,
            bytes=partial_file.size,
            sha256=sha256(partial_file.path),
            new_bytes=download.new_bytes,
        )
    except NetworkError as error:
        kept = (
            f"; {partial_file.size / 1e6:.1f} MB are kept, and the same command resumes from there"
        )
        raise NetworkError(f"{error}{kept if partial_file.next_byte else ''}") from None
    except OSError as error:
        raise DataError(f"{action}: cannot write to {folder}: {error.strerror}") from None


class _Download:
    """A running download."""

    def __init__(
        self,
        kaggle: Kaggle,
        action: str,
        partial_file: PartialFile,
        on_bytes: OnBytes | None,
        check_space: Callable[[int, int], None] | None,
    ) -> None:
        self.new_bytes = 0
        self._kaggle = kaggle
        self._action = action
        self._partial = partial_file
        self._on_bytes = on_bytes
        self._check_space = check_space

    def run(self, find_url: Callable[[], str]) -> RemoteFile:
        """Send requests until the file is complete; give up after `ATTEMPTS` without new bytes."""
        failures, most_bytes, url = 0, self._partial.size, ""
        with storage_session() as session:
            while True:
                url, known = url or find_url(), self._partial.remote
                response = self._kaggle.with_retries(
                    self._action, partial(self._request, session, url)
                )
                problem = self._write_response(response)
                if not problem:
                    break
                if response.status_code in _EXPIRED:
                    url = ""
                most_bytes = most_bytes if self._partial.remote == known else 0
                failures = 0 if self._partial.size > most_bytes else failures + 1
                most_bytes = max(most_bytes, self._partial.size)
                if failures == ATTEMPTS:
                    kind = RefusedError if not url else NetworkError
                    raise kind(f"{self._action}: {problem}, {ATTEMPTS} times: try again later")
                if failures:
                    pause = 2.0 ** (failures - 1) * random.uniform(0.5, 1.0)
                    self._kaggle.deadline.sleep(pause)
        remote = self._partial.remote
        assert remote  # set before the first byte
        return remote

    def _request(self, session: requests.Session, url: str) -> requests.Response:
        """Request the missing bytes."""
        headers = {"Accept-Encoding": "identity"}
        remote, start = self._partial.remote, self._partial.next_byte
        if remote and start:
            headers |= {"Range": f"bytes={start}-", "If-Range": remote.validator}
        response = session.get(url, headers=headers, stream=True)
        status = response.status_code
        if status in (200, 206):
            return response
        response.close()
        if status >= 500 or status in _LATER:
            later = NetworkError(
                f"{self._action}: Kaggle's storage answered {status}: try again later"
            )
            later.retry_after = retry_after(response)
            raise later
        return response

    def _write_response(self, response: requests.Response) -> str:
        """Write the body of a response; returns "" if the file is complete, else the problem."""
        status, start = response.status_code, 0
        if status == 416:
            self._partial.discard()
        if status not in (200, 206):
            return f"Kaggle's storage answered {status}"
        if _is_web_page(response):
            response.close()
            raise AnswerError(
                f"{self._action}: Kaggle's storage answered with a web page instead of the "
                "file; try again later"
            )
        remote = self._partial.remote
        if status == 200 or remote is None:
            remote = RemoteFile.from_response(response)
            self._partial.start(remote)
        else:
            start = self._partial.next_byte
            if not _continues(response, remote, start):
                response.close()
                self._partial.discard()
                return "Kaggle's storage answered with the wrong part of the file"
        return self._append(response, remote.bytes, start)

    def _append(self, response: requests.Response, size: int | None, start: int) -> str:
        """Write a body at `start` of a file of `size` bytes; returns as `_write_response` does."""
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        body = read_chunks(response, self._kaggle.deadline, self._action)
        try:
            with body as pieces, self._partial.path.open("r+b") as stream:
                if self._check_space and size is not None:
                    self._check_space(size - start, size)
                stream.seek(start)
                stream.truncate()
                for piece in pieces:
                    stream.write(piece)
                    self.new_bytes += len(piece)
                    if self._on_bytes:
                        self._on_bytes(stream.tell(), size)
                stream.flush()
                os.fsync(stream.fileno())
        except ReadTimeoutError:
            return "no more bytes arrived"
        except HTTPError:
            return "the connection broke"
        return "" if size in (None, self._partial.size) else "bytes are missing"


def _is_web_page(response: requests.Response) -> bool:
    kind = response.headers.get("Content-Type", "").lower()
    return "text/html" in kind and not urlsplit(response.url).path.endswith((".html", ".htm"))


def _continues(response: requests.Response, remote: RemoteFile, start: int) -> bool:
    """Whether a partial response begins at `start` and belongs to the same file."""
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    size = "*" if remote.bytes is None else str(remote.bytes)
    return (
        span is not None
        and int(span[1]) == start
        and span[2] in (size, "*")
        and response.headers.get("ETag", remote.etag) == remote.etag
    )
