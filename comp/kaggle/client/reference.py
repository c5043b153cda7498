"""References to competitions and data sets on Kaggle, and the URLs of their files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urljoin

from comp.errors import AnswerError, CompetitionError
from comp.kaggle.client.session import Kaggle

if TYPE_CHECKING:
    import requests

PAGE_SIZE = 200
MAX_PAGES = 10
"""Pages of a list of files that are read: two thousand names."""
_PATTERN = re.compile(r"(?:competitions/([\w-]+)|(?:datasets/)?([\w-]+/[\w-]+))")


@dataclass(frozen=True)
class Reference:
    """A competition or a data set on Kaggle; `slug` is `<slug>`, or `<owner>/<slug>`."""

    kind: Literal["competitions", "datasets"]
    slug: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.slug}"

    @property
    def name(self) -> str:
        """The last part of the slug."""
        return self.slug.rpartition("/")[2]

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read `competitions/<slug>`, `datasets/<owner>/<slug>` or `<owner>/<slug>`.

        Raises:
            CompetitionError: `text` is none of them.
        """
        match = _PATTERN.fullmatch(text)
        if not match:
            raise CompetitionError(
                f"'{text}' is not a name on Kaggle: write competitions/<slug>, or <owner>/<slug> "
                "for a data set"
            )
        competition, dataset = match.groups()
        return cls("competitions", competition) if competition else cls("datasets", dataset)


def storage_url(kaggle: Kaggle, action: str, reference: Reference, file: str | None = None) -> str:
    """The URL in Kaggle's storage of all files of a reference as a zip, or of one of its files.

    Kaggle answers with a redirect, which is not followed: the download requests only the missing
    bytes from the storage, without credentials. The URL contains a signature and must not appear in
    messages or files.

    Raises:
        RefusedError, NetworkError: see `Kaggle.call`.
        AnswerError: the answer is not a redirect.
    """
    session = kaggle.sdk.http_client()._session
    session.max_redirects = 0
    method, request = _method_and_request(kaggle, reference, file)

    def send() -> requests.Response:
        import requests

        try:
            with method(request) as answer:
                return answer  # type: ignore[no-any-return]
        except requests.TooManyRedirects as redirect:
            return redirect.response  # type: ignore[return-value]

    answer = kaggle.with_retries(action, send)
    target = session.get_redirect_target(answer)
    if not target:
        kind = answer.headers.get("Content-Type", "no type").partition(";")[0]
        raise AnswerError(
            f"{action}: Kaggle answered with {kind} instead of a redirect to its storage: try "
            "again later"
        )
    return str(urljoin(answer.url, target))


def _method_and_request(kaggle: Kaggle, reference: Reference, file: str | None) -> tuple[Any, Any]:
    """The method of the SDK that redirects to the file, and its request."""
    if reference.kind == "datasets":
        from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

        request = ApiDownloadDatasetRequest()
        request.owner_slug, request.dataset_slug = reference.slug.split("/")
        if file:
            request.file_name = file
        return kaggle.datasets.download_dataset, request
    from kagglesdk.competitions.types.competition_api_service import (
        ApiDownloadDataFileRequest,
        ApiDownloadDataFilesRequest,
    )

    file_request = ApiDownloadDataFileRequest() if file else ApiDownloadDataFilesRequest()
    file_request.competition_name = reference.slug
    if not file:
        return kaggle.competitions.download_data_files, file_request
    file_request.file_name = file
    return kaggle.competitions.download_data_file, file_request


def file_names(kaggle: Kaggle, reference: Reference) -> list[str] | None:
    """The file names of a competition; None for a data set, and for too many files.

    Raises:
        RefusedError, NetworkError, AnswerError: see `Kaggle.call`.
    """
    if reference.kind == "datasets":
        return None
    from kagglesdk.competitions.types.competition_api_service import ApiListDataFilesRequest

    request = ApiListDataFilesRequest()
    request.competition_name = reference.slug
    request.page_size = PAGE_SIZE
    found: list[str] = []
    for _ in range(MAX_PAGES):
        page = kaggle.call("listing the files", kaggle.competitions.list_data_files, request)
        found += [file.name for file in page.files or ()]
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token
    return None
