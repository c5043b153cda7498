"""Kaggle's SDK with timeouts, a deadline, safe retries, and errors in plain words."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from comp.errors import AnswerError, NetworkError, RefusedError, UnknownOutcomeError
from comp.kaggle.client.credentials import HOW, Credentials, every, first
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.responses import never_sent, reason_of, retry_after, said_by

if TYPE_CHECKING:
    import requests
    from kagglesdk import KaggleClient

T = TypeVar("T")
R = TypeVar("R")

TIMEOUT_S = (10.0, 30.0)
"""Seconds to wait for a connection, and for the next bytes of an answer."""
ATTEMPTS = 4
LONGEST_WAIT_S = 60.0
"""A Retry-After beyond this is not slept through."""
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_SURE = frozenset({400, 401, 403, 404, 429})
"""Statuses with which a request was surely not carried out."""


@dataclass(frozen=True)
class Kaggle:
    """An open client: `sdk` for the calls, and `session` with its timeouts for everything else."""

    sdk: KaggleClient
    credentials: Credentials
    deadline: Deadline
    slug: str = ""
    """The competition or data set that is asked for, for messages."""

    @property
    def competitions(self) -> Any:
        """The SDK's client of competitions."""
        return self.sdk.competitions.competition_api_client

    @property
    def datasets(self) -> Any:
        """The SDK's client of data sets."""
        return self.sdk.datasets.dataset_api_client

    def call(
        self,
        doing: str,
        method: Callable[[R], T],
        request: R,
        *,
        again: bool = True,
    ) -> T:
        """Call a method of the SDK.

        Args:
            doing: what is being done, for messages: "asking for the quota".
            again: whether the call may be repeated after a failure; where not, it is sent once.

        Raises:
            RefusedError: Kaggle said no.
            NetworkError: no answer, or an answer that means "later", after all attempts.
            AnswerError: an answer that cannot be read.
            UnknownOutcomeError: without `again`, when it is not known whether Kaggle has done it.
        """
        return self.repeat(doing, lambda: method(request), again=again)

    def raw(self, doing: str, service: str, method: str, request: Any) -> dict[str, Any]:
        """The JSON object of an answer as it came, for the SDK's own reading fails as a whole where
        one status in it is new to it. Raises as `call` does."""
        http = self.sdk.http_client()
        return self.repeat(doing, lambda: http.call(service, method, request, _Json))

    def repeat(self, doing: str, work: Callable[[], T], *, again: bool = True) -> T:
        """Do `work`, a request of any kind, as `call` does."""
        attempts = ATTEMPTS if again else 1
        for attempt in range(1, attempts + 1):
            try:
                return self._once(doing, work, sent_once=not again)
            except NetworkError as error:
                wait = _pause(attempt, error.retry_after)
                if attempt == attempts or wait is None or wait >= self.deadline.left:
                    raise
                self.deadline.sleep(wait)
        raise AssertionError("unreachable")

    def _once(self, doing: str, work: Callable[[], T], sent_once: bool) -> T:
        import requests

        self.deadline.check(doing)  # nothing is sent yet
        try:
            return self.deadline.within(doing, work)
        except NetworkError as error:  # the deadline
            raise _unknown(str(error)) if sent_once else error from None
        except requests.HTTPError as error:
            raise self._said_no(doing, error, sent_once) from None
        except requests.JSONDecodeError:
            problem = f"{doing}: Kaggle's answer is no JSON"
            raise _unknown(problem) if sent_once else NetworkError(problem) from None
        except requests.RequestException as error:
            words = f"{doing}: {reason_of(error, TIMEOUT_S[1])}"
            if sent_once and not never_sent(error):
                raise _unknown(words) from None
            raise NetworkError(f"{words}; look at the connection and try again") from None
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            words = f"{doing}: Kaggle's answer cannot be understood ({type(error).__name__})"
            raise _unknown(words) if sent_once else AnswerError(words) from None

    def _said_no(self, doing: str, error: requests.HTTPError, sent_once: bool) -> Exception:
        """What an HTTP status means; the answer stands in `error.response`."""
        response = error.response
        assert response is not None
        status = _status(response)
        said = self.credentials.scrub(said_by(response))
        words = f"{doing}: Kaggle answered {status}" + (f", '{said}'" if said else "")
        if sent_once and status not in _SURE:
            return _unknown(words)
        if status == 429:
            after = retry_after(response)
            wait = f"wait {after:.0f} s" if after is not None else "wait a few minutes"
            kind = RefusedError if sent_once else NetworkError
            made = kind(f"{words}: too many requests, {wait} and try again")
            if isinstance(made, NetworkError):
                made.retry_after = after
            return made
        if status in _AGAIN:
            made = NetworkError(f"{words}: try again later")
            made.retry_after = retry_after(response)
            return made
        refused = RefusedError(f"{words}: {self._remedy(status)}")
        refused.status = status
        return refused

    def _remedy(self, status: int) -> str:
        slug = self.slug.split("/")[-1] or "<competition>"
        if status == 401:
            others = [found.source for found in every()[1:]]
            also = f" (an expired one goes before {', '.join(others)}: remove it)" if others else ""
            return f"the credentials from {self.credentials.source} are not valid{also}; {HOW}"
        if status == 403 and "/" in self.slug:
            return (
                f"look at https://www.kaggle.com/datasets/{self.slug}: it may be private, or have "
                "terms to agree to with the account of these credentials"
            )
        if status == 403:
            return (
                f"accept the rules at https://www.kaggle.com/competitions/{slug}/rules with the "
                "account of these credentials; other causes are a mistyped name and an account "
                "whose phone number is not verified"
            )
        if status == 404:
            return f"there is nothing named '{self.slug or slug}': look at the spelling"
        return "mend what it says and try again"


def _status(response: requests.Response) -> int:
    """The status of an answer, which the SDK also takes from its body's `code`."""
    status = response.status_code
    try:
        code = response.json().get("code") if status < 400 else None
    except (ValueError, AttributeError):
        code = None
    return code if isinstance(code, int) else status


class _Json:
    """The type of an answer that is to stay JSON."""

    @classmethod
    def prepare_from(cls, response: requests.Response) -> dict[str, Any]:
        answer = response.json()
        if not isinstance(answer, dict):
            raise TypeError(f"a JSON object was expected, not {type(answer).__name__}")
        return answer


@contextmanager
def connect(
    deadline: Deadline, slug: str = "", credentials: Credentials | None = None
) -> Iterator[Kaggle]:
    """Open a client with the first credentials that there are, or those given.

    Raises:
        RefusedError: no credentials, or OAuth ones that have expired.
        NetworkError: OAuth ones that cannot be renewed.
    """
    found = credentials or first()
    with _client(found) as sdk:
        kaggle = Kaggle(sdk, found, deadline, slug)
        if found.kind != "oauth":
            yield kaggle
            return
        token = kaggle.repeat("renewing the credentials", lambda: _oauth_token(sdk))
    renewed = Credentials("oauth", found.source, found.username, token)
    with _client(renewed) as sdk:
        yield Kaggle(sdk, renewed, deadline, slug)


def _client(credentials: Credentials) -> KaggleClient:
    """Kaggle's client, signed in with these credentials, its session with default timeouts.

    The SDK has no setting for either, so this leans on `_init_session` and `_session` of its
    `KaggleHttpClient`; tests/remote/test_client.py has the canary. An empty token keeps the SDK
    from looking for credentials itself, and from stumbling over files that it cannot read.
    """
    from kagglesdk import KaggleClient

    client = KaggleClient(user_agent=_agent(), api_token="")
    http = client.http_client()
    http._init_session()
    http._session.auth = _authorize(credentials)
    http._session.rebuild_auth = partial(_redirect, http._session)
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


def _redirect(session: requests.Session, request: Any, response: Any) -> None:
    """Let no credentials go along to another host; requests would add those of a .netrc."""
    if session.should_strip_auth(response.request.url, request.url):
        request.headers.pop("Authorization", None)


def _oauth_token(sdk: KaggleClient) -> str:
    """The access token of credentials.json, renewed by the SDK where it has expired."""
    from kagglesdk.kaggle_creds import KaggleCredentials

    held = KaggleCredentials.load(client=sdk)
    token = held.get_access_token() if held else None
    if not token:
        raise RefusedError("the OAuth credentials have no token: run 'kaggle auth login' again")
    return str(token)


def storage_session() -> requests.Session:
    """A session for Kaggle's storage: with timeouts, and without any credentials."""
    import requests

    made = requests.Session()
    made.auth = lambda request: request  # else netrc is asked
    made.headers["User-Agent"] = _agent()
    mount_timeouts(made)
    return made


def mount_timeouts(session: requests.Session) -> None:
    """Give every request of a session that has none the timeouts `TIMEOUT_S`."""
    from requests.adapters import HTTPAdapter

    class Timed(HTTPAdapter):
        """An adapter with default timeouts."""

        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            kwargs["timeout"] = kwargs.get("timeout") or TIMEOUT_S
            return super().send(request, *args, **kwargs)

    for scheme in ("http://", "https://"):
        session.mount(scheme, Timed())


def _agent() -> str:
    from comp import __version__

    return f"comp/{__version__}"


def _unknown(words: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(f"{words}; it is not known whether it was done")


def _pause(attempt: int, retry_after: float | None) -> float | None:
    """Seconds before the next attempt; None where the server asks for more than we would wait."""
    if retry_after is not None:
        return retry_after if retry_after <= LONGEST_WAIT_S else None
    return min(16.0, 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)
