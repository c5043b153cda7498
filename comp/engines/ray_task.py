"""What runs on a node of a Ray cluster: one task, and its connection to the engine."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from comp.engines.engine import RETRY
from comp.engines.node_eviction import TASKS, mark_used
from comp.engines.node_files import (
    Tree,
    fetch,
    fetched,
    from_uri,
    is_here,
    node_cache,
    write_pieces,
)
from comp.engines.node_paths import Moves
from comp.engines.run_copy import READER, Changes, RunCopy, RunFiles
from comp.engines.versions import differing_versions
from comp.engines.worker import ERROR, RESULT, portable
from comp.errors import DataError, RunError
from comp.signals import Stopped, defer_signals, handle_signals

LACKS = "lacks"
"""The node needs trees that the engine has not sent; the value lists their keys."""
INTERVAL_S = 1.0
"""Seconds between two messages of a running task to the engine."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A task for a node.

    `task` is a pickle of (function, arguments). `trees` are what it reads, as an object of Ray, and
    `sent` are the objects with the pieces of some, by key. `data` says how nodes get trees: "" from
    the disk if they see them there, else from the engine; "path", "copy", or a URI, which has the
    tree with sums. `retry` says how the task died before.
    """

    number: int
    task: bytes
    versions: Mapping[str, str]
    data: str = ""
    retry: str = ""
    run: Any = None
    trees: Any = None
    sent: Mapping[str, Sequence[Any]] = field(default_factory=dict)


class Mailbox:
    """An actor: what tasks report and write waits here for the engine, and its stop for them."""

    def __init__(self, versions: Mapping[str, str]) -> None:
        self._messages: list[tuple[int, list[Any], Changes]] = []
        self._started: set[int] = set()
        self._stopped = False
        self._differing = differing_versions(versions)

    def differing(self) -> str:
        """Which versions differ from those of the engine; "" if none does."""
        return self._differing

    def send(self, number: int, events: list[Any], changes: Changes) -> bool:
        """Take what a task reports and wrote; returns whether it must stop."""
        self._started.add(number)
        if events or changes:
            self._messages.append((number, events, changes))
        return self._stopped

    def receive(self) -> list[tuple[int, list[Any], Changes]]:
        """What has come since the last call, in order."""
        messages, self._messages = self._messages, []
        return messages

    def stop(self) -> set[int]:
        """Let all tasks stop; returns those that have started."""
        self._stopped = True
        return self._started


def perform(order: Order, mailbox: Any) -> tuple[str, Any]:
    """Run a task; returns (kind, value), so that Ray does not wrap its exceptions."""
    os.environ[RETRY] = order.retry
    try:
        with handle_signals():
            differing = differing_versions(order.versions)
            if differing:
                raise RunError(f"node {socket.gethostname()} has {differing}: {SAME_VERSIONS}")
            trees = _get(order.trees) if order.trees is not None else ()
            places, lacking = _places(order, trees)
            if lacking:
                return LACKS, lacking
            used = _kept(places.values())
            with (
                _work_folder(order, places) as (moves, copy),
                Link(mailbox, order, copy, used) as link,
            ):
                function, args = pickle.loads(order.task)  # noqa: S301  the engine sent it
                return RESULT, function(*moves.value(args), link.report)
    except Stopped as error:
        return ERROR, (error, "")
    except KeyboardInterrupt:  # a task that the engine cancelled
        return ERROR, (Stopped(signal.SIGTERM), "")
    except BaseException as error:
        return ERROR, portable(error)


SAME_VERSIONS = "install the same on every node, or run here without --on"


def _get(ref: Any) -> Any:
    """The value of an object of Ray. Another thread waits for it: a task whose main thread waits
    would lend its cores to other tasks."""
    import ray

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(ray.get, ref).result()


def _places(order: Order, trees: Sequence[Tree]) -> tuple[dict[str, str], list[str]]:
    """Where this node has the trees that it does not see at their path, and the keys of those that
    the engine must send.

    Raises:
        DataError: they can come in no other way.
    """
    places: dict[str, str] = {}
    lacking: list[str] = []
    for tree in trees:
        if order.data != "copy" and is_here(tree):
            continue
        if order.data == "path":
            raise DataError(
                f"node {socket.gethostname()} does not see the files of {tree.path}: mount the "
                "same disk there, or leave out --node-data path"
            )
        path = fetched(tree)
        if path is None and tree.sums is not None:
            path = fetch(tree, from_uri(tree, order.data))
        elif path is None and tree.key in order.sent:
            path = fetch(tree, write_pieces(map(_get, order.sent[tree.key])))
        if path is None:
            lacking.append(tree.key)
        else:
            places[str(tree.path)] = str(path)
    return places, lacking


def _kept(paths: Iterable[str]) -> list[Path]:
    """The folders of what this node fetched."""
    return [node_cache() / Path(path).relative_to(node_cache()).parts[0] for path in paths]


@contextmanager
def _work_folder(order: Order, places: Mapping[str, str]) -> Iterator[tuple[Moves, RunCopy | None]]:
    """Yield how paths move to this node, and the copy of the run's folder, None if it is the folder
    itself or there is no run. The copy is removed at the end."""
    run: RunFiles | None = _get(order.run) if order.run is not None else None
    if run is None or (not places and order.data != "copy" and run.is_here()):
        yield Moves(places), None
        return
    folder = node_cache() / TASKS / uuid4().hex[:12]
    path = folder / run.path.name
    try:
        copy = RunCopy.write(run, path)
        moves = Moves({**places, str(run.path): str(path)})
        moves.rewrite(path / READER)
        copy.mark_known()
        yield moves, copy
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Link:
    """The connection of a running task: it sends events and files, and stops the task.

    A thread exchanges messages with the mailbox, and marks the folders that the task uses. It stops
    the task as a signal does, so that the task saves its state.
    """

    def __init__(
        self, mailbox: Any, order: Order, copy: RunCopy | None, used: Sequence[Path] = ()
    ) -> None:
        self._mailbox, self._number, self._copy = mailbox, order.number, copy
        self._used = [*used, *([copy.path.parent] if copy else [])]
        self._events: list[Any] = []
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._error: BaseException | None = None

    def report(self, event: Any) -> None:
        """Send an event with the next message."""
        with self._lock:
            self._events.append(event)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Send what is left."""
        with defer_signals():
            self._end.set()
            self._thread.join()
        if self._error:
            raise self._error

    def _serve(self) -> None:
        stopped = False
        try:
            while True:
                last = self._end.is_set()
                stop = self._exchange()
                if stop and not stopped and not last:
                    stopped = True
                    os.kill(os.getpid(), signal.SIGTERM)
                if last:
                    return
                self._end.wait(INTERVAL_S)
        except BaseException as error:  # the cluster is lost: the task stops, too
            self._error = error
            if not self._end.is_set():
                os.kill(os.getpid(), signal.SIGTERM)

    def _exchange(self) -> bool:
        import ray

        for folder in self._used:
            mark_used(folder)
        with self._lock:
            events, self._events = self._events, []
        changes = self._copy.changes() if self._copy else []
        return bool(ray.get(self._mailbox.send.remote(self._number, events, changes)))
