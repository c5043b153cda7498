"""Starts Ray on this machine, or connects to a cluster."""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import comp
from comp.data.cores import cores
from comp.errors import ConfigError, RunError

ADDRESS = "RAY_ADDRESS"
"""Variable of the environment: the cluster of `--on ray`; without it Ray starts here."""
REACH_S = 5.0
"""Seconds in which a cluster must accept a connection."""
VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_CLIENT_MAX_CONNECTION_TIMEOUT_S": "5",
}
STORE_BYTES = 200 * 10**6
"""Bytes for objects when Ray starts here, where tasks see the disk itself."""
INSTALL = "pip install 'ray[client]'"


def cluster_address(on: str) -> str:
    """The address of `on` for Ray; "local" if Ray starts here.

    Raises:
        ConfigError: `on` is not a cluster.
    """
    if on == "ray":
        on = os.environ.get(ADDRESS) or "local"
    if on in ("local", "auto") or re.fullmatch(r"(ray://)?[^/:\s]+:\d+", on):
        return on
    raise ConfigError(
        f"on = {on}: give ray, which starts Ray here; auto, the cluster that this machine is in; "
        "HOST:PORT; or ray://HOST:PORT"
    )


def starts_here(on: str) -> bool:
    """Whether Ray starts on this machine for `on`: its tasks have the devices of this machine."""
    return cluster_address(on) == "local"


@contextmanager
def ray_session(on: str, jobs: int, gpus: int | None) -> Iterator[None]:
    """Connect to a cluster inside the block, unless this process is connected.

    Args:
        jobs: tasks at the same time, for which Ray has room if it starts here.
        gpus: GPUs of this machine, if Ray starts here; None: as Ray finds.

    Raises:
        ConfigError: Ray is not installed, or `on` is not a cluster.
        RunError: there is no cluster, or it has other versions.
    """
    address = cluster_address(on)
    ray = import_ray()
    if ray.is_initialized():
        yield
        return
    _check_reachable(address)
    before = {name: os.environ.get(name) for name in VARIABLES}
    os.environ.update({name: os.environ.get(name, value) for name, value in VARIABLES.items()})
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    started = address == "local"
    with _own_folder(started) as folder, _own_token(started):
        options = _local_options(folder, jobs, gpus) if started else {}
        try:
            with _quiet(ray):
                _connect(ray, address, options)
                yield
        finally:
            ray.shutdown()
            for name, value in before.items():
                _set(name, value)


def import_ray() -> Any:
    """The library.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            f"--on needs Ray, which cannot be imported ({error}): {INSTALL}"
        ) from None
    return ray


def _local_options(folder: str, jobs: int, gpus: int | None) -> dict[str, Any]:
    counts: dict[str, Any] = {"num_cpus": max(cores(), jobs)}
    if gpus is not None:
        counts["num_gpus"] = gpus
    store = {"object_store_memory": STORE_BYTES, "_temp_dir": folder}
    return {**counts, **store, "include_dashboard": False}


def _connect(ray: Any, address: str, options: Mapping[str, Any]) -> None:
    """Connect, send the user's plugins, and turn what Ray raises into one line."""
    plugins = plugin_folder()
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)  # Ray replaces it
    try:
        ray.init(
            address=address,
            namespace="comp",
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.CRITICAL,
            runtime_env={"py_modules": [str(plugins)]} if plugins else None,
            **options,
        )
    except ImportError as error:
        raise ConfigError(f"--on {address} needs more of Ray ({error}): {INSTALL}") from None
    except Exception as error:  # Ray raises RuntimeError, ConnectionError, Exception, ...
        raise RunError(_why_not(address, error)) from None
    finally:
        if main:
            signal.signal(signal.SIGTERM, handler)


def _why_not(address: str, error: Exception) -> str:
    words = " ".join(str(error).split())
    if address == "local":
        return f"Ray does not start here ({words[:160]}): start again, or leave out --on"
    if "ersion mismatch" in words:
        return (
            f"the cluster at {address} has other versions ({words[:200]}): install the same here "
            "and there"
        )
    if address == "auto":
        return (
            "this machine is in no Ray cluster: start one with 'ray start --head', give its "
            "address, or give --on ray, which starts Ray here"
        )
    return (
        f"cannot join the Ray cluster at {address} ({words[:160]}): run the command on a machine "
        "of the cluster, or give ray://HOST:10001"
    )


def _check_reachable(address: str) -> None:
    """Connect once, because Ray would try for minutes.

    Raises:
        RunError: nothing accepts connections.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host, int(port)), REACH_S).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise RunError(
            f"no Ray cluster at {address} ({reason}): start one with 'ray start --head', or "
            "correct the address"
        ) from None


@contextmanager
def _own_folder(started: bool) -> Iterator[str]:
    """A short path for the files of a Ray that starts here: Ray's sockets need one. What killed
    processes left is removed."""
    if not started:
        yield ""
        return
    base = Path("/tmp") if os.access("/tmp", os.W_OK) else Path(tempfile.gettempdir())
    for old in base.glob("comp-ray-*-*"):
        number = old.name.split("-")[2]
        with suppress(OSError):
            if number.isdecimal():
                _remove_without_process(old, int(number))
    path = tempfile.mkdtemp(prefix=f"comp-ray-{os.getpid()}-", dir=base)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _remove_without_process(folder: Path, number: int) -> None:
    """Remove a folder of this user if the process that made it is gone."""
    if folder.stat().st_uid != os.getuid():
        return
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _own_token(started: bool) -> Iterator[None]:
    """Let only this process use a Ray that starts here, unless the user has decided that."""
    if not started or os.environ.get("RAY_AUTH_MODE"):
        yield
        return
    names = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")
    before = {name: os.environ.get(name) for name in names}
    # Ray sets the mode itself; without a token it would write one to ~/.ray.
    os.environ.setdefault("RAY_AUTH_TOKEN", _token())
    try:
        yield
    finally:
        for name, value in before.items():
            _set(name, value)


@contextmanager
def _quiet(ray: Any) -> Iterator[None]:
    """Keep Ray from printing to stdout that a node died, which is no option of it."""
    worker: Any = getattr(ray._private, "worker", None)
    printing = getattr(worker, "print_to_stdstream", None)
    if printing is None:
        yield
        return
    worker.print_to_stdstream = lambda *_args, **_options: None
    try:
        yield
    finally:
        worker.print_to_stdstream = printing


@cache
def _token() -> str:
    """A secret of this process, which Ray reads only once."""
    return secrets.token_hex(32)


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def plugin_folder() -> Path | None:
    """The folder competitions/ of the user, which travels to the nodes; None without one."""
    folder = Path.cwd() / "competitions"
    if not folder.is_dir() or folder.resolve() == Path(comp.__file__).parents[1] / "competitions":
        return None
    return folder
