"""Kaggle's own client in our hands: what is sent how often, and what a failure says."""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import BASE, KEY, TOKEN, USER, Contest, KaggleServer
from kagglesdk import KaggleClient
from kagglesdk.common.types.file_download import FileDownload
from kagglesdk.competitions.types.competition_api_service import (
    ApiDownloadLeaderboardRequest,
    ApiGetSubmissionLimitsRequest,
    ApiListSubmissionsRequest,
)
from kagglesdk.kaggle_creds import KaggleCredentials
from kagglesdk.kaggle_http_client import KaggleHttpClient
from short_limits import impatient_once, in_time

from comp import __version__
from comp.errors import AnswerError, NetworkError, RefusedError, UnknownOutcomeError
from comp.kaggle.client import session as client
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.session import Kaggle, connect, storage_session

LIMITS = "GetSubmissionLimits"
AT_ONCE = {"Retry-After": "0"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    place.mkdir()
    return place


@pytest.fixture
def server() -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        running.contests["pages"] = Contest(leaderboard=[("Ada", "0.1")])
        yield running


@pytest.fixture
def enter(server: KaggleServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the variables with which Kaggle's client speaks to the server."""

    def set_variables(credentials: Any = "token", **more: str) -> None:
        variables = server.environment(home, credentials) | more
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


@pytest.fixture
def kaggle(enter: Callable[..., None]) -> Iterator[Kaggle]:
    enter()
    with connect(Deadline(300), "pages") as run_started:
        yield run_started


def limits(kaggle: Kaggle, *, repeatable: bool = True) -> Any:
    request = ApiGetSubmissionLimitsRequest()
    request.competition_name = "pages"
    return kaggle.call(
        "asking for the quota",
        kaggle.competitions.get_submission_limits,
        request,
        repeatable=repeatable,
    )


def short(kaggle: Kaggle, seconds: float) -> Kaggle:
    """The same client with so many seconds left."""
    return Kaggle(kaggle.sdk, kaggle.credentials, Deadline(seconds), kaggle.slug)


def http_date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def test_a_call_is_sent_once_and_answered(kaggle: Kaggle, server: KaggleServer) -> None:
    assert limits(kaggle).num_allowed_now == 5
    (seen,) = server.requests
    assert (seen.name, seen.body) == (LIMITS, {"competitionName": "pages"})
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["User-Agent"] == f"comp/{__version__}"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"code": 400, "message": "No such column"}, "'No such column': correct that"),
        (401, {"code": 401, "message": "Unauthenticated"}, "from KAGGLE_API_TOKEN are not valid"),
        (403, {"error": {"message": "rules"}}, "'rules': accept the rules at https://www.kaggle"),
        (403, "<html>Forbidden</html>", "/competitions/pages/rules with the account"),
        (404, "Not\nhere", "'Not here': Kaggle has nothing named 'pages'"),
        (409, ["odd"], "Kaggle answered 409, '[\"odd\"]': correct"),
    ],
)
def test_a_refusal_is_not_repeated_and_says_what_to_do(
    kaggle: Kaggle, server: KaggleServer, status: int, body: Any, words: str
) -> None:
    page = {"Content-Type": "text/html"} if "<" in body else {}
    server.fail(LIMITS, "status", status=status, body=body, headers=page, times=9)
    with pytest.raises(RefusedError) as caught:
        limits(kaggle)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"asking for the quota: Kaggle answered {status}")
    assert "<html>" not in str(caught.value)
    assert caught.value.exit_code == 3
    assert server.count(LIMITS) == 1


def test_a_refusal_within_an_answer_of_200_is_a_refusal(
    kaggle: Kaggle, server: KaggleServer
) -> None:
    server.fail(LIMITS, "status", status=200, body={"code": 403, "message": "no entry"})
    with pytest.raises(RefusedError, match="no entry"):
        limits(kaggle)


def test_401_names_the_credentials_behind_it(
    enter: Callable[..., None], server: KaggleServer
) -> None:
    enter("json", KAGGLE_API_TOKEN="KGAT_expired")
    with connect(Deadline(300), "pages") as kaggle, pytest.raises(RefusedError) as caught:
        limits(kaggle)
    assert "KAGGLE_API_TOKEN are not valid" in str(caught.value)
    assert "they come before ~/.kaggle/kaggle.json: remove them" in str(caught.value)
    assert "KGAT_expired" not in str(caught.value)
    assert server.count(LIMITS) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_later_is_tried_again_four_times_in_all(
    kaggle: Kaggle, server: KaggleServer, status: int
) -> None:
    server.fail(LIMITS, "status", status=status, headers=AT_ONCE, times=9)
    with pytest.raises(NetworkError, match=f"Kaggle answered {status}") as caught:
        limits(kaggle)
    assert caught.value.exit_code == 4
    assert not isinstance(caught.value, UnknownOutcomeError)
    assert server.count(LIMITS) == 4


def test_it_goes_on_once_the_server_recovers(kaggle: Kaggle, server: KaggleServer) -> None:
    server.fail(LIMITS, "status", status=503, headers=AT_ONCE, times=3)
    assert limits(kaggle).num_allowed_now == 5
    assert server.count(LIMITS) == 4


@pytest.mark.parametrize("kind", ["drop", "garbage"])
def test_a_broken_answer_is_asked_for_again_after_a_pause(
    kaggle: Kaggle, server: KaggleServer, waits: list[float], kind: str
) -> None:
    server.fail(LIMITS, kind)
    assert limits(kaggle).num_allowed_now == 5
    assert server.count(LIMITS) == 2
    (wait,) = waits
    assert 0.5 <= wait <= 1


def test_a_page_is_no_answer_and_not_asked_for_again(kaggle: Kaggle, server: KaggleServer) -> None:
    server.fail(LIMITS, "html")
    with pytest.raises(AnswerError, match="cannot be read"):
        limits(kaggle)
    assert server.count(LIMITS) == 1


@pytest.mark.parametrize(
    ("after", "wait"),
    [("1.3", 1.3), (http_date(-9), 0)],
    ids=["seconds", "date"],  # the same in every process of pytest-xdist
)
def test_retry_after_is_heeded_as_seconds_and_as_a_date(
    kaggle: Kaggle, server: KaggleServer, waits: list[float], after: str, wait: float
) -> None:
    server.fail(LIMITS, "status", status=429, headers={"Retry-After": after})
    assert limits(kaggle).num_allowed_now == 5
    assert waits == [wait]


@pytest.mark.parametrize("date", [False, True])
def test_a_long_retry_after_is_told_and_not_slept_through(
    kaggle: Kaggle, server: KaggleServer, waits: list[float], date: bool
) -> None:
    after = http_date(3600) if date else "3600"
    server.fail(LIMITS, "status", status=429, headers={"Retry-After": after}, times=9)
    with pytest.raises(NetworkError, match=r"wait 3(600|5\d\d) s and try again") as caught:
        limits(kaggle)
    assert caught.value.retry_after == pytest.approx(3600, abs=100)
    assert (server.count(LIMITS), waits) == (1, [])


def test_no_wait_is_longer_than_we_would_wait(
    kaggle: Kaggle, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LONGEST_WAIT_S", 1.0)
    server.fail(LIMITS, "status", status=503, headers={"Retry-After": "2"})
    with pytest.raises(NetworkError, match="503"):
        limits(kaggle)
    assert server.count(LIMITS) == 1


def test_a_retry_after_that_is_none_is_passed_over(
    kaggle: Kaggle, server: KaggleServer, waits: list[float]
) -> None:
    server.fail(LIMITS, "status", status=503, headers={"Retry-After": "soon"})
    assert limits(kaggle).num_allowed_now == 5
    (wait,) = waits
    assert 0.5 <= wait <= 1


def test_429_without_retry_after_says_to_wait(
    kaggle: Kaggle, server: KaggleServer, waits: list[float]
) -> None:
    server.fail(LIMITS, "status", status=429, times=9)
    with pytest.raises(NetworkError, match="wait a few minutes and try again"):
        limits(kaggle)
    assert len(waits) == 3


def test_a_wait_beyond_the_deadline_is_not_begun(
    kaggle: Kaggle, server: KaggleServer, waits: list[float]
) -> None:
    server.fail(LIMITS, "status", status=503, headers={"Retry-After": "50"}, times=9)
    with pytest.raises(NetworkError, match="503"):
        limits(short(kaggle, 45))
    assert (server.count(LIMITS), waits) == (1, [])


def test_a_call_that_is_never_answered_ends_by_the_deadline(
    kaggle: Kaggle, server: KaggleServer
) -> None:
    server.fail(LIMITS, "hang", times=9)
    with pytest.raises(NetworkError, match=r"not done within 0.3 s.*--timeout"):
        limits(short(kaggle, 0.3))


def test_a_call_that_is_never_answered_is_tried_again_after_the_read_timeout(
    kaggle: Kaggle, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fail(LIMITS, "hang")
    impatient_once(monkeypatch)
    assert limits(kaggle).num_allowed_now == 5
    assert server.count(LIMITS) == 2
    monkeypatch.setattr(client, "TIMEOUT_S", (300.0, 0.1))
    monkeypatch.setattr(Deadline, "sleep", lambda *_: None)
    server.fail(LIMITS, "hang", times=9)
    with pytest.raises(NetworkError, match=r"no answer within 0\.1 s; check the connection"):
        limits(kaggle)
    assert server.count(LIMITS) == 2 + 4


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop"},
        {"kind": "html"},
        {"kind": "garbage"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503, "headers": AT_ONCE},
        {"kind": "hang"},
    ],
    ids=lambda fault: fault.get("status", fault["kind"]),
)
def test_what_must_not_be_repeated_is_sent_once_and_its_outcome_is_unknown(
    kaggle: Kaggle, server: KaggleServer, fault: dict[str, Any]
) -> None:
    server.fail(LIMITS, **fault, done=True, times=9)
    hangs = fault["kind"] == "hang"

    def sent_once(limit_s: float) -> NetworkError:
        with pytest.raises(NetworkError) as caught:
            limits(short(kaggle, limit_s if hangs else 300), repeatable=False)
        return caught.value

    _, error = in_time(sent_once, lambda: server.count(LIMITS) > 0)
    assert isinstance(error, UnknownOutcomeError)
    assert "it is unknown whether Kaggle did it" in str(error)
    assert error.exit_code == 4
    assert server.count(LIMITS) == 1


def test_an_outcome_after_the_read_timeout_is_unknown(
    kaggle: Kaggle, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TIMEOUT_S", (300.0, 0.2))
    server.fail(LIMITS, "hang", times=9)
    with pytest.raises(UnknownOutcomeError, match="no answer within"):
        limits(kaggle, repeatable=False)
    assert server.count(LIMITS) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
def test_a_refusal_of_what_is_sent_once_is_certain(
    kaggle: Kaggle, server: KaggleServer, status: int
) -> None:
    server.fail(LIMITS, "status", status=status, headers=AT_ONCE, times=9)
    with pytest.raises(RefusedError, match=f"Kaggle answered {status}"):
        limits(kaggle, repeatable=False)
    assert server.count(LIMITS) == 1


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_without_a_connection_nothing_was_sent(
    enter: Callable[..., None], waits: list[float]
) -> None:
    nobody = f"http://127.0.0.1:{closed_port()}"
    enter(HTTP_PROXY=nobody, http_proxy=nobody)
    with connect(Deadline(300), "pages") as kaggle:
        with pytest.raises(NetworkError, match="no connection to Kaggle") as caught:
            limits(kaggle, repeatable=False)
        assert not isinstance(caught.value, UnknownOutcomeError)
        with pytest.raises(NetworkError, match="no connection to Kaggle; check the connection"):
            limits(kaggle)
    assert len(waits) == 3


def test_without_a_proxy_no_connection_is_seen_as_well(enter: Callable[..., None]) -> None:
    enter(NO_PROXY="127.0.0.1")
    address = f"http://127.0.0.1:{closed_port()}/x?signature=verysecret"
    with (
        connect(Deadline(300), "pages") as kaggle,
        storage_session() as storage,
        pytest.raises(NetworkError) as caught,
    ):
        kaggle.with_retries("uploading", lambda: storage.get(address), repeatable=False)
    assert not isinstance(caught.value, UnknownOutcomeError)
    assert "verysecret" not in str(caught.value)


def test_after_the_deadline_nothing_is_sent_and_that_is_known(
    kaggle: Kaggle, server: KaggleServer
) -> None:
    late = short(kaggle, 0.0)
    for again in (True, False):
        with pytest.raises(NetworkError) as caught:
            limits(late, repeatable=again)
        assert not isinstance(caught.value, UnknownOutcomeError)
    assert server.requests == []


@pytest.mark.parametrize(("credentials", "secret"), [("token", TOKEN), ("key", KEY)])
def test_a_secret_that_the_server_repeats_is_not_passed_on(
    enter: Callable[..., None], server: KaggleServer, credentials: str, secret: str
) -> None:
    enter(credentials)
    server.fail(LIMITS, "status", status=400, body=f"who is {secret} anyway")
    with connect(Deadline(300), "pages") as kaggle, pytest.raises(RefusedError) as caught:
        limits(kaggle)
    assert "who is *** anyway" in str(caught.value)
    assert secret not in repr(kaggle) + str(caught.value)


@pytest.mark.parametrize(
    "fault", [{"kind": "drop"}, {"kind": "status", "status": 403}, {"kind": "cut", "at": 9}]
)
def test_no_message_holds_a_signed_address(
    kaggle: Kaggle, server: KaggleServer, waits: list[float], fault: dict[str, Any]
) -> None:
    server.fail("GET", **fault, times=9)
    request = ApiDownloadLeaderboardRequest()
    request.competition_name = "pages"
    download = kaggle.competitions.download_leaderboard
    with pytest.raises((NetworkError, RefusedError)) as caught:
        kaggle.with_retries("fetching", lambda: download(request).content)
    assert server.count("GET") >= 1
    assert "verysecret" not in str(caught.value)
    assert "/storage/" not in str(caught.value)


def test_an_answer_as_it_came_may_hold_what_the_sdk_does_not_know(
    kaggle: Kaggle, server: KaggleServer
) -> None:
    server.contests["pages"].submissions = [
        {"ref": 7, "date": "", "description": "", "fileName": "", "data": b"", "polls": 0}
    ]
    server.contests["pages"].status = "ON_THE_MOON"
    request = ApiListSubmissionsRequest()
    request.competition_name = "pages"
    service = "competitions.CompetitionApiService"
    answer = kaggle.call_json("looking", service, "ListSubmissions", request)
    assert answer["submissions"][0]["status"] == "ON_THE_MOON"
    with pytest.raises(AnswerError, match="cannot be read"):
        kaggle.call("looking", kaggle.competitions.list_submissions, request)


@pytest.mark.parametrize("credentials", ["token", "key", "file", "json"])
def test_every_kind_of_credentials_signs_the_requests(
    enter: Callable[..., None], server: KaggleServer, home: Path, credentials: str
) -> None:
    enter(credentials)
    before = sorted(home.rglob("*"))
    with connect(Deadline(300), "pages") as kaggle:
        assert limits(kaggle).num_allowed_now == 5
    basic = base64.b64encode(f"{USER}:{KEY}".encode()).decode()
    bearer = credentials in ("token", "file")
    expected = f"Bearer {TOKEN}" if bearer else f"Basic {basic}"
    assert server.requests[0].headers["Authorization"] == expected
    assert sorted(home.rglob("*")) == before


def test_without_credentials_it_says_how_to_get_some(
    enter: Callable[..., None], server: KaggleServer
) -> None:
    enter("none")
    with pytest.raises(RefusedError, match="KAGGLE_API_TOKEN") as caught, connect(Deadline(300)):
        pass
    assert "'comp login'" in str(caught.value)
    assert server.requests == []


def test_odd_files_in_the_home_folder_do_no_harm(
    enter: Callable[..., None], server: KaggleServer, home: Path
) -> None:
    """Left to itself the SDK would read these files, and stumble over each."""
    enter("key")
    (home / ".kaggle").mkdir()
    (home / ".kaggle" / "kaggle.json").write_text("[]")
    (home / ".kaggle" / "access_token").write_bytes(b"\xff\xfe")
    with connect(Deadline(300), "pages") as kaggle:
        assert limits(kaggle).num_allowed_now == 5
    assert server.requests[0].headers["Authorization"].startswith("Basic ")


def test_a_token_may_be_longer_than_the_name_of_a_file(
    enter: Callable[..., None], server: KaggleServer
) -> None:
    token = "KGAT_" + "x" * 3000
    server.tokens[token] = USER
    enter(KAGGLE_API_TOKEN=token)
    with connect(Deadline(300), "pages") as kaggle:
        assert limits(kaggle).num_allowed_now == 5


class Renewing(KaggleServer):
    """It renews the tokens of OAuth, which is asked for without any credentials."""

    def user_of(self, authorization: str) -> str | None:
        return super().user_of(authorization) if authorization else "somebody"

    def do_GenerateAccessToken(self, body: Any) -> tuple[int, Any]:  # noqa: N802
        if body["refreshToken"] != "refresh-secret":
            return 401, {"code": 401, "message": "Unauthenticated"}
        return 200, {"token": TOKEN, "expiresIn": 3600}


def oauth(home: Path, refresh: str, access: str, expires: datetime) -> Path:
    """Write the file that `kaggle auth login` leaves."""
    held = {
        "refresh_token": refresh,
        "access_token": access,
        "access_token_expiration": expires.isoformat(),
        "username": USER,
        "scopes": ["resources.admin:*"],
    }
    place = home / ".kaggle" / "credentials.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(held))
    return place


def test_oauth_credentials_are_used_as_they_are(
    enter: Callable[..., None], server: KaggleServer, home: Path
) -> None:
    enter("none")
    oauth(home, "refresh-secret", TOKEN, datetime.now(UTC) + timedelta(hours=2))
    with connect(Deadline(300), "pages") as kaggle:
        assert limits(kaggle).num_allowed_now == 5
    assert [seen.name for seen in server.requests] == [LIMITS]
    assert server.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_expired_oauth_credentials_are_renewed_or_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = datetime.now(UTC) - timedelta(hours=2)
    with Renewing() as server:
        server.contests["pages"] = Contest()
        for name, value in server.environment(home, "none").items():
            monkeypatch.setenv(name, value)
        place = oauth(home, "refresh-secret", "old", past)
        with connect(Deadline(300), "pages") as kaggle:
            assert limits(kaggle).num_allowed_now == 5
        assert [seen.name for seen in server.requests] == ["GenerateAccessToken", LIMITS]
        assert json.loads(place.read_text())["access_token"] == TOKEN
        oauth(home, "revoked-secret", "old", past)
        with pytest.raises(RefusedError) as caught, connect(Deadline(300), "pages"):
            pass
    assert "~/.kaggle/credentials.json are not valid" in str(caught.value)


def test_storage_gets_no_credentials(
    enter: Callable[..., None], server: KaggleServer, home: Path
) -> None:
    """Neither ours, nor those of a .netrc, which requests would add by itself."""
    enter()
    (home / ".netrc").write_text("default login somebody password leaked\n")
    server.store("some.bin", b"1234")
    with storage_session() as session:
        assert session.get(f"{BASE}/storage/some.bin").content == b"1234"
    assert "Authorization" not in server.requests[0].headers


def test_a_redirection_to_storage_takes_nothing_from_netrc(
    kaggle: Kaggle, server: KaggleServer, home: Path
) -> None:
    (home / ".netrc").write_text("default login somebody password leaked\n")
    request = ApiDownloadLeaderboardRequest()
    request.competition_name = "pages"
    with kaggle.competitions.download_leaderboard(request) as answer:
        assert answer.content.startswith(b"PK")
    get = server.requests[-1]
    assert get.name == "GET"
    assert "Basic" not in get.headers.get("Authorization", "")


def test_a_session_for_storage_does_not_wait_for_ever(
    enter: Callable[..., None], server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    enter()
    monkeypatch.setattr(client, "TIMEOUT_S", (300.0, 0.2))
    server.fail("GET", "hang")
    with storage_session() as session, pytest.raises(requests.ReadTimeout):
        session.get(f"{BASE}/storage/some.bin")


def test_the_sdk_has_what_we_lean_on(enter: Callable[..., None], home: Path) -> None:
    """A canary: each of these is private, or a habit that no document promises."""
    enter("json", KAGGLE_API_TOKEN="from-the-environment")
    with KaggleClient(user_agent="canary", api_token="") as sdk:
        http = sdk.http_client()
        assert isinstance(http, KaggleHttpClient)
        http._init_session()
        session = http._session
        http._init_session()
        assert http._session is session, "a second call makes another session"
        assert session.headers["User-Agent"] == "canary"
        assert session.auth.token == "", "a given token does not keep others out"
        assert session.get_adapter("http://localhost") is not None
    answer = object()
    assert FileDownload.prepare_from(answer) is answer
    with KaggleClient(api_token="") as sdk:
        assert KaggleCredentials.load(client=sdk) is None
        oauth(home, "refresh-secret", TOKEN, datetime.now(UTC) + timedelta(hours=2))
        held = KaggleCredentials.load(client=sdk)
        assert held is not None
        assert (held.get_access_token(), held.get_username()) == (TOKEN, USER)
    assert KaggleCredentials.DEFAULT_CREDENTIALS_FILE == "~/.kaggle/credentials.json"


def test_the_sdk_asks_the_type_of_an_answer_to_read_it(kaggle: Kaggle) -> None:
    """A canary for `Kaggle.raw`."""

    class Raw:
        @classmethod
        def prepare_from(cls, response: Any) -> Any:
            return response.json()["numTotal"]

    request = ApiGetSubmissionLimitsRequest()
    request.competition_name = "pages"
    http = kaggle.sdk.http_client()
    assert http.call("competitions.CompetitionApiService", LIMITS, request, Raw) == 0
