"""Whether Kaggle accepts the credentials, and to which user they belong."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from comp.errors import AnswerError, CompError, NetworkError, RefusedError
from comp.kaggle.client.credentials import (
    HOW_TO_GET_CREDENTIALS,
    Credentials,
    config_folder,
    display_path,
    home_files,
)
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.session import Kaggle, connect

ACTION = "asking who you are"
KINDS = {"token": "token", "key": "key", "oauth": "OAuth sign-in"}
"""The kinds of credentials in messages."""


@dataclass(frozen=True)
class Identity:
    """Kaggle's answer to credentials.

    `state` is "unknown" without an answer. `error` says why the credentials do not work or why
    there is no answer; None if they work or were not checked.
    """

    credentials: Credentials
    state: Literal["works", "refused", "unknown"]
    username: str | None = None
    error: CompError | None = None


def identify(found: Iterable[Credentials], deadline: Deadline) -> Iterator[Identity]:
    """Check credentials one after another. After a network error the rest is not checked."""
    offline = False
    for credentials in found:
        if offline:
            yield Identity(credentials, "unknown")
            continue
        identity = _identity(credentials, deadline)
        offline = isinstance(identity.error, NetworkError)
        yield identity


def _identity(credentials: Credentials, deadline: Deadline) -> Identity:
    try:
        with connect(deadline, credentials=credentials) as kaggle:
            is_key = credentials.kind == "key"
            username = _user_of_key(kaggle) if is_key else _user_of_token(kaggle)
    except RefusedError as error:
        return Identity(credentials, "refused", error=error)
    except (NetworkError, AnswerError) as error:
        return Identity(credentials, "unknown", error=error)
    if username is None:
        return Identity(credentials, "refused", error=_revoked(credentials))
    return Identity(credentials, "works", username)


def user_name(kaggle: Kaggle) -> str:
    """The user whom the credentials of a connection belong to.

    Raises:
        RefusedError: the credentials are not valid.
    """
    if kaggle.credentials.kind == "key":
        return str(kaggle.credentials.username)
    name = _user_of_token(kaggle)
    if not name:
        raise _revoked(kaggle.credentials)
    return name


def _revoked(credentials: Credentials) -> RefusedError:
    problem = f"the {KINDS[credentials.kind]} from {credentials.source} has expired or was revoked"
    return RefusedError(f"{problem}; {HOW_TO_GET_CREDENTIALS}")


def _user_of_token(kaggle: Kaggle) -> str | None:
    """The user of the token, None if it is not valid."""
    from kagglesdk.security.types.oauth_service import IntrospectTokenRequest

    request = IntrospectTokenRequest()
    request.token = kaggle.credentials.secret
    answer = kaggle.call(ACTION, kaggle.sdk.security.oauth_client.introspect_token, request)
    return str(answer.username) if answer.active else None


def _user_of_key(kaggle: Kaggle) -> str | None:
    """The user of the key. Kaggle has no request for that, so a small one tests the key."""
    from kagglesdk.competitions.types.competition_api_service import ApiListCompetitionsRequest

    request = ApiListCompetitionsRequest()
    request.page_size = 1
    kaggle.call_json(ACTION, "competitions.CompetitionApiService", "ListCompetitions", request)
    return kaggle.credentials.username


def warnings(identities: Sequence[Identity]) -> list[str]:
    """Warnings about the credentials, a line each: credentials that do not work and hide others
    that do, files that other users can read, files that are not used."""
    sources = [identity.credentials.source for identity in identities]
    return [*_hidden(identities), *_readable_by_others(), *_unused(sources)]


def _hidden(identities: Sequence[Identity]) -> Iterator[str]:
    first = identities[0] if identities else None
    working = next((identity for identity in identities if identity.state == "works"), None)
    if first and working and first.state == "refused":
        bad, good = first.credentials, working.credentials
        yield (
            f"the {KINDS[bad.kind]} from {bad.source} does not work and comes before the "
            f"{KINDS[good.kind]} from {good.source}, which works: renew it or remove it"
        )


def _files() -> list[Path]:
    """The files for credentials that exist."""
    folder = config_folder()
    paths = [folder / "kaggle.json"] if folder else []
    paths += home_files("access_token", "access_token.txt", "credentials.json")
    return [path for path in paths if path.is_file()]


def _readable_by_others() -> Iterator[str]:
    for path in _files():
        if os.name == "posix" and path.stat().st_mode & 0o044:
            name = display_path(path)
            yield f"{name} can be read by other users of this machine: chmod 600 {name}"


def _unused(sources: Iterable[str]) -> Iterator[str]:
    used = {part for source in sources for part in source.split(" and ")}
    for path in _files():
        if display_path(path) not in used:
            yield (
                f"{display_path(path)} is not used: it contains no valid credentials, or variables "
                "come before it"
            )
