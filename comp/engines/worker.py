"""The process of an engine: it receives tasks, runs them, and sends what they report and return."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from multiprocessing import connection as pipes
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from comp.signals import handle_signals

EVENT, RESULT, ERROR = "event", "result", "error"
"""The kinds of messages to the engine; each is sent as (kind, value). An error has the value
(exception, text of its traceback)."""
ORPHAN_GRACE_S = 60.0
"""Seconds in which a task whose engine is gone must save its state and end."""


def serve(connection: Connection, module: str = "") -> None:
    """Import a module, and run tasks until the engine closes the connection, or is gone.

    A task is a pickle of (function, arguments). SIGTERM stops the task that runs, which saves its
    state. SIGINT is ignored: Ctrl-C reaches all processes of a terminal, and the engine decides
    what it stops.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):  # the engine has blocked it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_stop_without_engine, daemon=True).start()
    with suppress(Exception):  # the task that needs it raises it again
        if module:
            import_module(module)
    with suppress(EOFError, OSError):
        while True:
            _send(connection, _outcome(connection.recv_bytes(), _sender(connection)))


def _outcome(task: bytes, report: Callable[[Any], None]) -> tuple[str, Any]:
    """Run a task; returns its result or its exception."""
    try:
        with handle_signals():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            function, args = pickle.loads(task)  # noqa: S301  sent by the engine
            return RESULT, function(*args, report)
    except BaseException as error:
        return ERROR, portable(error)


def portable(error: BaseException) -> tuple[BaseException, str]:
    """An exception that can be pickled, and the text of its traceback."""
    text = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  whether it can be sent
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}"), text
    return error, text


def _sender(connection: Connection) -> Callable[[Any], None]:
    """A function that reports an event; without an engine it stops the task instead."""
    lock = threading.Lock()

    def report(event: Any) -> None:
        try:
            with lock:
                connection.send((EVENT, event))
        except OSError:
            os.kill(os.getpid(), signal.SIGTERM)

    return report


def _send(connection: Connection, message: tuple[str, Any]) -> None:
    try:
        connection.send(message)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        connection.send((ERROR, portable(error)))


def _stop_without_engine() -> None:
    """Stop this process when that of the engine is gone, even by SIGKILL."""
    parent = parent_process()
    if parent is None:
        return
    pipes.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(ORPHAN_GRACE_S)
    os._exit(1)
