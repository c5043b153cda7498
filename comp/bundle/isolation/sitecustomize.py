"""Take the network, comp and most libraries from a Python process before its program starts.

The folder of this file is in PYTHONPATH of the process, so Python imports it at the start, and so
do the processes that the program starts. It uses the standard library alone.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

SETTINGS = "COMP_REHEARSAL"
"""The variable with the settings as JSON: status, places, inside, blocked."""
NEW_USER, NEW_NET = 0x10000000, 0x40000000
"""Flags of `unshare` in Linux."""
OUTSIDE = ("192.0.2.1", 9)
"""An address of RFC 5737, which belongs to nobody."""


def leave_network() -> str:
    """Move this process into a network namespace of its own, which has no route; returns why that
    is not possible, "" if it is done."""
    if sys.platform != "linux":
        return "no namespaces on this system"
    user, group = os.getuid(), os.getgid()
    try:
        _unshare(NEW_USER | NEW_NET)
    except OSError as error:
        if user == 0:  # root may leave the network without a new user
            try:
                _unshare(NEW_NET)
            except OSError:
                return str(error.strerror)
        else:
            return str(error.strerror)
    else:
        _keep_user(user, group)
    return why_reachable()


def _unshare(flags: int) -> None:
    """os.unshare is in Python 3.12 only."""
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _keep_user(user: int, group: int) -> None:
    """Give the process the same user in the new namespace."""
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    except OSError:
        return  # the process is then nobody, who has the same rights for files


def why_reachable() -> str:
    """Why another machine could be reached; "" if this process has no route to any."""
    try:
        routes = Path("/proc/net/route").read_text().splitlines()[1:]
        if routes:
            return f"the namespace has {len(routes)} routes"
    except OSError:
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(OUTSIDE)  # UDP: nothing is sent
        except OSError as error:
            return "" if error.errno == errno.ENETUNREACH else str(error)
    return "the namespace has a route"


def block_sockets() -> None:
    """Let connections to other machines fail in this process. Sockets of files still work, which
    workers of a loader use. Libraries that do not use Python's sockets are not stopped."""

    class Blocked(socket.socket):
        """A socket without a way to another machine."""

        def _check(self) -> None:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                refuse()

        def connect(self, address: Any) -> None:
            """Refuse addresses of other machines."""
            self._check()
            super().connect(address)

        def connect_ex(self, address: Any) -> int:
            """Refuse addresses of other machines."""
            self._check()
            return super().connect_ex(address)

        def sendto(self, *arguments: Any) -> int:
            """Refuse addresses of other machines."""
            self._check()
            return super().sendto(*arguments)

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise OSError(errno.ENETUNREACH, "the rehearsal has no network")

    socket.socket = Blocked  # type: ignore[misc]
    socket.create_connection = refuse
    socket.getaddrinfo = refuse


class Without:
    """A finder of modules for which those in `blocked` do not exist, and those in `inside` only in
    the folders `places`: the bundle, and where it unpacks its wheels."""

    def __init__(
        self, finder: Any, places: Sequence[str], inside: Sequence[str], blocked: Sequence[str]
    ) -> None:
        self.finder = finder
        self.places = [os.path.realpath(place) + os.sep for place in places]
        self.inside, self.blocked = set(inside), set(blocked)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module; None if it does not exist for this process."""
        if path is None and name in self.blocked:
            return None
        if path is None and name in self.inside:
            return PathFinder.find_spec(name, [p for p in sys.path if self._is_inside(p)])
        found: ModuleSpec | None = self.finder.find_spec(name, path, target)
        return found

    def _is_inside(self, place: str) -> bool:
        return os.path.realpath(place).startswith(tuple(self.places))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.finder, name)


def isolate(settings: dict[str, Any]) -> None:
    """Take network and modules away, and write into the file `status` how. It is written last: a
    program without it was not isolated."""
    status = Path(settings["status"])
    known = json.loads(status.read_text()) if status.exists() else None
    if known:  # a process that the program has started
        network, reason = known
    else:
        reason = leave_network()
        network = "sockets" if reason else "namespace"
    if network == "sockets":
        block_sockets()
    sys.meta_path[:] = [
        Without(finder, settings["places"], settings["inside"], settings["blocked"])
        for finder in sys.meta_path
    ]
    if not known:
        status.write_text(json.dumps([network, reason]))


if SETTINGS in os.environ:
    isolate(json.loads(os.environ[SETTINGS]))
