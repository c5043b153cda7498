"""The requests of a submission: the quota, the upload, the submission itself, its status."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from comp.errors import AnswerError, RefusedError
from comp.kaggle.client.session import Kaggle
from comp.kaggle.client.uploads import put_file

State = Literal["pending", "scored", "error"]
COMPETITIONS = "competitions.CompetitionApiService"
PAGE_SIZE = 100
MAX_PAGES = 10
"""Pages that are searched for a submission: a thousand submissions."""


@dataclass(frozen=True)
class Quota:
    """The number of submissions made today and in total, and how many are left now."""

    today: int
    total: int
    left: int


@dataclass(frozen=True)
class SubmissionStatus:
    """The status of a submission on Kaggle; the scores are text, "" if missing."""

    ref: int
    state: State
    public: str = ""
    private: str = ""
    message: str = ""


def fetch_quota(kaggle: Kaggle) -> Quota:
    """Fetch the number of submissions that are left."""
    from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionLimitsRequest

    request = ApiGetSubmissionLimitsRequest()
    request.competition_name = kaggle.slug
    limits = kaggle.call("asking for the quota", kaggle.competitions.get_submission_limits, request)
    return Quota(limits.num_today, limits.num_total, limits.num_allowed_now)


def upload_file(kaggle: Kaggle, path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Upload a file and return its token. This makes no submission and may be repeated.

    Args:
        on_bytes: (bytes sent so far) -> None.

    Raises:
        RefusedError: the storage refused; the message contains the status.
        NetworkError: no answer, after all attempts.
    """
    from kagglesdk.competitions.types.competition_api_service import (
        ApiStartSubmissionUploadRequest,
    )

    request = ApiStartSubmissionUploadRequest()
    request.competition_name = kaggle.slug
    request.file_name = path.name
    request.content_length = path.stat().st_size
    request.last_modified_epoch_seconds = int(path.stat().st_mtime)
    start = kaggle.competitions.start_submission_upload
    return put_file(
        kaggle, path, lambda: start(request), "nothing was submitted, try again", on_bytes
    )


def create_submission(kaggle: Kaggle, token: str, description: str) -> int:
    """Make a submission of an upload and return its `ref`. The request is sent only once.

    Raises:
        RefusedError: Kaggle refused; there is no submission.
        NetworkError: there was no connection; nothing was sent.
        UnknownOutcomeError: it is unknown whether there is a submission.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiCreateSubmissionRequest

    request = ApiCreateSubmissionRequest()
    request.competition_name = kaggle.slug
    request.blob_file_tokens = token
    request.submission_description = description
    answer = kaggle.call(
        "submitting", kaggle.competitions.create_submission, request, repeatable=False
    )
    if not answer.ref:
        raise RefusedError(f"Kaggle made no submission: '{answer.message}'")
    return int(answer.ref)


def create_code_submission(
    kaggle: Kaggle, owner: str, slug: str, version: int, file_name: str, description: str
) -> int:
    """Submit an output file of a complete kernel version and return the `ref` of the submission.
    The request is sent only once.

    Raises:
        As `create_submission`.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiCreateCodeSubmissionRequest

    request = ApiCreateCodeSubmissionRequest()
    request.competition_name = kaggle.slug
    request.kernel_owner = owner
    request.kernel_slug = slug
    request.kernel_version = version
    request.file_name = file_name
    request.submission_description = description
    kernel = f"https://www.kaggle.com/code/{owner}/{slug}"
    missing = f"there is no competition '{kaggle.slug}', or no version {version} of {kernel}"
    answer = kaggle.call(
        "submitting",
        kaggle.competitions.create_code_submission,
        request,
        repeatable=False,
        remedies={404: missing},
    )
    if not answer.ref:
        raise RefusedError(f"Kaggle made no submission: '{answer.message}'")
    return int(answer.ref)


def find_by_tags(kaggle: Kaggle, tags: Collection[str]) -> dict[str, SubmissionStatus]:
    """The submissions whose descriptions contain one of these tags, by tag."""
    found: dict[str, SubmissionStatus] = {}
    for submission in _list_submissions(kaggle) if tags else ():
        description = _text(submission, "description")
        found |= {tag: _status(submission) for tag in tags if tag in description}
        if len(found) == len(tags):
            break
    return found


def _list_submissions(kaggle: Kaggle) -> Iterator[dict[str, Any]]:
    from kagglesdk.competitions.types.competition_api_service import ApiListSubmissionsRequest

    token, action = "", "looking through the submissions"
    for _ in range(MAX_PAGES):
        request = ApiListSubmissionsRequest()
        request.competition_name = kaggle.slug
        request.page_size = PAGE_SIZE
        if token:
            request.page_token = token
        page = kaggle.call_json(action, COMPETITIONS, "ListSubmissions", request)
        listed = page.get("submissions") or []
        if not isinstance(listed, list) or not all(
            isinstance(submission, dict) for submission in listed
        ):
            raise AnswerError(f"{action}: Kaggle's list cannot be read: try again later")
        yield from listed
        token = str(page.get("nextPageToken") or "")
        if not token:
            return


def fetch_status(kaggle: Kaggle, ref: int) -> SubmissionStatus:
    """Fetch the status of a submission; an unknown status counts as pending."""
    from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionRequest

    request = ApiGetSubmissionRequest()
    request.ref = ref
    return _status(kaggle.call_json("asking for the score", COMPETITIONS, "GetSubmission", request))


def _status(submission: dict[str, Any]) -> SubmissionStatus:
    status = _text(submission, "status").upper().removeprefix("SUBMISSION_STATUS_")
    known: dict[str, State] = {"COMPLETE": "scored", "ERROR": "error"}
    ref = submission.get("ref")
    if not isinstance(ref, int):
        raise AnswerError(
            f"Kaggle's answer has a submission with the number {ref!r}: try again later"
        )
    return SubmissionStatus(
        ref=ref,
        state=known.get(status, "pending"),
        public=_text(submission, "publicScore"),
        private=_text(submission, "privateScore"),
        message=_text(submission, "errorDescription"),
    )


def _text(submission: dict[str, Any], name: str) -> str:
    return str(submission.get(name) or "")
