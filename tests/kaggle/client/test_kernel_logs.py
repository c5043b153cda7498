"""Logs of kernels: stored ones, and those of sessions that still run."""

from __future__ import annotations

import json

import pytest
from kaggle_kernel_sessions import stored_log
from kaggle_kernels import KernelResult
from kaggle_server import TOKEN, USER, KaggleServer

from comp.errors import RefusedError
from comp.kaggle.client import kernel_logs
from comp.kaggle.client.kernel_logs import plain_log, running_log
from comp.kaggle.client.kernel_sessions import session_log, session_status
from comp.kaggle.client.kernels import KernelSpec, push_kernel
from comp.kaggle.client.session import Kaggle

SLUG = "comp-pages"
SPEC = KernelSpec(owner=USER, slug=SLUG, title="comp pages", text="print(1)")
LINES = [("stdout", "found 3 images\n"), ("stderr", "Traceback:\n  KeyError: 'x'\n")]
PLAIN = "found 3 images\nTraceback:\n  KeyError: 'x'\n"


def start(server: KaggleServer, kaggle: Kaggle, result: KernelResult) -> int:
    """Push a kernel that ends so; returns its version."""
    server.kernels.run = lambda _run: result
    server.sessions.queued = server.sessions.running = 0
    version = push_kernel(kaggle, SPEC).version
    list(server.sessions.made.values())[-1].done.wait(60)
    return version


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_logs, "SILENCE_S", 0.3)


@pytest.mark.parametrize(
    "stored",
    [
        stored_log(KernelResult(log=LINES)),
        json.dumps([{"stream_name": s, "time": 1, "data": text} for s, text in LINES]),
        "\n".join(json.dumps({"stream_name": s, "data": text}) for s, text in LINES),
        stored_log(KernelResult(log=LINES)).removesuffix("\n]"),  # cut off
        PLAIN,
    ],
)
def test_a_log_is_plain_text_in_order(stored: str) -> None:
    assert plain_log(stored) == PLAIN


def test_text_that_looks_like_a_log_stays_as_it_is() -> None:
    assert plain_log("[INFO] hello\n{'data'}\n") == "[INFO] hello\n{'data'}\n"
    assert plain_log("") == ""


def test_the_log_of_a_session_that_has_ended(server: KaggleServer, kaggle: Kaggle) -> None:
    version = start(server, kaggle, KernelResult("error", LINES))
    assert session_log(kaggle, USER, SLUG, version) == PLAIN
    assert server.count("LogStream") == 0
    assert running_log(kaggle, USER, SLUG, version) == PLAIN


def test_the_log_of_a_running_session_so_far(server: KaggleServer, kaggle: Kaggle) -> None:
    version = start(server, kaggle, KernelResult("running", LINES))
    assert session_log(kaggle, USER, SLUG, version) == PLAIN
    assert server.count("LogStream") >= 1


def test_a_queued_session_has_no_log(server: KaggleServer, kaggle: Kaggle) -> None:
    server.sessions.queued = 9
    version = push_kernel(kaggle, SPEC).version
    assert session_log(kaggle, USER, SLUG, version) == ""
    assert session_status(kaggle, USER, SLUG, version).state == "queued"
    assert server.count("LogStream") == 0


def test_a_session_that_has_just_started_has_no_log(server: KaggleServer, kaggle: Kaggle) -> None:
    version = start(server, kaggle, KernelResult("running"))
    server.fail("LogStream", "status", status=404)
    assert session_log(kaggle, USER, SLUG, version) == ""


def test_a_stream_that_breaks_is_asked_for_again(
    server: KaggleServer, kaggle: Kaggle, waits: list[float]
) -> None:
    version = start(server, kaggle, KernelResult("running", LINES))
    server.fail("LogStream", "drop")
    assert running_log(kaggle, USER, SLUG, version) == PLAIN
    assert len(waits) >= 1


def test_a_version_that_is_not_there_has_no_stream(server: KaggleServer, kaggle: Kaggle) -> None:
    start(server, kaggle, KernelResult())
    with pytest.raises(RefusedError, match="version that is not there"):
        running_log(kaggle, USER, SLUG, 9)


def test_no_log_has_the_token(server: KaggleServer, kaggle: Kaggle) -> None:
    for state in ("running", "error"):
        version = start(server, kaggle, KernelResult(state, [("stdout", f"I know {TOKEN}\n")]))
        assert session_log(kaggle, USER, SLUG, version) == "I know ***\n"


def test_a_stream_ends_with_its_last_event(kaggles_client: str) -> None:
    text = 'data: {"data": "a"}\n\n: comment\ndata: END_OF_LOG\ndata: {"data": "b"}\n'
    assert kernel_logs._events(text) == ['{"data": "a"}']
    assert f'_LOG_STREAM_END_SENTINEL = "{kernel_logs.END}"' in kaggles_client


def test_the_address_of_the_stream_is_that_of_kaggles_client(
    kaggle: Kaggle, kaggles_client: str
) -> None:
    """A canary for the private parts of the SDK that make it."""
    http = kaggle.sdk.http_client()
    url = http._get_request_url("kernels", "logs/stream/ada/x")
    assert url == "http://localhost/api/v1/kernels/logs/stream/ada/x"
    assert "/v1/kernels/logs/stream/{owner_slug}/{kernel_slug}" in kaggles_client
