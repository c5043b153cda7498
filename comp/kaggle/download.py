"""From Kaggle into `data/<name>/`: fetched, checked, unpacked, and noted in a manifest."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from comp.data.archives import DamagedError, unpack_inside, unpack_into
from comp.data.exchange import beside, exchange, finish, merge, refuse_clashes
from comp.data.manifest import DownloadPart, Manifest, changed_files, entries, known_files
from comp.errors import AnswerError, DataError
from comp.files import replacing
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.reference import Reference, address, names
from comp.kaggle.client.session import Kaggle, connect
from comp.kaggle.client.storage import Partial, Received, fetch
from comp.kaggle.download_request import DownloadRequest


class DownloadProgress(Protocol):
    """Whoever is told how a download goes."""

    def note(self, words: str) -> None:
        """Something that a user should know."""

    def progress(self, doing: str, done: int, total: int | None) -> None:
        """So many bytes of so many, where that is known, are done."""


@dataclass(frozen=True, kw_only=True)
class DownloadResult:
    """What is there now: how many files of how many bytes in all, in which folder, which zip.

    `received` is how many bytes came now; it was `fetched`, or all was there already.
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
    order: DownloadRequest, cache: Path, deadline: Deadline, progress: DownloadProgress
) -> DownloadResult:
    """Bring the files of an order to their place, unless they are there as they came.

    Args:
        cache: the folder in which bytes are collected until all are here.
        deadline: how long the network may take.

    Raises:
        RefusedError: Kaggle said no, or there are no credentials.
        NetworkError: no answer in time; what came is kept for the next call.
        AnswerError: an answer that is not the file, or a damaged one.
        DataError: a place that holds other files, a zip that must not be unpacked, or no room.
    """
    try:
        with _alone(cache, order):
            finish(order.place)
            return _there(order, progress) or _fetch(order, cache, deadline, progress)
    except OSError as error:
        raise DataError(
            f"cannot bring data to {order.place}: {error.strerror or error}; mend that, or give "
            "another folder with --out"
        ) from None


@contextmanager
def _alone(cache: Path, order: DownloadRequest) -> Iterator[None]:
    """Keep every other download of the same data out; a dead one keeps nobody out."""
    place = _collected(cache, order.reference) / "lock"
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise DataError(
            f"another 'comp download' of {order.name} is at work here: wait for it to end"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _collected(cache: Path, reference: Reference) -> Path:
    return cache / "partial" / str(reference).replace("/", "--")


def _there(order: DownloadRequest, progress: DownloadProgress) -> DownloadResult | None:
    """What is there already and as it came, None where something has to be fetched."""
    if order.place.exists() and not order.place.is_dir():
        raise DataError(f"{order.place} is a file: move it away, or give a folder with --out")
    held = Manifest.read(order.place)
    if held and held.reference != str(order.reference):
        raise DataError(
            f"{order.place} holds {held.reference}, not {order.reference}: move it away, or give "
            "another folder with --out"
        )
    if order.force:
        return None
    if held is None:
        if any(not path.startswith(".") for path in entries(order.place)):
            raise DataError(
                f"{order.place} holds files that 'comp download' did not bring: move them away, or "
                "say --force, which replaces files of the same names and leaves the others"
            )
        return None
    files = held.of(order.file)
    if files is None:
        return None
    problem = changed_files(order.place, files, partial(progress.progress, "checking"))
    if order.zip and not order.zip.is_file():
        problem = problem or f"{order.zip.name} is missing"
    if problem:
        progress.note(f"in {order.place}: {problem}; fetching it again")
        return None
    return _downloaded(order, held)


def _downloaded(
    order: DownloadRequest, held: Manifest, received: Received | None = None
) -> DownloadResult:
    files = held.of(order.file) or {}
    return DownloadResult(
        name=order.name,
        reference=str(order.reference),
        place=order.place,
        files=len(files),
        bytes=sum(known.bytes for known in files.values()),
        fetched=received is not None,
        received=received.new if received else 0,
        zip=order.zip,
    )


def _fetch(
    order: DownloadRequest, cache: Path, deadline: Deadline, progress: DownloadProgress
) -> DownloadResult:
    what = sha256(order.file.encode()).hexdigest()[:12] if order.file else "all"
    folder = _collected(cache, order.reference) / what
    with connect(deadline, order.reference.slug) as kaggle:
        if order.file:
            _refuse_unknown(kaggle, order)
        received = fetch(
            kaggle,
            order.doing,
            partial(address, kaggle, order.doing, order.reference, order.file),
            folder,
            partial(progress.progress, "downloading"),
            partial(_check_room, order, folder),
        )
    try:
        held = _install(order, received, progress)
    except DamagedError as error:
        Partial(folder).discard()
        raise AnswerError(f"what came from Kaggle was not kept: {error}") from None
    if order.zip:
        with replacing(order.zip) as temporary:
            shutil.move(received.path, temporary)
    Partial(folder).discard()
    return _downloaded(order, held, received)


def _refuse_unknown(kaggle: Kaggle, order: DownloadRequest) -> None:
    """Refuse a file that the competition does not have, naming those that it has."""
    known = names(kaggle, order.reference)
    if known is not None and order.file not in known:
        first = ", ".join(sorted(known)[:8]) + (", ..." if len(known) > 8 else "")
        raise DataError(f"{order.reference} has no file '{order.file}': it has {first}")


def _check_room(order: DownloadRequest, folder: Path, coming: int, size: int) -> None:
    """Refuse a download that does not fit: unpacked it takes at least as much room again."""
    wanted = {folder: coming, _nearest(order.place): 0 if order.file else size}
    if len({place.stat().st_dev for place in wanted}) == 1:
        wanted = {folder: sum(wanted.values())}
    for place, needed in wanted.items():
        free = shutil.disk_usage(place).free
        if needed > free:
            raise DataError(
                f"{order.doing} needs {needed / 1e9:.1f} GB or more and {free / 1e9:.1f} GB are "
                f"free on the disk of {place}: make room"
            )


def _nearest(place: Path) -> Path:
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def _install(order: DownloadRequest, received: Received, progress: DownloadProgress) -> Manifest:
    """Unpack what came beside its place, and bring it there with a manifest."""
    told = partial(_unpacking, progress)
    with beside(order.place) as aside:
        if order.file is None:
            unpack_into(received.path, aside, f"{order.reference.name}.zip", told)
        else:
            packed = received.remote.name.endswith(".zip") and not order.file.endswith(".zip")
            target = aside / f"{order.file}{'.zip' if packed else ''}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(received.path, target)
            unpack_inside(aside, order.reference.name, told)
        new = Manifest(
            reference=str(order.reference),
            parts=(_part(order, received),),
            files=known_files(aside, order.file, partial(progress.progress, "checking")),
        )
        if not new.files:
            raise DataError(f"{order.doing}: it holds no files; look at its page at Kaggle")
        refuse_clashes(aside, order.place, order.force)
        new.write(aside)
        if order.file and order.place.is_dir():
            merge(aside, order.place)
        else:
            exchange(aside, order.place)
    return Manifest.read(order.place) or new


def _unpacking(progress: DownloadProgress, written: int) -> None:
    progress.progress("unpacking", written, None)


def _part(order: DownloadRequest, received: Received) -> DownloadPart:
    remote = received.remote
    return DownloadPart(
        file=order.file,
        name=remote.name,
        bytes=received.bytes,
        sha256=received.sha256,
        etag=remote.etag,
        modified=remote.modified,
        fetched=datetime.now(UTC).isoformat(timespec="seconds"),
    )
