"""Whether Kaggle takes the credentials that are found, and as whose."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from comp.errors import AnswerError, CompError, NetworkError, RefusedError
from comp.kaggle.client.credentials import HOW, Credentials, config_folder, short
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.session import Kaggle, connect

DOING = "asking who you are"
KINDS = {"token": "token", "key": "key", "oauth": "OAuth sign-in"}
"""The kinds of credentials in words."""


@dataclass(frozen=True)
class Identity:
    """What Kaggle says to credentials; `state` is "unknown" where it does not say, and `error` why
    not, or why they do not work; None where it was not asked at all."""

    credentials: Credentials
    state: Literal["works", "refused", "unknown"]
    username: str | None = None
    error: CompError | None = None


def identify(found: Iterable[Credentials], deadline: Deadline) -> Iterator[Identity]:
    """Ask Kaggle about credentials, one after another; once it cannot be reached no more."""
    lost = False
    for credentials in found:
        if lost:
            yield Identity(credentials, "unknown")
            continue
        identity = _identity(credentials, deadline)
        lost = isinstance(identity.error, NetworkError)
        yield identity


def _identity(credentials: Credentials, deadline: Deadline) -> Identity:
    try:
        with connect(deadline, credentials=credentials) as kaggle:
            username = _bearer(kaggle) if credentials.kind != "key" else _user(kaggle)
    except RefusedError as error:
        return Identity(credentials, "refused", error=error)
    except (NetworkError, AnswerError) as error:
        return Identity(credentials, "unknown", error=error)
    if username is None:
        words = (
            f"the {KINDS[credentials.kind]} from {credentials.source} has expired or was revoked"
        )
        return Identity(credentials, "refused", error=RefusedError(f"{words}; {HOW}"))
    return Identity(credentials, "works", username)


def _bearer(kaggle: Kaggle) -> str | None:
    """Whose the token is, None where it is not valid."""
    from kagglesdk.security.types.oauth_service import IntrospectTokenRequest

    request = IntrospectTokenRequest()
    request.token = kaggle.credentials.secret
    answer = kaggle.call(DOING, kaggle.sdk.security.oauth_client.introspect_token, request)
    return str(answer.username) if answer.active else None


def _user(kaggle: Kaggle) -> str | None:
    """Whose the key is: there is no question for that, so something small is asked with it."""
    from kagglesdk.competitions.types.competition_api_service import ApiListCompetitionsRequest

    request = ApiListCompetitionsRequest()
    request.page_size = 1
    kaggle.raw(DOING, "competitions.CompetitionApiService", "ListCompetitions", request)
    return kaggle.credentials.username


def warnings(identities: Sequence[Identity]) -> list[str]:
    """What a user should know of what was found, a line each: credentials that do not work and
    stand before some that do, files that others can read, files that are not used."""
    sources = [identity.credentials.source for identity in identities]
    return [*_shadowed(identities), *_exposed(), *_unused(sources)]


def _shadowed(identities: Sequence[Identity]) -> Iterator[str]:
    first = identities[0] if identities else None
    working = next((identity for identity in identities if identity.state == "works"), None)
    if first and working and first.state == "refused":
        bad, good = first.credentials, working.credentials
        yield (
            f"the {KINDS[bad.kind]} from {bad.source} does not work and goes before the "
            f"{KINDS[good.kind]} from {good.source}, which does: renew it or remove it"
        )


def _files() -> list[Path]:
    """The files for credentials that there are."""
    names = ("access_token", "access_token.txt", "credentials.json")
    places = [config_folder() / "kaggle.json", *(Path.home() / ".kaggle" / n for n in names)]
    return [place for place in places if place.is_file()]


def _exposed() -> Iterator[str]:
    for path in _files():
        if os.name == "posix" and path.stat().st_mode & 0o044:
            yield f"{short(path)} can be read by others on this machine: chmod 600 {short(path)}"


def _unused(sources: Iterable[str]) -> Iterator[str]:
    used = {place for source in sources for place in source.split(" and ")}
    for path in _files():
        if short(path) not in used:
            yield (
                f"{short(path)} is not used: it holds no credentials that can be read, or "
                "variables go before it"
            )
