"""An engine of processes of this machine, one for each slot, which spawn starts."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import ModuleType
from typing import Any, Self

from comp.engines.engine import TaskDiedError, TaskTraceback
from comp.engines.worker import ERROR, EVENT, serve
from comp.signals import Stopped

_SPAWN = multiprocessing.get_context("spawn")
_starting = threading.Lock()
LOOK_S = 0.5
"""Seconds between two looks at whether a process that says nothing still runs."""


class ProcessEngine:
    """Runs tasks in processes, which live as long as the engine.

    Args:
        environments: variables of each slot, such as CUDA_VISIBLE_DEVICES; they are set before any
            library is loaded.
        module: what the tasks need. Each process imports it as soon as it starts, while its engine
            prepares the first task; "" imports nothing before a task.
    """

    def __init__(self, environments: Sequence[Mapping[str, str]], module: str = "") -> None:
        self._slots = [_Slot(environment, module) for environment in environments]
        self._free: SimpleQueue[_Slot] = SimpleQueue()
        self._events: SimpleQueue[Any] = SimpleQueue()
        self._stopped = False
        self._threads = ThreadPoolExecutor(len(self._slots), thread_name_prefix="comp-engine")

    @property
    def slots(self) -> int:
        """How many tasks run at the same time."""
        return len(self._slots)

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a task as soon as a slot is free.

        The future raises what the task raises, `TaskDiedError` if its process died, and `Stopped`
        after `stop`.
        """
        return self._threads.submit(self._run, pickle.dumps((function, args)))

    def _run(self, task: bytes) -> Any:
        slot = self._free.get()
        try:
            return slot.run(task, self._events.put)
        finally:
            self._free.put(slot)

    def events(self) -> list[Any]:
        """What the running tasks reported since the last call, in the order of each task."""
        events = []
        try:
            while True:
                events.append(self._events.get_nowait())
        except Empty:
            return events

    def stop(self) -> None:
        """Ask the running tasks to save their state and to end with `comp.signals.Stopped`; tasks
        that have not started end so too."""
        self._stopped = True
        for slot in self._slots:
            slot.stop()

    def process_ids(self) -> list[int]:
        """The ids of the processes, slot by slot."""
        return [slot.process_id for slot in self._slots]

    def __enter__(self) -> Self:
        """Start the processes."""
        try:
            for slot in self._slots:
                slot.start()
                self._free.put(slot)
        except BaseException:  # a signal, or too many processes
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop what still runs, and wait for it. If it was stopped before and still runs, or if a
        signal ends the wait, kill it."""
        try:
            if not self._stopped:
                self.stop()
                self._threads.shutdown(wait=True)
        finally:
            try:
                _kill(self._slots)
            finally:
                self._threads.shutdown(wait=True)


class _Slot:
    """A process, and the connection to it. A process that died is replaced for the next task."""

    def __init__(self, environment: Mapping[str, str], module: str) -> None:
        self._environment, self._module = environment, module
        self._lock = threading.Lock()
        self._busy = self._stopped = self._started = False

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._process.pid or 0

    def start(self) -> None:
        """Start the process."""
        self._connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=serve, args=(theirs, self._module), name="comp-task")
        with _starting, _variables(self._environment), _hidden_main(), _no_interrupts():
            self._process.start()
        self._started = True
        theirs.close()

    def run(self, task: bytes, on_event: Callable[[Any], None]) -> Any:
        """Run a pickled task; returns its result."""
        with self._lock:
            if self._stopped:
                raise Stopped(signal.SIGTERM)
            if not self._process.is_alive():
                self.kill()
                self.start()
            self._busy = True
        try:
            kind, value = self._exchange(task, on_event)
        except (EOFError, OSError):
            raise self._death() from None
        finally:
            with self._lock:
                self._busy = False
        if kind == ERROR:
            error, text = value
            raise error from TaskTraceback(text)
        return value

    def _exchange(self, task: bytes, on_event: Callable[[Any], None]) -> tuple[str, Any]:
        """Send a task, and receive until it has ended; returns its last message."""
        self._connection.send_bytes(task)
        while True:
            while not self._connection.poll(LOOK_S):
                if not self._process.is_alive() and not self._connection.poll():
                    raise EOFError  # its own processes may still hold the connection
            kind, value = self._connection.recv()
            if kind != EVENT:
                return kind, value
            on_event(value)

    def _death(self) -> BaseException:
        self._process.join()
        code = self._process.exitcode or 0
        if code == -signal.SIGTERM:
            return Stopped(signal.SIGTERM)
        if code >= 0:
            return TaskDiedError(f"ended with exit code {code}")
        name = signal.Signals(-code).name
        memory = ", as the system does if memory runs out" if name == "SIGKILL" else ""
        return TaskDiedError(f"killed by {name}{memory}")

    def stop(self) -> None:
        """Ask the task to end."""
        with self._lock:
            self._stopped = True
            if self._busy:
                self._process.terminate()

    def kill(self) -> None:
        """End the process at once, if it was started."""
        if self._started:
            self._process.kill()
            self._process.join()
            self._connection.close()


def _kill(slots: Sequence[_Slot]) -> None:
    """End the processes at once, all of them even if a signal interrupts the end of one. An
    `ExitStack` would cut the signal off from the one before it, which knows what is saved."""
    if slots:
        try:
            slots[0].kill()
        finally:
            _kill(slots[1:])


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment, which a process that is started in the block inherits."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Block SIGINT, also in a process that is started in the block, until that ignores it: Ctrl-C
    reaches all processes of a terminal, and Python would end with a traceback while it starts."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Hide the module `__main__` from spawn, which would run it again in the process: a script
    without `if __name__ == "__main__"` would start a second run, and load torch too early."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
