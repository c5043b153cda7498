"""Reading how a request ended: what an answer says, and how it failed."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests


def never_sent(error: BaseException) -> bool:
    """Whether a request surely never reached the server: there was no connection."""
    import requests
    from urllib3.exceptions import MaxRetryError, NewConnectionError, ProxyError

    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    reason = reason.original_error if isinstance(reason, ProxyError) else reason
    return isinstance(reason, NewConnectionError)


def reason_of(error: BaseException, seconds: float) -> str:
    """What went wrong on the way, without the address, which may hold a signature; `seconds` are
    those in which an answer had to begin."""
    import requests

    if never_sent(error):
        return "no connection to Kaggle"
    if isinstance(error, requests.Timeout):
        return f"no answer within {seconds:g} s"
    return f"the connection broke ({type(error).__name__})"


def said_by(response: requests.Response) -> str:
    """The message in an answer: of a `{"code", "message"}` or `{"error": {"message"}}` body, or a
    short text; "" of a page."""
    try:
        body = response.json()
        inner = body.get("error", body)
        text = inner.get("message", "") if isinstance(inner, dict) else inner
    except (ValueError, AttributeError):
        text = "" if "html" in response.headers.get("Content-Type", "") else response.text
    return " ".join(str(text or "").split())[:300]


def retry_after(response: requests.Response) -> float | None:
    """Seconds that the answer asks to wait, given as seconds or as a date."""
    text = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
