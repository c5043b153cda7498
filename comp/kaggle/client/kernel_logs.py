"""Logs of kernel sessions on Kaggle, while they run and afterwards."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from comp.kaggle.client.remedies import kernel_remedies
from comp.kaggle.client.response_chunks import read_chunks
from comp.kaggle.client.session import TIMEOUT_S, Kaggle

if TYPE_CHECKING:
    import requests

END = "END_OF_LOG"
"""The last event of the log of a session."""
SILENCE_S = 4.0
"""The log of a running session arrives from its beginning. After so many silent seconds, what
arrived is all that there is so far."""
LONGEST_S = 30.0
"""For so long a log is read that is never silent."""
MAX_BYTES = 50_000_000


def running_log(kaggle: Kaggle, owner: str, slug: str, version: int) -> str:
    """The log of a running session so far, as plain text.

    The SDK has no method for this address that Kaggle's own client uses. Like that client, this
    uses the private `_get_request_url` and `_session` of the SDK's `KaggleHttpClient`.

    Raises:
        RefusedError, NetworkError: see `Kaggle.call`.
    """
    http = kaggle.sdk.http_client()
    url = http._get_request_url("kernels", f"logs/stream/{owner}/{slug}")
    headers = {"Accept": "text/event-stream, */*", "Accept-Encoding": "identity"}

    def send() -> requests.Response:
        response = http._session.get(
            url,
            params={"versionLabel": f"v{version}"} if version else {},
            headers=headers | {"Content-Type": None},
            stream=True,
            timeout=(TIMEOUT_S[0], SILENCE_S),
        )
        response.raise_for_status()
        return response  # type: ignore[no-any-return]

    action = f"reading the log of {owner}/{slug}"
    response = kaggle.with_retries(action, send, remedies=kernel_remedies(owner, slug))
    text = _read(kaggle, action, response).decode(errors="replace")
    live = "event-stream" in response.headers.get("Content-Type", "")
    return kaggle.credentials.redact(plain_log("\n".join(_events(text)) if live else text))


def _read(kaggle: Kaggle, action: str, response: requests.Response) -> bytes:
    """The body of a stream, until it ends, breaks or is silent."""
    from urllib3.exceptions import HTTPError

    body, end = bytearray(), time.monotonic() + LONGEST_S
    with read_chunks(response, kaggle.deadline, action) as chunks, suppress(HTTPError):
        for chunk in chunks:
            body += chunk
            if len(body) > MAX_BYTES or time.monotonic() > end:
                break
    return bytes(body)


def _events(text: str) -> list[str]:
    """The data of the events of a stream, until its end."""
    found = []
    for line in text.splitlines():
        data = line.removeprefix("data:").strip()
        if data == END:
            break
        if data and line.startswith("data:"):
            found.append(data)
    return found


def plain_log(stored: str) -> str:
    """A log as plain text, with stdout and stderr in order.

    Kaggle stores a list of JSON objects with the fields stream_name, time and data, an object in
    each line; a log that is cut off is no list any more. Other lines stay as they are.
    """
    with suppress(ValueError, TypeError, KeyError):
        return "".join(str(event["data"]) for event in json.loads(stored))
    pieces = []
    for line in stored.splitlines(keepends=True):
        text = line.strip().removeprefix("[").removeprefix(",").removesuffix("]").removesuffix(",")
        if not text.strip():
            continue
        try:
            event = json.loads(text)
            pieces.append(str(event["data"]))
        except (ValueError, TypeError, KeyError):
            pieces.append(line)
    return "".join(pieces)
