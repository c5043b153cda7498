"""References to competitions and data sets on Kaggle, and the URLs of their files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from comp.contract.kaggle_name import given_reference
from comp.errors import CompetitionError
from comp.kaggle.client.redirects import redirect_target
from comp.kaggle.client.session import Kaggle


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
        """Read `competitions/<slug>`, `datasets/<owner>/<slug>`, `<owner>/<slug>`, or an address of
        kaggle.com.

        Raises:
            CompetitionError: `text` is none of them.
        """
        kind, _, slug = given_reference(text).partition("/")
        if not slug:
            raise CompetitionError(
                f"'{text}' is not a name on Kaggle: write competitions/<slug>, or <owner>/<slug> "
                "for a data set"
            )
        return cls("competitions" if kind == "competitions" else "datasets", slug)


def storage_url(kaggle: Kaggle, action: str, reference: Reference, file: str | None = None) -> str:
    """The URL in Kaggle's storage of all files of a reference as a zip, or of one of its files.

    Kaggle answers with a redirect, which is not followed: the download requests only the missing
    bytes from the storage, without credentials. The URL contains a signature and must not appear in
    messages or files.

    Raises:
        RefusedError, NetworkError: see `Kaggle.call`.
        AnswerError: the answer is not a redirect.
    """
    method, request = _method_and_request(kaggle, reference, file)
    return redirect_target(kaggle, action, method, request)


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
