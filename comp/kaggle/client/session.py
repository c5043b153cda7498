"""Kaggle's SDK with timeouts, a deadline, retries that are safe, and readable errors."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from comp.errors import AnswerError, NetworkError, RefusedError, UnknownOutcomeError
from comp.kaggle.client.credentials import Credentials, active_credentials
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.machine_setup import telling_setup
from comp.kaggle.client.remedies import remedy
from comp.kaggle.client.responses import (
    JsonAnswer,
    error_text,
    failure_reason,
    is_unsent,
    retry_after,
    status_of,
)

if TYPE_CHECKING:
    import requests
    from kagglesdk import KaggleClient

T = TypeVar("T")
R = TypeVar("R")

TIMEOUT_S = (10.0, 30.0)
"""Seconds to wait for a connection, and for the next bytes of an answer."""
ATTEMPTS = 4
LONGEST_WAIT_S = 60.0
"""Longest wait before a retry. After a longer Retry-After there is no retry."""
_RETRY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_NOT_DONE_STATUSES = frozenset({400, 401, 403, 404, 429})
"""Statuses after which Kaggle has certainly not done what the request asks for."""


@dataclass(frozen=True)
class Kaggle:
    """A connection to Kaggle, for the requests of one command."""

    sdk: KaggleClient
    credentials: Credentials
    deadline: Deadline
    slug: str = ""
    """The competition or data set, for requests and messages."""

    @property
    def competitions(self) -> Any:
        """The SDK's client of competitions."""
        return self.sdk.competitions.competition_api_client

    @property
    def datasets(self) -> Any:
        """The SDK's client of data sets."""
        return self.sdk.datasets.dataset_api_client

    @property
    def kernels(self) -> Any:
        """The SDK's client of kernels."""
        return self.sdk.kernels.kernels_api_client

    def call(
        self,
        action: str,
        method: Callable[[R], T],
        request: R,
        *,
        repeatable: bool = True,
        remedies: Mapping[int, str] | None = None,
    ) -> T:
        """Call a method of the SDK.

        Args:
            action: what the call does, the beginning of error messages: "asking for the quota".
            repeatable: whether the call may be sent again after a failure.
            remedies: what the user can do about a status, where that differs from `remedy`.

        Raises:
            RefusedError: Kaggle refused.
            NetworkError: no answer, or an answer that means "later", after all attempts.
            AnswerError: the answer cannot be read.
            UnknownOutcomeError: not `repeatable`, and it is unknown whether Kaggle did it.
        """
        return self.with_retries(
            action, lambda: method(request), repeatable=repeatable, remedies=remedies
        )

    def call_json(
        self,
        action: str,
        service: str,
        method: str,
        request: Any,
        *,
        repeatable: bool = True,
        remedies: Mapping[int, str] | None = None,
    ) -> dict[str, Any]:
        """Like `call`, but return the JSON object of the answer: the SDK fails to read an answer
        with a status that it does not know, or with null for a list."""
        http = self.sdk.http_client()

        def work() -> dict[str, Any]:
            return http.call(service, method, request, JsonAnswer)  # type: ignore[no-any-return]

        return self.with_retries(action, work, repeatable=repeatable, remedies=remedies)

    def with_retries(
        self,
        action: str,
        work: Callable[[], T],
        *,
        repeatable: bool = True,
        remedies: Mapping[int, str] | None = None,
    ) -> T:
        """Like `call`, for any function `work` that sends a request."""
        attempts = ATTEMPTS if repeatable else 1
        for attempt in range(1, attempts + 1):
            try:
                return self._send_once(action, work, not repeatable, remedies or {})
            except NetworkError as error:
                wait = _retry_delay(attempt, error.retry_after)
                last = attempt == attempts or error.lasting
                if last or wait is None or wait >= self.deadline.left:
                    raise
                self.deadline.sleep(wait)
        raise AssertionError("unreachable")

    def _send_once(
        self, action: str, work: Callable[[], T], sent_once: bool, remedies: Mapping[int, str]
    ) -> T:
        import requests

        self.deadline.check(action)  # nothing is sent yet
        try:
            return self.deadline.run_within(action, partial(telling_setup, action, work))
        except NetworkError as error:  # the deadline, or this machine's settings
            lost = sent_once and not error.lasting
            raise _unknown(str(error)) if lost else error from None
        except requests.HTTPError as error:
            raise self._status_error(action, error, sent_once, remedies) from None
        except requests.JSONDecodeError:
            problem = f"{action}: Kaggle's answer is not JSON"
            raise _unknown(problem) if sent_once else NetworkError(problem) from None
        except requests.RequestException as error:
            problem = f"{action}: {failure_reason(error, TIMEOUT_S[1])}"
            if sent_once and not is_unsent(error):
                raise _unknown(problem) from None
            raise NetworkError(f"{problem}; check the connection and try again") from None
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            problem = f"{action}: Kaggle's answer cannot be read ({type(error).__name__})"
            raise _unknown(problem) if sent_once else AnswerError(problem) from None

    def _status_error(
        self, action: str, error: requests.HTTPError, sent_once: bool, remedies: Mapping[int, str]
    ) -> Exception:
        """The error to raise for an HTTP error status."""
        response = error.response
        assert response is not None
        status = status_of(response)
        text = self.credentials.redact(error_text(response))
        problem = f"{action}: Kaggle answered {status}" + (f", '{text}'" if text else "")
        if sent_once and status not in _NOT_DONE_STATUSES:
            return _unknown(problem)
        if status == 429:
            after = retry_after(response)
            wait = f"wait {after:.0f} s" if after is not None else "wait a few minutes"
            kind = RefusedError if sent_once else NetworkError
            too_many = kind(f"{problem}: too many requests, {wait} and try again")
            if isinstance(too_many, NetworkError):
                too_many.retry_after = after
            return too_many
        if status in _RETRY_STATUSES:
            later = NetworkError(f"{problem}: try again later")
            later.retry_after = retry_after(response)
            return later
        advice = remedies.get(status) or remedy(status, self.slug, self.credentials)
        refused = RefusedError(f"{problem}: {advice}")
        refused.status = status
        return refused


@contextmanager
def connect(
    deadline: Deadline, slug: str = "", credentials: Credentials | None = None
) -> Iterator[Kaggle]:
    """Open a client with the given credentials, by default the active ones.

    Raises:
        RefusedError: there are no credentials, or the OAuth sign-in has expired.
        NetworkError: the OAuth sign-in cannot be renewed.
    """
    found = credentials or active_credentials()
    with _client(found) as sdk:
        kaggle = Kaggle(sdk, found, deadline, slug)
        if found.kind != "oauth":
            yield kaggle
            return
        token = kaggle.with_retries("renewing the credentials", lambda: _oauth_token(sdk))
    renewed = Credentials("oauth", found.source, found.username, token)
    with _client(renewed) as sdk:
        yield Kaggle(sdk, renewed, deadline, slug)


def _client(credentials: Credentials) -> KaggleClient:
    """Kaggle's client with these credentials and default timeouts.

    The SDK has no settings for them, so this uses the private `_init_session` and `_session` of its
    `KaggleHttpClient`. An empty token keeps the SDK from searching for credentials itself, and from
    failing on files that it cannot read.
    """
    from kagglesdk import KaggleClient

    client = KaggleClient(user_agent=_user_agent(), api_token="")
    http = client.http_client()
    http._init_session()
    http._session.auth = _authorize(credentials)
    http._session.rebuild_auth = partial(_strip_credentials, http._session)
    mount_timeouts(http._session)
    return client


def _authorize(credentials: Credentials) -> Any:
    if credentials.kind == "key":
        return credentials.username, credentials.secret

    def bearer(request: Any) -> Any:
        if credentials.secret:
            request.headers["Authorization"] = f"Bearer {credentials.secret}"
        return request

    return bearer


def _strip_credentials(session: requests.Session, request: Any, response: Any) -> None:
    """Send no credentials to another host. Without this, requests adds those of a .netrc file."""
    if session.should_strip_auth(response.request.url, request.url):
        request.headers.pop("Authorization", None)


def _oauth_token(sdk: KaggleClient) -> str:
    """The access token of credentials.json; the SDK renews an expired one."""
    from kagglesdk.kaggle_creds import KaggleCredentials

    stored = KaggleCredentials.load(client=sdk)
    token = stored.get_access_token() if stored else None
    if not token:
        raise RefusedError("the OAuth credentials have no token: run 'kaggle auth login' again")
    return str(token)


def storage_session() -> requests.Session:
    """A session for Kaggle's storage, with timeouts and without credentials."""
    import requests

    session = requests.Session()
    session.auth = lambda request: request  # else requests reads .netrc
    session.headers["User-Agent"] = _user_agent()
    mount_timeouts(session)
    return session


def mount_timeouts(session: requests.Session) -> None:
    """Set `TIMEOUT_S` for every request of a session that sets no timeout."""
    from requests.adapters import HTTPAdapter

    class TimeoutAdapter(HTTPAdapter):
        """An adapter with default timeouts."""

        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            kwargs["timeout"] = kwargs.get("timeout") or TIMEOUT_S
            return super().send(request, *args, **kwargs)

    for scheme in ("http://", "https://"):
        session.mount(scheme, TimeoutAdapter())


def _user_agent() -> str:
    from comp import __version__

    return f"comp/{__version__}"


def _unknown(problem: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(f"{problem}; it is unknown whether Kaggle did it")


def _retry_delay(attempt: int, retry_after: float | None) -> float | None:
    """Seconds before the next attempt; None if the server asks for more than `LONGEST_WAIT_S`."""
    if retry_after is not None:
        return retry_after if retry_after <= LONGEST_WAIT_S else None
    return min(16.0, 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)
