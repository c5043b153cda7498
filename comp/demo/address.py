"""Where the page is served: addresses that only this machine reaches, and free ports."""

from __future__ import annotations

import errno
import ipaddress
import socket

from comp.errors import ConfigError

TRIED = 20
"""Ports that are tried if the first is in use."""


def check_host(host: str, public: bool) -> str:
    """Return the numeric address of a host name.

    Raises:
        ConfigError: other machines reach it, and it is not to be `public`; or there is none.
    """
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host.strip("[]"), None)}
    except (OSError, UnicodeError):
        raise ConfigError(
            f"--host {host} is not an address of this machine: use 127.0.0.1"
        ) from None
    addresses = sorted(map(ipaddress.ip_address, found), key=lambda each: each.version)
    if public or all(address.is_loopback for address in addresses):
        return str(addresses[0])
    raise ConfigError(
        f"--host {host} can be reached by other machines, and anybody there could use this page: "
        "use 127.0.0.1, or add --public"
    )


def is_local(address: str) -> bool:
    """Whether only this machine reaches an address."""
    return ipaddress.ip_address(address).is_loopback


def free_port(address: str, port: int) -> int:
    """The first free port from `port` on.

    Raises:
        ConfigError: none is free or allowed, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for candidate in range(port, min(port + TRIED, 65536)):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, candidate))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                advice = "use --host 127.0.0.1 and a --port from 1024 on"
                raise ConfigError(
                    f"cannot use port {candidate} of {address}: {error.strerror}; {advice}"
                ) from None
            return candidate
    last = min(port + TRIED, 65536) - 1
    raise ConfigError(f"the ports {port} to {last} are in use: give another with --port")
