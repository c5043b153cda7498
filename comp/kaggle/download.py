"""Downloads from Kaggle into `data/<name>/`: the steps that fetch what is requested."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from comp.data.archive_methods import KeptZip, UnreadableError
from comp.data.archives import DamagedError
from comp.data.manifest import Manifest, describe_change, list_files
from comp.data.replace_folder import finish_replacement
from comp.errors import AnswerError, DataError
from comp.files import nearest_existing, replacing, take_lock
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.file_list import remote_files
from comp.kaggle.client.reference import Reference, storage_url
from comp.kaggle.client.session import Kaggle, connect
from comp.kaggle.client.storage import PartialFile, ReceivedFile, fetch_file
from comp.kaggle.download_request import DownloadRequest
from comp.kaggle.unpack_download import unpack_download
from comp.streams import print_to_stderr

MAX_PAGES = 10
"""Pages of the list of files in which the name of one file is looked for."""


class DownloadProgress(Protocol):
    """Shows the progress of a download."""

    def note(self, words: str) -> None:
        """Show a line of text."""

    def progress(self, doing: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` bytes are done; None if the total is not known."""


@dataclass(frozen=True, kw_only=True)
class DownloadResult:
    """The downloaded data: `files` files of `bytes` bytes in all, in the folder `place`.

    `fetched` is False if the data existed already. `received` are the bytes that this download
    received, `zip` is the kept zip file.
    """

    name: str
    reference: str
    place: Path
    files: int
    bytes: int
    fetched: bool
    received: int = 0
    zip: Path | None = None


def download(
    request: DownloadRequest,
    cache: Path,
    deadline: Deadline,
    progress: DownloadProgress,
    kaggle: Kaggle | None = None,
) -> DownloadResult:
    """Download all files or one, unless they exist and did not change since their download.

    Args:
        cache: the folder for incomplete downloads.
        deadline: time limit for the network.
        kaggle: an open connection, for a file that is known to exist there.

    Raises:
        RefusedError: Kaggle refused, or there are no credentials.
        NetworkError: no answer in time; the next call resumes the download.
        AnswerError: the answer is not the file, or the file is damaged.
        DataError: the folder contains other files, the zip is unsafe, or the disk is full.
    """
    try:
        with _locked(cache, request):
            finish_replacement(request.place)
            found = existing(request, progress)
            return found or _fetch(request, cache, deadline, progress, kaggle)
    except OSError as error:
        raise DataError(
            f"cannot write data to {request.place}: {error.strerror or error}; correct that, or "
            "give another folder with --out"
        ) from None


@contextmanager
def _locked(cache: Path, request: DownloadRequest) -> Iterator[None]:
    """Allow one download of the same data at a time; the lock ends with its process."""
    path = _partial_folder(cache, request.reference) / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = take_lock(path, timeout_s=0, warn=print_to_stderr)
    except TimeoutError:
        raise DataError(
            f"another 'comp download' of {request.name} is running: wait for it to end"
        ) from None
    with lock:
        yield


def _partial_folder(cache: Path, reference: Reference) -> Path:
    return cache / "partial" / str(reference).replace("/", "--")


def existing(request: DownloadRequest, progress: DownloadProgress) -> DownloadResult | None:
    """The result if the files exist and did not change, None if they must be downloaded."""
    folder = request.place
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file: move it away, or give a folder with --out")
    manifest = Manifest.read(folder)
    if manifest and manifest.reference != str(request.reference):
        raise DataError(
            f"{folder} contains {manifest.reference}, not {request.reference}: move it away, or "
            "give another folder with --out"
        )
    if request.force:
        return None
    if manifest is None:
        if any(not path.startswith(".") for path in list_files(folder)):
            raise DataError(
                f"{folder} contains files that are not from 'comp download': move them away, or "
                "add --force, which replaces files of the same names and keeps the others"
            )
        return None
    files = manifest.files_of(request.file)
    if files is None:
        return None
    problem = describe_change(folder, files, partial(progress.progress, "checking"))
    if request.zip and not request.zip.is_file():
        problem = problem or f"{request.zip.name} is missing"
    if problem:
        progress.note(f"in {folder}: {problem}; downloading it again")
        return None
    return _result(request, manifest)


def _result(
    request: DownloadRequest, manifest: Manifest, received: ReceivedFile | None = None
) -> DownloadResult:
    files = manifest.files_of(request.file) or {}
    return DownloadResult(
        name=request.name,
        reference=str(request.reference),
        place=request.place,
        files=len(files),
        bytes=sum(file.bytes for file in files.values()),
        fetched=received is not None,
        received=received.new_bytes if received else 0,
        zip=request.zip,
    )


def _fetch(
    request: DownloadRequest,
    cache: Path,
    deadline: Deadline,
    progress: DownloadProgress,
    known: Kaggle | None,
) -> DownloadResult:
    part = sha256(request.file.encode()).hexdigest()[:12] if request.file else "all"
    folder = _partial_folder(cache, request.reference) / part
    connection = nullcontext(known) if known else connect(deadline, request.reference.slug)
    with connection as kaggle:
        if request.file and not known:
            _check_file_name(kaggle, request)
        received = fetch_file(
            kaggle,
            request.action,
            partial(storage_url, kaggle, request.action, request.reference, request.file),
            folder,
            partial(progress.progress, "downloading"),
            partial(_check_space, request, folder),
        )
    try:
        manifest = unpack_download(request, received, progress)
    except UnreadableError as error:
        raise _kept_zip(request, received, error) from None
    except DamagedError as error:
        PartialFile(folder).discard()
        raise AnswerError(f"the file from Kaggle is damaged and was deleted: {error}") from None
    if request.zip:
        with replacing(request.zip) as temporary:
            shutil.move(received.path, temporary)
    PartialFile(folder).discard()
    return _result(request, manifest, received)


def _kept_zip(
    request: DownloadRequest, received: ReceivedFile, error: UnreadableError
) -> DataError:
    """Keep a zip that Python cannot unpack beside the data folder; returns the error to raise."""
    path = request.place.with_name(f"{request.place.name}.zip")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        shutil.move(received.path, temporary)
    kept = KeptZip(path=path.name, folder=request.place.name, reason=error.reason)
    return DataError(f"{request.name} is downloaded, and {kept.sentence(path.parent)}")


def _check_file_name(kaggle: Kaggle, request: DownloadRequest) -> None:
    """Refuse a file that the competition does not have."""
    if request.reference.kind == "datasets":
        return
    found = remote_files(kaggle, request.reference, MAX_PAGES)
    names = {entry.name for entry in found.entries}
    if found.complete and request.file not in names:
        first = ", ".join(sorted(names)[:8]) + (", ..." if len(names) > 8 else "")
        raise DataError(f"{request.reference} has no file '{request.file}': it has {first}")


def _check_space(request: DownloadRequest, folder: Path, missing: int, size: int) -> None:
    """Refuse a download that does not fit on the disk. The unpacked files are assumed to be as
    large as the zip file."""
    needed = {folder: missing, nearest_existing(request.place): 0 if request.file else size}
    if len({path.stat().st_dev for path in needed}) == 1:
        needed = {folder: sum(needed.values())}
    for path, needed_bytes in needed.items():
        free = shutil.disk_usage(path).free
        if needed_bytes > free:
            first = f", or choose files: {request.command} --list" * (request.file is None)
            raise DataError(
                f"{request.action} needs at least {needed_bytes / 1e9:.1f} GB and the disk of "
                f"{path} has {free / 1e9:.1f} GB free: make room{first}"
            )
