"""Downloads from Kaggle into `data/<name>/`: what is requested, and the steps that fetch it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Protocol

from comp.contract import registry
from comp.data.archives import DamagedError
from comp.data.manifest import Manifest, describe_change, list_files
from comp.data.replace_folder import finish_replacement
from comp.errors import AnswerError, CompetitionError, ConfigError, DataError
from comp.files import nearest_existing, replacing, take_lock
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.reference import Reference, file_names, storage_url
from comp.kaggle.client.session import Kaggle, connect
from comp.kaggle.client.storage import PartialFile, ReceivedFile, fetch_file
from comp.kaggle.unpack_download import unpack_download
from comp.streams import print_to_stderr
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class DownloadRequest:
    """All files of a reference, or one `file` of it, for the folder `place`.

    With `force` the files are downloaded again and existing files of the same names replaced; with
    `keep_zip` the zip file is kept next to the folder.
    """

    name: str
    reference: Reference
    place: Path
    file: str | None = None
    force: bool = False
    keep_zip: bool = False

    @property
    def action(self) -> str:
        """What the download does, for messages."""
        return f"downloading {f'{self.file} of ' if self.file else ''}{self.name}"

    @property
    def zip(self) -> Path | None:
        """The path of the zip file, None if it is not kept."""
        return self.place.with_name(f"{self.place.name}.zip") if self.keep_zip else None


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


def download_request(
    name: str,
    workspace: Workspace,
    out: Path | None = None,
    file: str | None = None,
    force: bool = False,
    keep_zip: bool = False,
) -> DownloadRequest:
    """Build the request for a name and options; uses no network.

    Args:
        name: a registered competition, or `competitions/<slug>`, or `<owner>/<slug>`.
        out: the folder for the files, by default `data/<name>`.

    Raises:
        CompetitionError: unknown name.
        ConfigError: a file name outside the data, or options that exclude each other.
    """
    if file is not None:
        path = PurePosixPath(file)
        if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in file:
            raise ConfigError(f"--file {file}: give a file name as on the competition's data page")
        if keep_zip:
            raise ConfigError(f"--keep-zip is for all files: leave it out with --file {file}")
    folder_name, reference = _resolve(name)
    competition = registry.competitions().get(folder_name)
    if competition and competition.kaggle != str(reference) and not out:
        raise CompetitionError(
            f"{reference} would overwrite the data of '{folder_name}' ({competition.kaggle}): give "
            "a folder with --out"
        )
    return DownloadRequest(
        name=folder_name,
        reference=reference,
        place=(out or workspace.data(folder_name)).absolute().resolve(),
        file=file,
        force=force,
        keep_zip=keep_zip,
    )


def _resolve(name: str) -> tuple[str, Reference]:
    """The name of the data folder and the reference for a name on the command line."""
    competitions = registry.competitions()
    if name in competitions:
        return name, Reference.parse(competitions[name].kaggle)
    for competition in competitions.values():
        if competition.kaggle in (name, f"competitions/{name}", f"datasets/{name}"):
            return competition.name, Reference.parse(competition.kaggle)
    if "/" in name:
        reference = Reference.parse(name)
        return reference.name, reference
    try:
        registry.get(name)
    except CompetitionError as error:
        raise CompetitionError(
            f"{error}; without a plugin, write competitions/{name}, or <owner>/{name} for a data "
            "set"
        ) from None
    raise AssertionError("unreachable")


def download(
    request: DownloadRequest, cache: Path, deadline: Deadline, progress: DownloadProgress
) -> DownloadResult:
    """Download the requested files, unless they exist and did not change since their download.

    Args:
        cache: the folder for incomplete downloads.
        deadline: time limit for the network.

    Raises:
        RefusedError: Kaggle refused, or there are no credentials.
        NetworkError: no answer in time; the next call resumes the download.
        AnswerError: the answer is not the file, or the file is damaged.
        DataError: the folder contains other files, the zip is unsafe, or the disk is full.
    """
    try:
        with _locked(cache, request):
            finish_replacement(request.place)
            return _existing(request, progress) or _fetch(request, cache, deadline, progress)
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


def _existing(request: DownloadRequest, progress: DownloadProgress) -> DownloadResult | None:
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
    request: DownloadRequest, cache: Path, deadline: Deadline, progress: DownloadProgress
) -> DownloadResult:
    part = sha256(request.file.encode()).hexdigest()[:12] if request.file else "all"
    folder = _partial_folder(cache, request.reference) / part
    with connect(deadline, request.reference.slug) as kaggle:
        if request.file:
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
    except DamagedError as error:
        PartialFile(folder).discard()
        raise AnswerError(f"the file from Kaggle is damaged and was deleted: {error}") from None
    if request.zip:
        with replacing(request.zip) as temporary:
            shutil.move(received.path, temporary)
    PartialFile(folder).discard()
    return _result(request, manifest, received)


def _check_file_name(kaggle: Kaggle, request: DownloadRequest) -> None:
    """Refuse a file that the competition does not have."""
    names = file_names(kaggle, request.reference)
    if names is not None and request.file not in names:
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
            raise DataError(
                f"{request.action} needs at least {needed_bytes / 1e9:.1f} GB and the disk of "
                f"{path} has {free / 1e9:.1f} GB free: make room"
            )
