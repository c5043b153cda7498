"""Data sets of the user on Kaggle: make one, add a version, ask whether it is ready."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from comp.errors import AnswerError, RefusedError, UnknownOutcomeError
from comp.kaggle.client.new_files import set_files
from comp.kaggle.client.pages import list_pages, objects
from comp.kaggle.client.session import Kaggle

DATASETS = "datasets.DatasetApiService"
MISSING = frozenset({403, 404})
"""What Kaggle answers for a data set that is not there: 403, as for one that it hides."""
State = Literal["absent", "pending", "ready", "error"]
_STATES: dict[str, State] = {
    "READY": "ready",
    "FAILED": "error",
    "DELETED": "absent",
}
_TITLE_TAKEN = "choose another title: titles and slugs are unique on Kaggle, also deleted ones"


@dataclass(frozen=True, kw_only=True)
class DataSetSpec:
    """A new data set. The names are checked: Kaggle refuses them only after the upload.

    `description` may contain the tag that `find_version` looks for.

    Raises:
        RefusedError: Kaggle would not accept the title, the slug or the licence.
    """

    owner: str
    slug: str
    title: str
    licence: str = "other"
    private: bool = True
    description: str = ""

    def __post_init__(self) -> None:
        check_slug(self.slug, "data set")
        for kind, text in (("slug", self.slug), ("title", self.title)):
            if not 6 <= len(text) <= 50:
                raise RefusedError(
                    f"the {kind} of a data set must have 6 to 50 characters, '{text}' has "
                    f"{len(text)}: choose another one"
                )
        if not re.fullmatch(r"[\w.-]+", self.licence):
            raise RefusedError(
                f"a data set has exactly one licence, such as CC0-1.0, not '{self.licence}'"
            )


def check_slug(slug: str, what: str) -> None:
    """Check that a name can be part of an address on Kaggle.

    Raises:
        RefusedError: it cannot.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise RefusedError(
            f"'{slug}' cannot be the slug of a {what}: use small letters, digits, and single "
            "hyphens between them"
        )


@dataclass(frozen=True)
class DatasetStatus:
    """The state of the last version. `version` is the newest one that kernels see, None if there
    is none."""

    state: State
    version: int | None = None
    message: str = ""


def create_dataset(kaggle: Kaggle, spec: DataSetSpec, files: Mapping[str, str]) -> int | None:
    """Make a data set of uploads and return its version, 1. The request is sent once.

    Args:
        files: path inside the data set (with its folders, "weights/fold-0.safetensors") -> token
            of `upload_blob`. The last part of a path is the name that the file was uploaded with.

    Raises:
        RefusedError: Kaggle refused; there is no data set.
        NetworkError: there was no connection; nothing was sent.
        UnknownOutcomeError: it is unknown whether there is a data set.
    """
    from kagglesdk.datasets.types.dataset_api_service import ApiCreateDatasetRequest

    request = ApiCreateDatasetRequest()
    request.owner_slug = spec.owner
    request.slug = spec.slug
    request.title = spec.title
    request.license_name = spec.licence
    request.is_private = spec.private
    if spec.description:
        request.description = spec.description
    set_files(request, files)
    _create(kaggle, f"making the data set {spec.owner}/{spec.slug}", "CreateDataset", request)
    return 1


def create_version(
    kaggle: Kaggle, owner: str, slug: str, notes: str, files: Mapping[str, str]
) -> int | None:
    """Add a version with these files and no others; the request is sent once. Returns the version,
    None if Kaggle does not tell it (it does not at present). `notes` contain the tag that
    `find_version` looks for.

    Raises:
        RefusedError: Kaggle refused; there is no such version. `status` is 403 also while the last
            version is processed.
        NetworkError, UnknownOutcomeError: as for `create_dataset`.
    """
    from kagglesdk.datasets.types.dataset_api_service import (
        ApiCreateDatasetVersionRequest,
        ApiCreateDatasetVersionRequestBody,
    )

    body = ApiCreateDatasetVersionRequestBody()
    body.version_notes = notes
    body.delete_old_versions = False
    set_files(body, files)
    request = ApiCreateDatasetVersionRequest()
    request.owner_slug = owner
    request.dataset_slug = slug
    request.body = body
    action = f"adding a version to the data set {owner}/{slug}"
    answer = _create(kaggle, action, "CreateDatasetVersion", request)
    found = re.search(r"/versions?/(\d+)", str(answer.get("url") or ""))
    return int(found[1]) if found else None


def _create(kaggle: Kaggle, action: str, method: str, request: Any) -> dict[str, Any]:
    """Send a request that makes something. A refusal may come in an answer of 200."""
    page = "https://www.kaggle.com/work/datasets"
    remedies = {
        403: (
            "Kaggle answers so while the last version is still processed (wait until it is ready "
            f"and try again), and for a data set of somebody else; yours are at {page}"
        ),
        404: f"Kaggle has no such data set; yours are at {page}",
    }
    answer = kaggle.call_json(
        action, DATASETS, method, request, repeatable=False, remedies=remedies
    )
    problem = kaggle.credentials.redact(str(answer.get("error") or ""))
    if problem or str(answer.get("status") or "ok").lower() == "error":
        advice = _TITLE_TAKEN if "in use" in problem else "correct that and try again"
        raise RefusedError(f"{action}: Kaggle refused, '{problem or 'no reason'}': {advice}")
    if not answer.get("url") and not answer.get("ref"):
        raise UnknownOutcomeError(
            f"{action}: Kaggle's answer names no data set; it is unknown whether Kaggle did it"
        )
    return answer


def dataset_status(kaggle: Kaggle, owner: str, slug: str) -> DatasetStatus:
    """The state of the last version, and which version kernels see. A state that nobody knows
    counts as pending.

    Raises:
        NetworkError, AnswerError: see `Kaggle.call`.
        RefusedError: Kaggle refused the credentials.
    """
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetStatusRequest

    request = ApiGetDatasetStatusRequest()
    request.owner_slug, request.dataset_slug = owner, slug
    action = f"asking for the data set {owner}/{slug}"
    try:
        answer = kaggle.call_json(action, DATASETS, "GetDatasetStatus", request)
    except RefusedError as error:
        if error.status in MISSING:
            return DatasetStatus("absent")
        raise
    state = _STATES.get(str(answer.get("status") or "").upper(), "pending")
    found = _get_dataset(kaggle, owner, slug) if state != "absent" else None
    number = (found or {}).get("currentVersionNumber")
    return DatasetStatus(state, number if isinstance(number, int) and number > 0 else None)


def find_version(kaggle: Kaggle, owner: str, slug: str, tag: str) -> int | None:
    """The newest version whose notes contain `tag`, ready or not; version 1 also if the
    description of the data set has it. None if there is none.

    Raises:
        NetworkError: see `Kaggle.call`.
        AnswerError: the answer cannot be read, or does not tell the notes.
        RefusedError: Kaggle refused the credentials.
    """
    found = _get_dataset(kaggle, owner, slug)
    if found is None:
        return None
    versions = objects(found.get("versions"))
    numbers = [
        int(version["versionNumber"])
        for version in versions
        if tag in str(version.get("versionNotes") or "") and version.get("versionNumber")
    ]
    if tag in str(found.get("description") or ""):
        numbers.append(1)
    if not numbers and not versions:
        raise AnswerError(
            f"Kaggle does not tell the versions of the data set {owner}/{slug}: look for the note "
            f"'{tag}' at https://www.kaggle.com/datasets/{owner}/{slug}/versions"
        )
    return max(numbers, default=None)


def _get_dataset(kaggle: Kaggle, owner: str, slug: str) -> dict[str, Any] | None:
    """What Kaggle says about a data set; None if there is none."""
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

    request = ApiGetDatasetRequest()
    request.owner_slug, request.dataset_slug = owner, slug
    try:
        return kaggle.call_json(
            f"asking for the data set {owner}/{slug}", DATASETS, "GetDataset", request
        )
    except RefusedError as error:
        if error.status in MISSING:
            return None
        raise


def version_files(
    kaggle: Kaggle, owner: str, slug: str, version: int | None = None
) -> dict[str, int]:
    """The files of a version (by default the one that kernels see): path -> bytes.

    Raises:
        RefusedError: there is no such version.
        NetworkError, AnswerError: see `Kaggle.call`.
    """
    from kagglesdk.datasets.types.dataset_api_service import ApiListDatasetFilesRequest

    request = ApiListDatasetFilesRequest()
    request.owner_slug, request.dataset_slug = owner, slug
    if version:
        request.dataset_version_number = version
    action = f"listing the files of the data set {owner}/{slug}"
    found = list_pages(kaggle, action, DATASETS, "ListDatasetFiles", request, "datasetFiles")
    return {str(file.get("name")): int(file.get("totalBytes") or 0) for file in found}
