"""Sessions of kernels on Kaggle: state, log, outputs, stop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

from comp.errors import AnswerError, DataError, RefusedError
from comp.kaggle.client.kernel_logs import plain_log, running_log
from comp.kaggle.client.kernels import KERNELS
from comp.kaggle.client.pages import list_pages
from comp.kaggle.client.redirects import redirect_target
from comp.kaggle.client.remedies import kernel_remedies
from comp.kaggle.client.session import Kaggle
from comp.kaggle.client.storage import OnBytes, fetch_file

State = Literal["queued", "running", "complete", "error", "cancelled", "unknown"]
_STATES: dict[str, State] = {
    "QUEUED": "queued",
    "RUNNING": "running",
    "COMPLETE": "complete",
    "ERROR": "error",
    "CANCEL_REQUESTED": "cancelled",
    "CANCEL_ACKNOWLEDGED": "cancelled",
}


@dataclass(frozen=True)
class SessionStatus:
    """The state of a session. "unknown" is a version that Kaggle does not know (yet), one that was
    saved without running, or a state that nobody knows. `message` is Kaggle's reason, often ""."""

    state: State
    message: str = ""


def session_status(kaggle: Kaggle, owner: str, slug: str, version: int) -> SessionStatus:
    """Fetch the state of the session of a version (0: of the newest version).

    Raises:
        NetworkError, AnswerError: see `Kaggle.call`.
        RefusedError: Kaggle refused the credentials, or does not show the kernel.
    """
    from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionStatusRequest

    request = _name_version(ApiGetKernelSessionStatusRequest(), owner, slug, version)
    try:
        answer = kaggle.call_json(
            f"asking for the kernel {owner}/{slug}",
            KERNELS,
            "GetKernelSessionStatus",
            request,
            remedies=kernel_remedies(owner, slug),
        )
    except RefusedError as error:
        if error.status == 404:
            return SessionStatus("unknown", "Kaggle knows no such version")
        raise
    text = str(answer.get("status") or "QUEUED").upper()  # the SDK's value for a missing one
    message = kaggle.credentials.redact(str(answer.get("failureMessage") or ""))
    if text not in _STATES:
        return SessionStatus("unknown", message or f"Kaggle calls it {text}")
    return SessionStatus(_STATES[text], message)


def session_log(kaggle: Kaggle, owner: str, slug: str, version: int) -> str:
    """The log so far, as plain text with stdout and stderr in order, without the credentials. "" if
    there is none (yet).

    Raises:
        RefusedError, NetworkError, AnswerError: see `Kaggle.call`.
    """
    from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

    request = _name_version(ApiListKernelSessionOutputRequest(), owner, slug, version)
    request.page_size = 1
    answer = kaggle.call_json(
        f"reading the log of {owner}/{slug}",
        KERNELS,
        "ListKernelSessionOutput",
        request,
        remedies=kernel_remedies(owner, slug),
    )
    if stored := str(answer.get("log") or ""):
        return kaggle.credentials.redact(plain_log(stored))
    if session_status(kaggle, owner, slug, version).state != "running":
        return ""
    try:
        return running_log(kaggle, owner, slug, version)
    except RefusedError as error:
        if error.status == 404:  # it has just started
            return ""
        raise


def session_outputs(kaggle: Kaggle, owner: str, slug: str, version: int) -> list[tuple[str, str]]:
    """All output files: (path, URL). A URL contains a signature: show and store it nowhere.

    Raises:
        RefusedError, NetworkError, AnswerError: see `Kaggle.call`.
    """
    from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

    request = _name_version(ApiListKernelSessionOutputRequest(), owner, slug, version)
    files = list_pages(
        kaggle,
        f"listing the outputs of {owner}/{slug}",
        KERNELS,
        "ListKernelSessionOutput",
        request,
        "files",
        kernel_remedies(owner, slug),
    )
    return [(str(file.get("fileName") or ""), str(file.get("url") or "")) for file in files]


def download_output(
    kaggle: Kaggle,
    owner: str,
    slug: str,
    version: int,
    name: str,
    folder: Path,
    on_bytes: OnBytes | None = None,
) -> Path:
    """Download one output file into `folder` and return its path; a broken download is resumed.

    Raises:
        RefusedError: there is no such output.
        NetworkError: no answer, or the deadline; the received bytes are kept.
        AnswerError: the answer is not the file.
        DataError: the name of the file leads out of `folder`, or it cannot be written.
    """
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name or not parts.name:
        raise DataError(f"the output '{name}' of {owner}/{slug} leads out of its folder: not saved")
    action = f"downloading {name} of {owner}/{slug}"

    def find_url() -> str:
        urls = dict(session_outputs(kaggle, owner, slug, version))
        if name not in urls:
            raise RefusedError(
                f"{action}: version {version} has no such output, it has "
                f"{', '.join(list(urls)[:5]) or 'none'}"
            )
        return urls[name]

    target = folder / parts
    partial = target.with_name(f".{target.name}.part")
    received = fetch_file(kaggle, action, find_url, partial, on_bytes)
    try:
        received.path.replace(target)
        for left in partial.iterdir():
            left.unlink()
        partial.rmdir()
    except OSError as error:
        raise DataError(f"{action}: cannot write {target}: {error.strerror}") from None
    return target


def stop_session(kaggle: Kaggle, owner: str, slug: str, version: int) -> SessionStatus:
    """Stop the session of a version, if it is queued or running; returns the state after it.

    Kaggle tells the number of a session only in the address of the zip of its outputs.

    Raises:
        RefusedError: Kaggle refused, or does not tell the number of the session; the message has
            the page where the user can stop it.
        NetworkError, AnswerError: see `Kaggle.call`.
    """
    from kagglesdk.kernels.types.kernels_api_service import ApiCancelKernelSessionRequest

    status = session_status(kaggle, owner, slug, version)
    if status.state not in ("queued", "running"):
        return status
    by_hand = f"stop it yourself at https://www.kaggle.com/code/{owner}/{slug}"
    request = ApiCancelKernelSessionRequest()
    request.kernel_session_id = _session_number(kaggle, owner, slug, version, by_hand)
    action = f"stopping {owner}/{slug}"
    answer = kaggle.call_json(
        action,
        KERNELS,
        "CancelKernelSession",
        request,
        remedies=dict.fromkeys((400, 403, 404), by_hand),
    )
    after = session_status(kaggle, owner, slug, version)
    problem = kaggle.credentials.redact(str(answer.get("errorMessage") or ""))
    if problem and after.state in ("queued", "running"):
        raise RefusedError(f"{action}: Kaggle refused, '{problem}': {by_hand}")
    return after


def _session_number(kaggle: Kaggle, owner: str, slug: str, version: int, by_hand: str) -> int:
    """The number of the session of a version."""
    from kagglesdk.kernels.types.kernels_api_service import ApiDownloadKernelOutputRequest

    request = ApiDownloadKernelOutputRequest()
    request.owner_slug, request.kernel_slug = owner, slug
    if version:
        request.version_number = version
    action, path = f"stopping {owner}/{slug}", ""
    try:
        method = kaggle.kernels.download_kernel_output
        path = urlsplit(redirect_target(kaggle, action, method, request)).path
    except (AnswerError, RefusedError) as error:
        if getattr(error, "status", None) == 401:
            raise
    found = re.search(r"/kernels/output/download_zip/(\d+)$", path)
    if not found:
        raise RefusedError(f"{action}: Kaggle does not tell the number of its session: {by_hand}")
    return int(found[1])


def _name_version(request: Any, owner: str, slug: str, version: int) -> Any:
    """Name a version in a request of the SDK. Kaggle wants "v3", and does not know "3"."""
    request.user_name, request.kernel_slug = owner, slug
    if version:
        request.version_label = f"v{version}"
    return request
