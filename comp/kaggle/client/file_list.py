"""The files of a competition or a data set at Kaggle, with their sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from comp.errors import RefusedError
from comp.kaggle.client.reference import Reference
from comp.kaggle.client.session import Kaggle

PAGE_SIZE = 200
ACTION = "listing the files"


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """A file at Kaggle: its name, with folders, and its size."""

    name: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class FileList:
    """The files of a reference; not `complete` if there are more pages than were read."""

    entries: Sequence[FileEntry]
    complete: bool = True

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(entry.bytes for entry in self.entries)


def remote_files(
    kaggle: Kaggle,
    reference: Reference,
    max_pages: int | None = None,
    on_count: Callable[[int], None] | None = None,
) -> FileList:
    """Read the list of files, page by page.

    Args:
        max_pages: read no more pages; None: read all.
        on_count: called with the number of files so far.

    Raises:
        RefusedError, NetworkError, AnswerError: see `Kaggle.call`.
    """
    method, request = _method_and_request(kaggle, reference)
    request.page_size = PAGE_SIZE
    found: dict[str, FileEntry] = {}
    pages, tokens = 0, set()
    while max_pages is None or pages < max_pages:
        page, pages = kaggle.call(ACTION, method, request), pages + 1
        if problem := getattr(page, "error_message", ""):
            raise RefusedError(f"{ACTION}: Kaggle answered '{problem}'")
        files = page.dataset_files if reference.kind == "datasets" else page.files
        for file in files or ():
            found[file.name] = FileEntry(name=file.name, bytes=int(file.total_bytes or 0))
        if on_count:
            on_count(len(found))
        token = page.next_page_token
        if not token or token in tokens:
            return FileList(entries=tuple(found.values()))
        tokens.add(token)
        request.page_token = token
    return FileList(entries=tuple(found.values()), complete=False)


def _method_and_request(kaggle: Kaggle, reference: Reference) -> tuple[Any, Any]:
    """The method of the SDK that lists files, and its request."""
    if reference.kind == "datasets":
        from kagglesdk.datasets.types.dataset_api_service import ApiListDatasetFilesRequest

        request = ApiListDatasetFilesRequest()
        request.owner_slug, request.dataset_slug = reference.slug.split("/")
        return kaggle.datasets.list_dataset_files, request
    from kagglesdk.competitions.types.competition_api_service import ApiListDataFilesRequest

    competition = ApiListDataFilesRequest()
    competition.competition_name = reference.slug
    return kaggle.competitions.list_data_files, competition
