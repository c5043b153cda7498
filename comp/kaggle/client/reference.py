"""What of Kaggle's a reference stands for, and where its storage serves the files of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urljoin

from comp.errors import AnswerError, CompetitionError
from comp.kaggle.client.session import Kaggle

if TYPE_CHECKING:
    import requests

PAGE = 200
MOST_PAGES = 10
"""How far a list of files is read: two thousand names."""
_FORM = re.compile(r"(?:competitions/([\w-]+)|(?:datasets/)?([\w-]+/[\w-]+))")


@dataclass(frozen=True)
class Reference:
    """A competition or a data set at Kaggle; `slug` is `<slug>`, or `<owner>/<slug>`."""

    kind: Literal["competitions", "datasets"]
    slug: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.slug}"

    @property
    def name(self) -> str:
        """The last part of it."""
        return self.slug.rpartition("/")[2]

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read `competitions/<slug>`, `datasets/<owner>/<slug>` or `<owner>/<slug>`.

        Raises:
            CompetitionError: when it is none of them.
        """
        found = _FORM.fullmatch(text)
        if not found:
            raise CompetitionError(
                f"'{text}' names nothing at Kaggle: write competitions/<slug>, or <owner>/<slug> "
                "for a data set"
            )
        contest, dataset = found.groups()
        return cls("competitions", contest) if contest else cls("datasets", dataset)


def address(kaggle: Kaggle, doing: str, reference: Reference, file: str | None = None) -> str:
    """Where Kaggle's storage serves all files of a reference as a zip, or one of its files, now.

    Kaggle answers with a redirection, which is not followed: whoever downloads asks the storage for
    just the bytes that are missing, and shows it no credentials. The address holds a signature, so
    it belongs into no message and no file.

    Raises:
        RefusedError, NetworkError: as `Kaggle.call` does.
        AnswerError: an answer that is no redirection, such as a page.
    """
    session = kaggle.sdk.http_client()._session
    session.max_redirects = 0
    method, request = _question(kaggle, reference, file)

    def ask() -> requests.Response:
        import requests

        try:
            with method(request) as answer:
                return answer  # type: ignore[no-any-return]
        except requests.TooManyRedirects as stop:
            return stop.response  # type: ignore[return-value]

    answer = kaggle.repeat(doing, ask)
    target = session.get_redirect_target(answer)
    if not target:
        kind = answer.headers.get("Content-Type", "no type").partition(";")[0]
        raise AnswerError(
            f"{doing}: Kaggle answered with {kind} instead of pointing to its storage; nothing was "
            "written, try again later"
        )
    return str(urljoin(answer.url, target))


def _question(kaggle: Kaggle, reference: Reference, file: str | None) -> tuple[Any, Any]:
    """The method of the SDK that tells an address, and its request."""
    if reference.kind == "datasets":
        from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

        wanted = ApiDownloadDatasetRequest()
        wanted.owner_slug, wanted.dataset_slug = reference.slug.split("/")
        if file:
            wanted.file_name = file
        return kaggle.datasets.download_dataset, wanted
    from kagglesdk.competitions.types.competition_api_service import (
        ApiDownloadDataFileRequest,
        ApiDownloadDataFilesRequest,
    )

    one = ApiDownloadDataFileRequest() if file else ApiDownloadDataFilesRequest()
    one.competition_name = reference.slug
    if not file:
        return kaggle.competitions.download_data_files, one
    one.file_name = file
    return kaggle.competitions.download_data_file, one


def names(kaggle: Kaggle, reference: Reference) -> list[str] | None:
    """The names of a competition's files; None of a data set, and where they are too many.

    Raises:
        RefusedError, NetworkError, AnswerError: as `Kaggle.call` does.
    """
    if reference.kind == "datasets":
        return None
    from kagglesdk.competitions.types.competition_api_service import ApiListDataFilesRequest

    request = ApiListDataFilesRequest()
    request.competition_name = reference.slug
    request.page_size = PAGE
    found: list[str] = []
    for _ in range(MOST_PAGES):
        page = kaggle.call("listing the files", kaggle.competitions.list_data_files, request)
        found += [file.name for file in page.files or ()]
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token
    return None
