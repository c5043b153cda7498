"""Downloads some files of a competition or a data set, and shows which there are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from comp.data.manifest import Manifest
from comp.errors import DataError
from comp.files import nearest_existing
from comp.kaggle.choose_files import (
    chosen_files,
    in_lines,
    in_units,
    needed_files,
    options_for,
    total,
)
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.file_list import FileEntry, remote_files
from comp.kaggle.client.session import Kaggle, connect
from comp.kaggle.download import DownloadProgress, DownloadResult, download, existing
from comp.kaggle.download_request import DownloadRequest

MANY = 500
"""More files are faster as the one zip of all files."""
NOTED = 5000
"""Files of a long list after which there is a line."""
OPTIONS = 5
"""Most options in a command that a message names."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The files at Kaggle, and those without which a run does not start."""

    request: DownloadRequest
    entries: Sequence[FileEntry]
    needed: Sequence[FileEntry]

    def command_for(self, entries: Sequence[FileEntry]) -> str:
        """The command that downloads these files; that for all files if it would be long."""
        options = options_for(entries, self.entries)
        few = options.count("--") <= OPTIONS and len(entries) < len(self.entries)
        return f"{self.request.command} {options}" if few else self.request.command

    def lines(self) -> list[str]:
        """All files with their sizes, and how to get those that are needed."""
        found = [*in_lines(self.entries, self.needed), f"{total(self.entries)} in all"]
        if self.needed and len(self.needed) < len(self.entries):
            found.append(f"* a run needs {total(self.needed)}: {self.command_for(self.needed)}")
        return found


def list_request(
    request: DownloadRequest, deadline: Deadline, progress: DownloadProgress
) -> Listing:
    """List the files that a request can choose from.

    Raises:
        RefusedError, NetworkError, AnswerError: see `Kaggle.call`.
    """
    with connect(deadline, request.reference.slug) as kaggle:
        return _listing(request, kaggle, progress)


def download_chosen(
    request: DownloadRequest, cache: Path, deadline: Deadline, progress: DownloadProgress
) -> DownloadResult:
    """Download the chosen files of a request one by one, after a list of them with their sizes;
    those that are here and unchanged stay. Without a choice, download all files as one zip.

    Raises:
        DataError: no such file, or the files do not fit on the disk.
        RefusedError, NetworkError, AnswerError: see `comp.kaggle.download.download`.
    """
    if not request.files and not request.only:
        return download(request, cache, deadline, progress)
    with connect(deadline, request.reference.slug) as kaggle:
        listing = _listing(request, kaggle, progress)
        chosen = chosen_files(listing.entries, request.files, request.only, str(request.reference))
        _check_names(request, chosen)
        _note_changes(request, chosen, progress)
        if whole := _all_here(request, progress):
            return whole
        _announce(listing, chosen, progress)
        _check_space(request, chosen)
        results = []
        for number, entry in enumerate(chosen, 1):
            one = replace(request, file=entry.name, files=(), only=())
            part = _Part(progress, f"{number} of {len(chosen)}")
            results.append(download(one, cache, deadline, part, kaggle))
    return replace(
        results[-1],
        files=sum(result.files for result in results),
        bytes=sum(result.bytes for result in results),
        fetched=any(result.fetched for result in results),
        received=sum(result.received for result in results),
    )


@dataclass(frozen=True)
class _Part:
    """The progress of one file of several."""

    progress_of_all: DownloadProgress
    which: str

    def note(self, words: str) -> None:
        """Show a line of text."""
        self.progress_of_all.note(words)

    def progress(self, doing: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` bytes are done."""
        self.progress_of_all.progress(f"{doing} {self.which}", done, total)


def _listing(request: DownloadRequest, kaggle: Kaggle, progress: DownloadProgress) -> Listing:
    def on_count(count: int) -> None:
        if count % NOTED == 0:
            progress.note(f"{count:,} files listed so far")

    found = remote_files(kaggle, request.reference, on_count=on_count)
    if not found.entries:
        raise DataError(f"{request.reference} has no files: look at its page on Kaggle")
    competition = request.competition
    needed = needed_files(competition, found.entries) if competition else []
    return Listing(request=request, entries=found.entries, needed=needed)


def _all_here(request: DownloadRequest, progress: DownloadProgress) -> DownloadResult | None:
    """The result if all files were downloaded and did not change."""
    manifest = Manifest.read(request.place)
    if not manifest or all(part.file is not None for part in manifest.parts):
        return None
    return existing(replace(request, files=(), only=()), progress)


def _announce(listing: Listing, chosen: Sequence[FileEntry], progress: DownloadProgress) -> None:
    """Show the chosen files, what else a run needs, and how to get the rest."""
    request, manifest = listing.request, Manifest.read(listing.request.place)
    here = {part.file for part in manifest.parts} if manifest else set()
    progress.note(f"{request.name}: {total(chosen)}")
    for line in in_lines(chosen, listing.needed):
        progress.note(line)
    taken = {entry.name for entry in chosen} | here
    lacking = [entry for entry in listing.needed if entry.name not in taken]
    if lacking:
        progress.note(f"a run also needs {total(lacking)}: {listing.command_for(lacking)}")
    rest = [entry for entry in listing.entries if entry.name not in taken]
    if len(rest) > len(lacking):
        progress.note(f"not downloaded: {total(rest)}: {listing.command_for(rest)}")
    if len(chosen) > MANY:
        progress.note(
            f"{len(chosen):,} files come one by one, which is slow: '{request.command}' downloads "
            "all files as one zip"
        )


def _check_names(request: DownloadRequest, chosen: Sequence[FileEntry]) -> None:
    """Refuse names of Kaggle that lead out of the data folder."""
    for entry in chosen:
        path = PurePosixPath(entry.name)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.name:
            raise DataError(
                f"'{entry.name}' of {request.reference} leads out of the data folder: choose other "
                "files"
            )


def _note_changes(
    request: DownloadRequest, chosen: Sequence[FileEntry], progress: DownloadProgress
) -> None:
    """Say which files that are here have another size at Kaggle now."""
    manifest = Manifest.read(request.place)
    if manifest is None or request.force:
        return
    zips = {part.file: part.bytes for part in manifest.parts if part.name == part.file}
    for entry in chosen:
        known = manifest.files.get(entry.name)
        here = known.bytes if known else zips.get(entry.name)
        if here is not None and entry.bytes and here != entry.bytes:
            progress.note(
                f"changed: {entry.name} has {entry.bytes:,} bytes at Kaggle and {here:,} here: "
                "download it again with --force"
            )


def _check_space(request: DownloadRequest, chosen: Sequence[FileEntry]) -> None:
    """Refuse files that do not fit on the disk, before the first one. Files that are here count as
    downloaded."""
    manifest = Manifest.read(request.place)
    here = {part.file for part in manifest.parts} if manifest and not request.force else set()
    size = sum(entry.bytes for entry in chosen if entry.name not in here)
    place = nearest_existing(request.place)
    free = shutil.disk_usage(place).free
    if size > free:
        raise DataError(
            f"these files need {in_units(size)} and the disk of {place} has {in_units(free)} free: "
            "make room, or choose fewer"
        )
