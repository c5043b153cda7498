"""Only this machine reaches the page, unless the user says so; a free port is found."""

from __future__ import annotations

import socket

import pytest

from comp.demo import address as module
from comp.demo.address import check_host, free_port, is_local
from comp.errors import ConfigError


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost"])
def test_addresses_of_this_machine_alone(host: str) -> None:
    assert is_local(check_host(host, public=False))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "8.8.8.8", "0", ""])
def test_others_need_public(host: str) -> None:
    with pytest.raises(ConfigError, match=r"use 127\.0\.0\.1"):
        check_host(host, public=False)


def test_public_allows_all() -> None:
    assert check_host("0.0.0.0", public=True) == "0.0.0.0"
    assert not is_local("0.0.0.0")


def test_a_name_that_also_leads_outside_needs_public(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(2, 1, 6, "", ("127.0.0.1", 0)), (2, 1, 6, "", ("10.0.0.5", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: both)
    with pytest.raises(ConfigError, match="add --public"):
        check_host("box", public=False)


def test_what_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConfigError, match="is not an address of this machine"):
        check_host("nowhere.example", public=False)


def test_the_next_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen()
        port = used.getsockname()[1]
        assert free_port("127.0.0.1", port) > port
        monkeypatch.setattr(module, "TRIED", 1)
        with pytest.raises(ConfigError, match=f"the ports {port} to {port} are in use"):
            free_port("127.0.0.1", port)
    assert free_port("127.0.0.1", port) == port


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(ConfigError, match=r"cannot use port 7860 of 192\.0\.2\.1"):
        free_port("192.0.2.1", 7860)
