"""Checks of what is out there: the hub of pretrained weights, and Kaggle."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from comp.doctor.check import Check
from comp.errors import NetworkError
from comp.kaggle.client.credentials import every
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.identity import identify

PATIENCE_S = 5.0
"""Seconds in which a service must answer, looking up its address included."""
KAGGLE = "https://www.kaggle.com/"
OFFLINE = (
    "look at the connection; without one, 'comp weights NAME --out FILE' elsewhere and --weights "
    "FILE here, or --no-pretrained"
)


def hub() -> Check:
    """Whether pretrained weights can be fetched."""
    from huggingface_hub import constants

    host = urlsplit(constants.ENDPOINT).hostname
    if constants.HF_HUB_OFFLINE:
        words = f"{host} is not asked: HF_HUB_OFFLINE is set"
        return Check("hub", "note", words, "unset it to fetch pretrained weights")
    if reason := _silence(constants.ENDPOINT):
        return Check("hub", "note", f"{host} cannot be reached ({reason})", OFFLINE)
    return Check("hub", "ok", f"{host} answers")


def kaggle(offline: bool = False) -> Check:
    """Whether Kaggle can be reached, and takes the credentials that are found.

    Args:
        offline: say which credentials there are and ask nobody.
    """
    found = every()
    remedy = "'comp login' says how to get some; training needs none"
    if not found:
        reason = "" if offline else _silence(KAGGLE)
        there = "not asked" if offline else f"cannot be reached ({reason})" if reason else "answers"
        return Check("Kaggle", "note", f"{there}; no credentials", remedy)
    source = f"credentials from {found[0].source}"
    if offline:
        return Check("Kaggle", "ok", f"not asked; {source}")
    known = next(identify(found[:1], Deadline(PATIENCE_S)))
    if known.state == "works":
        return Check("Kaggle", "ok", f"takes the {source}, as {known.username}")
    if known.state == "refused":
        words = f"refuses the {source}"
        return Check("Kaggle", "problem", words, "renew or remove them; 'comp login' says more")
    return Check(
        "Kaggle",
        "note",
        f"cannot be reached; {source}",
        "look at the connection; training needs no Kaggle",
    )


def _silence(address: str) -> str:
    """Why nobody answers at an address, "" where somebody does, be it with a refusal."""
    request = Request(address, method="HEAD")
    try:
        Deadline(PATIENCE_S).within("asking", lambda: urlopen(request, timeout=PATIENCE_S).close())
    except HTTPError as error:
        error.close()
        return f"it answers {error.code}" if error.code >= 500 else ""
    except NetworkError:
        return f"no answer within {PATIENCE_S:.0f} s"
    except OSError as error:
        return str(getattr(error, "reason", error))[:120]
    return ""
