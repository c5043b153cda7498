"""Checks of online services: the hub of pretrained weights, and Kaggle."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from comp.doctor.check import Check
from comp.errors import NetworkError
from comp.kaggle.client.credentials import find_credentials
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.identity import identify

ANSWER_TIMEOUT_S = 5.0
"""Time limit of an answer in seconds, including the DNS lookup."""
KAGGLE = "https://www.kaggle.com/"
OFFLINE = (
    "check the connection; without one, use 'comp weights NAME --out FILE' on another machine and "
    "--weights FILE here, or --no-pretrained"
)


def hub() -> Check:
    """Check that pretrained weights can be downloaded."""
    from huggingface_hub import constants

    host = urlsplit(constants.ENDPOINT).hostname
    if constants.HF_HUB_OFFLINE:
        words = f"{host} is not checked: HF_HUB_OFFLINE is set"
        return Check("hub", "note", words, "unset it to download pretrained weights")
    if reason := _why_unreachable(constants.ENDPOINT):
        return Check("hub", "note", f"{host} cannot be reached ({reason})", OFFLINE)
    return Check("hub", "ok", f"{host} answers")


def kaggle(offline: bool = False) -> Check:
    """Check that Kaggle can be reached and accepts the credentials.

    Args:
        offline: only find the credentials, without a connection.
    """
    found = find_credentials()
    remedy = "'comp login' explains how to get them; training does not need them"
    if not found:
        reason = "" if offline else _why_unreachable(KAGGLE)
        state = (
            "not checked" if offline else f"cannot be reached ({reason})" if reason else "answers"
        )
        return Check("Kaggle", "note", f"{state}; no credentials", remedy)
    source = f"credentials from {found[0].source}"
    if offline:
        return Check("Kaggle", "ok", f"not checked; {source}")
    known = next(identify(found[:1], Deadline(ANSWER_TIMEOUT_S)))
    if known.state == "works":
        return Check("Kaggle", "ok", f"accepts the {source} of {known.username}")
    if known.state == "refused":
        words = f"refuses the {source}"
        return Check("Kaggle", "problem", words, "renew or remove them; 'comp login' shows more")
    lasting = isinstance(known.error, NetworkError) and known.error.lasting
    reason = f" ({str(known.error).partition('to Kaggle: ')[2]})" if lasting else ""
    return Check(
        "Kaggle",
        "note",
        f"cannot be reached{reason}; {source}",
        "check the connection; training does not need Kaggle",
    )


def _why_unreachable(address: str) -> str:
    """Why an address does not answer; "" if it answers, even with an HTTP error below 500."""
    request = Request(address, method="HEAD")
    try:
        Deadline(ANSWER_TIMEOUT_S).run_within(
            "asking", lambda: urlopen(request, timeout=ANSWER_TIMEOUT_S).close()
        )
    except HTTPError as error:
        error.close()
        return f"it answers {error.code}" if error.code >= 500 else ""
    except NetworkError:
        return f"no answer within {ANSWER_TIMEOUT_S:.0f} s"
    except OSError as error:
        return str(getattr(error, "reason", error))[:120]
    return ""
