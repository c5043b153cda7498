"""Proxies and certificates that this machine has set wrongly: one attempt, and what to do."""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from kaggle_server import KaggleServer
from urllib3.exceptions import MaxRetryError, SSLError

from comp.errors import NetworkError, UnknownOutcomeError
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.machine_setup import setup_problem
from comp.kaggle.client.session import Kaggle, connect, storage_session

PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kaggle]:
    """A connection without a proxy; its retries need no time."""
    monkeypatch.setattr(Deadline, "sleep", lambda _self, _seconds: None)
    with KaggleServer() as server:
        variables = server.environment(tmp_path)
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        for name in (*PROXIES, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        with connect(Deadline(300), "leaves") as opened:
            yield opened


def failing(kaggle: Kaggle, url: str, repeatable: bool = True) -> tuple[str, int]:
    """The message of a failed request, and the number of attempts."""
    attempts = 0

    def send() -> None:
        nonlocal attempts
        attempts += 1
        with storage_session() as session:
            session.get(url).raise_for_status()

    with pytest.raises(NetworkError) as caught:
        kaggle.with_retries("asking", send, repeatable=repeatable)
    assert not isinstance(caught.value, UnknownOutcomeError)
    return str(caught.value), attempts


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_socks_proxy_without_its_library(
    kaggle: Kaggle, monkeypatch: pytest.MonkeyPatch, repeatable: bool
) -> None:
    def missing(*_args: object, **_more: object) -> None:
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", missing)
    monkeypatch.setenv("https_proxy", "socks5h://ada:secret@proxy.example:1080")
    said, attempts = failing(kaggle, "https://127.0.0.1:1/x", repeatable)
    assert attempts == 1
    assert said == (
        "asking: no connection to Kaggle: the proxy https_proxy = socks5h://...@proxy.example:1080 "
        'is a SOCKS proxy, which needs: pip install "requests[socks]"'
    )


def test_a_socks_proxy_without_a_version(kaggle: Kaggle, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_more: object) -> None:
        raise ValueError("Unable to determine SOCKS version from socks://127.0.0.1:1080")

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", unknown)
    monkeypatch.setenv("all_proxy", "socks://127.0.0.1:1080")
    said, attempts = failing(kaggle, "https://127.0.0.1:1/x")
    assert (attempts, "all_proxy = socks://127.0.0.1:1080 is not known: write socks5h" in said) == (
        1,
        True,
    )


def test_an_address_of_a_proxy_that_is_none(
    kaggle: Kaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http:///proxy")
    said, attempts = failing(kaggle, "https://127.0.0.1:1/x")
    assert attempts == 1
    assert "the proxy HTTPS_PROXY = http:///proxy is not an address: write http://" in said


class _Asks(BaseHTTPRequestHandler):
    """A proxy that asks for a password."""

    def do_GET(self) -> None:
        self.send_response(407, "Proxy Authentication Required")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_CONNECT = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Asks) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_asks_for_a_password(
    kaggle: Kaggle, monkeypatch: pytest.MonkeyPatch, server: ThreadingHTTPServer, scheme: str
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{server.server_address[1]}")
    said, attempts = failing(kaggle, f"{scheme}://kaggle.invalid/x")
    assert attempts == 1
    assert "asks for a password: write http://USER:PASSWORD@HOST:PORT" in said


@pytest.fixture
def https(tmp_path: Path, server: ThreadingHTTPServer) -> str:
    """The address of a server whose certificate nobody signed."""
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "company.pem")]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *files]
    try:
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run([*made, *names], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "company.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return f"https://127.0.0.1:{server.server_address[1]}/x"


def test_a_companys_certificate(
    kaggle: Kaggle, monkeypatch: pytest.MonkeyPatch, https: str, tmp_path: Path
) -> None:
    said, attempts = failing(kaggle, https)
    assert attempts == 1
    assert "the certificate of the server is not trusted (self" in said
    assert "set REQUESTS_CA_BUNDLE to the file with its certificate" in said
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "company.pem"))
    with storage_session() as session:
        assert session.get(https).status_code == 407


def test_a_file_of_certificates_that_is_not_there_or_is_none(
    kaggle: Kaggle, monkeypatch: pytest.MonkeyPatch, https: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    said, attempts = failing(kaggle, https)
    assert attempts == 1
    assert "nowhere.pem cannot be used: it must be a file of certificates in PEM format" in said
    (tmp_path / "wrong.pem").write_text("not a certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "wrong.pem"))
    assert "wrong.pem cannot be used" in failing(kaggle, https)[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("certificate verify failed: certificate has expired (_ssl.c:1)", "this machine's clock"),
        ("certificate verify failed: certificate is not yet valid (_ssl.c:1)", "clock"),
        ("certificate verify failed: unable to get local issuer certificate (_ssl.c:1)", "trusted"),
    ],
)
def test_the_reason_for_a_refused_certificate(text: str, words: str) -> None:
    cause = MaxRetryError(None, "/x", SSLError(f"[SSL: CERTIFICATE_VERIFY_FAILED] {text}"))  # type: ignore[arg-type]
    assert words in setup_problem(requests.exceptions.SSLError(cause))


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectionError("Connection reset by peer"),
        requests.exceptions.SSLError("EOF occurred in violation of protocol"),
        requests.exceptions.ProxyError("Unable to connect to proxy"),
        ValueError("no JSON"),
    ],
)
def test_other_failures_may_pass(error: Exception) -> None:
    assert setup_problem(error) == ""
