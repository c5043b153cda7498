"""Joins the processes of a launcher to the ranks of a training, and leaves them.

Rank 0 says in the store of the process group what the other ranks do next, and at last that the
run has ended. A rank that waits asks the store again and again, because a wait in a collective
could not be stopped. Rank 0 may fail while the others compute with it: a thread of each looks for
its end.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from accelerate.utils import check_cuda_p2p_ib_support
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from comp.config.launched import MPI_SIZES, SHARDING, VARIABLES, Launched
from comp.errors import RunError
from comp.signals import SIGNALS
from comp.training.ranks import ALONE, Ranks, set_ranks

BATCH_TIMEOUT = timedelta(minutes=30)
"""The longest time between two batches of two ranks."""
LEADER_TIMEOUT = timedelta(days=30)
"""The longest time in which rank 0 prepares, validates or predicts."""
POLL_S = 0.02
JOBS, END, FAILURE = "jobs", "end", "failure"
"""Keys of the store."""
GRACE_S = 5.0
"""Seconds in which a rank may leave by itself after the end of rank 0, and in which rank 0 waits
for the words of a rank that failed."""
PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


class _Process:
    """The last signal of a rank that is not rank 0, since only rank 0 acts on signals; whether
    other ranks are lost; and how often they met."""

    signal = 0
    lost = False
    meetings = 0


def join(launched: Launched) -> Ranks:
    """Meet the other processes of the launcher. Each uses the GPU with its local number, if the
    machine has enough of them; else they can compute on the CPU.

    The variables of the launcher are deleted, so that processes that this one starts are alone.
    """
    nccl = torch.cuda.is_available() and torch.cuda.device_count() >= launched.local_size
    if nccl:
        torch.cuda.set_device(launched.local_rank)
        if not check_cuda_p2p_ib_support():  # else accelerate refuses these GPUs
            os.environ.update(NCCL_P2P_DISABLE="1", NCCL_IB_DISABLE="1")
    store, rank, size = next(rendezvous("env://", timeout=BATCH_TIMEOUT))
    backend = "cpu:gloo,cuda:nccl" if nccl and dist.is_nccl_available() else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=BATCH_TIMEOUT)
    control = dist.new_group(backend="gloo", timeout=LEADER_TIMEOUT)
    atexit.register(_destroy)
    if "TORCHELASTIC_RUN_ID" in os.environ:
        _stop_with_parent()
    for name in (*VARIABLES, *MPI_SIZES, *SHARDING):
        os.environ.pop(name, None)
    return Ranks(
        rank=rank,
        size=size,
        local_rank=launched.local_rank,
        local_size=launched.local_size,
        control=control,
        store=PrefixStore("comp", store),
        **({} if rank == 0 else {"signals": lambda: _Process.signal}),
    )


def _destroy() -> None:
    """Close the connections to the other ranks, unless this would wait for one that is gone."""
    if not _Process.lost and dist.is_initialized():
        dist.destroy_process_group()


def next_meeting(ranks: Ranks) -> Ranks:
    """The ranks with a store of their own for the next run of these processes.

    Raises:
        RunError: an earlier run failed in the middle of a training.
    """
    if _Process.lost:
        raise RunError(
            "an earlier run of this process failed in the middle of a training, so the other "
            "processes are lost: start them again"
        )
    _Process.meetings += 1
    return replace(ranks, store=PrefixStore(f"run-{_Process.meetings}", ranks.store))


def _stop_with_parent() -> None:
    """Get SIGTERM if the launcher is killed. Only Linux can do this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)


@contextmanager
def leading(ranks: Ranks) -> Iterator[dict[str, Any]]:
    """Train with the other ranks inside the block, as rank 0, and let them go after it.

    Yields a dictionary; the other ranks get what it contains at the end, as JSON.
    """
    ranks = next_meeting(ranks)
    set_ranks(ranks)
    words: dict[str, Any] = {"failed": True}
    try:
        yield words
        words["failed"] = False
    finally:
        set_ranks(ALONE)
        with suppress(RuntimeError):
            _Process.lost = True
            ranks.store.set(END, json.dumps(words))
            _Process.lost = not _others_left(ranks, 1.0 if words["failed"] else GRACE_S)


def _others_left(ranks: Ranks, seconds: float) -> bool:
    """Whether the other ranks know of the end within some seconds. They do not if rank 0 failed
    while they computed with it. This process may be their store."""
    names, ended = [f"left-{rank}" for rank in range(1, ranks.size)], time.monotonic() + seconds
    while not ranks.store.check(names):
        if time.monotonic() > ended:
            return False
        time.sleep(POLL_S)
    return True


def post(ranks: Ranks, job: Any) -> None:
    """Give the other ranks their next job, which can be written as JSON."""
    ranks.store.set(f"job-{ranks.store.add(JOBS, 1)}", json.dumps(job))


class Followed:
    """What rank 0 asks of this rank. `words` are what rank 0 said at its end, {"failed": True}
    without any.

    Signals do not stop this rank: the ranks agree on them after each step, and rank 0 stops all.
    """

    def __init__(self, ranks: Ranks) -> None:
        self.ranks, self.words = next_meeting(ranks), {"failed": True}
        self._busy, self._left = threading.Event(), threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def jobs(self) -> Iterator[Any]:
        """Yield the jobs, each when rank 0 gives it, until rank 0 ends."""
        self._watcher.start()
        set_ranks(self.ranks)
        number = 1
        with suppress(RuntimeError):  # rank 0 was the store, and is gone
            while not self._has(END):
                if not self._has(f"job-{number}"):
                    time.sleep(POLL_S)
                    continue
                job = json.loads(self.ranks.store.get(f"job-{number}"))
                self._busy.set()
                yield job
                self._busy.clear()
                number += 1
            self.words = json.loads(self.ranks.store.get(END))
            self.ranks.store.set(f"left-{self.ranks.rank}", "")
        set_ranks(ALONE)
        self._stop_watching()

    def failed(self, error: BaseException) -> bool:
        """Tell rank 0 why this rank cannot go on; returns whether rank 0 failed by itself, which it
        has time for here: a launcher stops all ranks when one ends."""
        _Process.lost = True
        self._stop_watching()
        with suppress(RuntimeError):
            words = f"rank {self.ranks.rank} of {self.ranks.size}: {error}"
            self.ranks.store.set(FAILURE, words)
            ended = time.monotonic() + GRACE_S / 2
            while time.monotonic() < ended:
                if self._has(END):
                    return True
                time.sleep(POLL_S)
            return False
        return True

    def _has(self, name: str) -> bool:
        return bool(self.ranks.store.check([name]))

    def _watch(self) -> None:
        """End this process if rank 0 ends while this rank computes."""
        while not self._left.wait(0.5):
            try:
                ended = self._has(END)
            except RuntimeError:
                ended = True
            if ended and self._busy.is_set():
                left = self._left.wait(GRACE_S)
                if self._busy.is_set() and not left:
                    os._exit(0)

    def _stop_watching(self) -> None:
        """End the thread. A thread that lets go of the process group while Python ends would abort
        this process."""
        self._left.set()
        if self._watcher.is_alive():
            self._watcher.join(GRACE_S)


@contextmanager
def signals_noted() -> Iterator[None]:
    """Note the signals that come in the block, without any effect on this process."""
    _Process.signal = 0
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _on_signal) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    _Process.signal = number


@contextmanager
def explained(ranks: Ranks) -> Iterator[None]:
    """Turn the error of a collective into the words of the rank that failed.

    Raises:
        RunError: another rank failed.
    """
    try:
        yield
    except RuntimeError as error:
        if ranks.alone or not ranks.leads or not _is_of_a_collective(error):
            raise
        raise RunError(
            f"another process of the training ended, {_failure(ranks)}: 'comp resume' continues "
            "the run, also with another number of GPUs"
        ) from error


def _is_of_a_collective(error: RuntimeError) -> bool:
    text = str(error)
    known = ("gloo", "NCCL", "Connection closed by peer", "Connection reset")
    return isinstance(error, dist.DistError) or any(word in text for word in known)


def _failure(ranks: Ranks) -> str:
    """Why another rank failed."""
    ended = time.monotonic() + GRACE_S
    with suppress(RuntimeError):
        while time.monotonic() < ended:
            if ranks.store.check([FAILURE]):
                return str(ranks.store.get(FAILURE).decode())
            time.sleep(POLL_S)
    return "and does not say why (it may have been killed, or out of memory)"
