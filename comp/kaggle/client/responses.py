"""Reads how a request ended: the message of an answer, or the kind of a failure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests


def is_unsent(error: BaseException) -> bool:
    """Whether the request never reached the server: there was no connection."""
    import requests
    from urllib3.exceptions import MaxRetryError, NewConnectionError, ProxyError

    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    reason = reason.original_error if isinstance(reason, ProxyError) else reason
    return isinstance(reason, NewConnectionError)


def failure_reason(error: BaseException, timeout_s: float) -> str:
    """Why a request failed, without its URL, which may contain a signature. `timeout_s` is the
    time limit for the beginning of an answer."""
    import requests

    if is_unsent(error):
        return "no connection to Kaggle"
    if isinstance(error, requests.Timeout):
        return f"no answer within {timeout_s:g} s"
    return f"the connection broke ({type(error).__name__})"


class JsonAnswer:
    """A response type for the SDK that returns the JSON object."""

    @classmethod
    def prepare_from(cls, response: requests.Response) -> dict[str, Any]:
        """The JSON object of an answer."""
        answer = response.json()
        if not isinstance(answer, dict):
            raise TypeError(f"a JSON object was expected, not {type(answer).__name__}")
        return answer


def status_of(response: requests.Response) -> int:
    """The status of an answer. Like the SDK, this reads `code` in the body of a 200 answer."""
    status = response.status_code
    try:
        code = response.json().get("code") if status < 400 else None
    except (ValueError, AttributeError):
        code = None
    return code if isinstance(code, int) else status


def error_text(response: requests.Response) -> str:
    """The message in an answer: of a `{"code", "message"}` or `{"error": {"message"}}` body, or a
    short text; "" for a web page."""
    try:
        body = response.json()
        inner = body.get("error", body)
        text = inner.get("message", "") if isinstance(inner, dict) else inner
    except (ValueError, AttributeError):
        text = "" if "html" in response.headers.get("Content-Type", "") else response.text
    return " ".join(str(text or "").split())[:300]


def retry_after(response: requests.Response) -> float | None:
    """The Retry-After header in seconds; the header contains seconds or a date."""
    text = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
