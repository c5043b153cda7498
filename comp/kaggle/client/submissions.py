"""The steps of a submission at Kaggle: room in the quota, the upload, the one request that counts,
and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from comp.errors import AnswerError, RefusedError
from comp.kaggle.client.session import Kaggle, storage_session

State = Literal["pending", "scored", "error"]
COMPETITIONS = "competitions.CompetitionApiService"
PAGE = 100
MOST_PAGES = 10
"""How far back a submission is looked for: a thousand submissions."""


@dataclass(frozen=True)
class Quota:
    """How many submissions were made today and ever, and how many may be made now."""

    today: int
    total: int
    left: int


@dataclass(frozen=True)
class Verdict:
    """What Kaggle says of a submission; the scores are text, "" where there is none."""

    ref: int
    state: State
    public: str = ""
    private: str = ""
    message: str = ""


def quota(kaggle: Kaggle) -> Quota:
    """Ask how many submissions are left."""
    from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionLimitsRequest

    request = ApiGetSubmissionLimitsRequest()
    request.competition_name = kaggle.slug
    limits = kaggle.call("asking for the quota", kaggle.competitions.get_submission_limits, request)
    return Quota(limits.num_today, limits.num_total, limits.num_allowed_now)


def upload(kaggle: Kaggle, path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Upload a file and return its token; no submission is made of it. May be repeated.

    Args:
        on_bytes: (bytes sent so far) -> None.

    Raises:
        RefusedError: naming the status with which the storage refused.
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

    def put() -> str:
        place = start(request)
        with storage_session() as session, path.open("rb") as stream:
            body = _Counted(stream, path.stat().st_size, on_bytes) if path.stat().st_size else b""
            answer = session.put(place.create_url, data=body)
        if 400 <= answer.status_code < 500 and answer.status_code != 429:
            raise RefusedError(
                f"the upload of {path.name} was refused ({answer.status_code}): nothing was "
                "submitted, try again"
            )
        answer.raise_for_status()
        return str(place.token)

    return kaggle.repeat(f"uploading {path.name}", put)


class _Counted:
    """A file that tells how far it was read; its length makes requests send it in one piece."""

    def __init__(self, stream: Any, size: int, on_bytes: Callable[[int], None] | None) -> None:
        self._stream, self._size, self._told = stream, size, on_bytes

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        data = bytes(self._stream.read(size))
        if self._told:
            self._told(self._stream.tell())
        return data


def create(kaggle: Kaggle, token: str, description: str) -> int:
    """Make a submission of an upload and return its `ref`; the request is sent once.

    Raises:
        RefusedError: Kaggle said no; nothing was made.
        NetworkError: there was no connection; nothing was sent.
        UnknownOutcomeError: nobody knows whether it was made.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiCreateSubmissionRequest

    request = ApiCreateSubmissionRequest()
    request.competition_name = kaggle.slug
    request.blob_file_tokens = token
    request.submission_description = description
    made = kaggle.call("submitting", kaggle.competitions.create_submission, request, again=False)
    if not made.ref:
        raise RefusedError(f"Kaggle made no submission: '{made.message}'")
    return int(made.ref)


def find(kaggle: Kaggle, tags: Collection[str]) -> dict[str, Verdict]:
    """The submissions whose descriptions have one of these tags, by tag, in one listing."""
    found: dict[str, Verdict] = {}
    for made in _newest(kaggle) if tags else ():
        words = _text(made, "description")
        found |= {tag: _verdict(made) for tag in tags if tag in words}
        if len(found) == len(tags):
            break
    return found


def _newest(kaggle: Kaggle) -> Iterator[dict[str, Any]]:
    from kagglesdk.competitions.types.competition_api_service import ApiListSubmissionsRequest

    token, doing = "", "looking through the submissions"
    for _ in range(MOST_PAGES):
        request = ApiListSubmissionsRequest()
        request.competition_name = kaggle.slug
        request.page_size = PAGE
        if token:
            request.page_token = token
        page = kaggle.raw(doing, COMPETITIONS, "ListSubmissions", request)
        listed = page.get("submissions") or []
        if not isinstance(listed, list) or not all(isinstance(made, dict) for made in listed):
            raise AnswerError(f"{doing}: Kaggle's list cannot be understood: try again later")
        yield from listed
        token = str(page.get("nextPageToken") or "")
        if not token:
            return


def verdict(kaggle: Kaggle, ref: int) -> Verdict:
    """What Kaggle says of a submission now; a status that nobody knows means that it is pending."""
    from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionRequest

    request = ApiGetSubmissionRequest()
    request.ref = ref
    return _verdict(kaggle.raw("asking for the score", COMPETITIONS, "GetSubmission", request))


def _verdict(made: dict[str, Any]) -> Verdict:
    status = _text(made, "status").upper().removeprefix("SUBMISSION_STATUS_")
    known: dict[str, State] = {"COMPLETE": "scored", "ERROR": "error"}
    ref = made.get("ref")
    if not isinstance(ref, int):
        raise AnswerError(f"Kaggle gave a submission the number {ref!r}: try again later")
    return Verdict(
        ref=ref,
        state=known.get(status, "pending"),
        public=_text(made, "publicScore"),
        private=_text(made, "privateScore"),
        message=_text(made, "errorDescription"),
    )


def _text(made: dict[str, Any], name: str) -> str:
    return str(made.get(name) or "")
