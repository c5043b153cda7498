"""An engine on a Ray cluster: each task is a task of Ray, which chooses the node."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any, Self

from comp.config.placement import Placement
from comp.data.cores import CORES
from comp.engines.choose import Machine
from comp.engines.engine import TaskDiedError
from comp.engines.ray_errors import caused, death, final_error, last_line, lost
from comp.engines.ray_session import import_ray, ray_session, starts_here
from comp.engines.ray_shares import Share, device_kind, task_share
from comp.engines.ray_task import LACKS, SAME_VERSIONS, Mailbox, Order, perform
from comp.engines.run_copy import write_changes
from comp.engines.task_files import TaskFiles, TaskPaths
from comp.engines.versions import versions
from comp.engines.worker import ERROR
from comp.errors import RunError
from comp.signals import Stopped
from comp.streams import print_to_stderr

RETRIES = 5
"""How often a task starts again after its node died."""
POLL_S = 0.2
"""Seconds between two looks at the tasks."""
ANSWER_S = 90.0
"""Seconds in which the cluster must start a process for the engine."""
HEAD = {"node:__internal_head__": 0.001}
"""Where the mailbox is: without the head node, Ray ends all tasks anyway."""


def make_ray_engine(placement: Placement, machine: Machine, tasks: int) -> RayEngine:
    """The engine of a placement on a cluster, for `tasks` tasks."""
    return RayEngine(placement, machine, tasks)


@dataclass(kw_only=True)
class _Task:
    """A task that is not finished."""

    order: Order
    paths: TaskPaths
    future: Future[Any]
    deaths: int = 0


class RayEngine:
    """Runs tasks on a cluster, which is connected inside the `with` block.

    A task whose node dies starts again on another node; it resumes from its last checkpoint. On a
    node without the disk of this machine, tasks work in copies of their folders, and what they
    write comes back while they run.
    """

    def __init__(self, placement: Placement, machine: Machine, tasks: int) -> None:
        self._placement, self._machine, self._tasks = placement, machine, tasks
        self._share = Share(cpus=1, gpus=0.0, slots=1)
        self.device = ""
        """The kind of device of the tasks on a cluster; "" if Ray starts here."""
        self._running: dict[Any, _Task] = {}
        self._events: SimpleQueue[Any] = SimpleQueue()
        self._lock = threading.RLock()
        self._data = placement.node_data
        self._stopped, self._closing, self._count = False, threading.Event(), 0
        self._watcher = threading.Thread(target=self._watch, daemon=True, name="comp-ray")
        self._exit = ExitStack()

    @property
    def slots(self) -> int:
        """How many tasks run at the same time."""
        return self._share.slots

    @property
    def threads(self) -> int:
        """The threads of torch in each task: those of the run, or the task's share of a node."""
        chosen = self._machine.threads or os.environ.get("OMP_NUM_THREADS")
        return int(chosen or self._share.cpus)

    def __enter__(self) -> Self:
        """Connect to the cluster, and check that it can run the tasks.

        Raises:
            ConfigError: Ray is not installed, or the address is wrong.
            RunError: there is no cluster, or it has other versions.
            DeviceError: no node can run a task.
        """
        placement, machine = self._placement, self._machine
        with ExitStack() as stack:
            jobs = min(placement.jobs or 1, self._tasks)
            stack.enter_context(ray_session(placement.on, jobs, len(machine.gpus)))
            ray = import_ray()
            nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            kind = device_kind(nodes, machine.device, machine.auto)
            gpus = placement.gpus if kind == "cuda" else 0
            self._share = task_share(nodes, placement.jobs, gpus, self._tasks)
            self.device = "" if starts_here(placement.on) else kind
            self._say_unused(sum(int(node.get("GPU", 0)) for node in nodes), gpus)
            environment = self._environment()
            head = ray.remote(num_cpus=0, resources=HEAD, runtime_env=environment)(Mailbox)
            self._mailbox = head.remote(versions())
            self._check_head(ray)
            self._remote = ray.remote(
                num_cpus=self._share.cpus,
                num_gpus=self._share.gpus,
                max_retries=0,
                runtime_env=environment,
            )(perform)
            self._files = TaskFiles(ray.put, self._data)
            self._exit = stack.pop_all()
        self._watcher.start()
        return self

    def _say_unused(self, found: int, used: int) -> None:
        if found and not used:
            print_to_stderr(
                f"the {found} GPUs of the cluster are not used, because the device of the run is "
                f"{self._machine.device}"
            )

    def _environment(self) -> dict[str, Any]:
        """The environment of the processes: their threads."""
        cpus = str(self._share.cpus)
        variables = {"OMP_NUM_THREADS": str(self.threads), CORES: cpus}
        return {"env_vars": variables}

    def _check_head(self, ray: Any) -> None:
        """Check that the cluster starts processes, with the versions of this machine."""
        try:
            differing = ray.get(self._mailbox.differing.remote(), timeout=ANSWER_S)
        except ray.exceptions.GetTimeoutError:
            raise RunError(
                f"the cluster started no process in {ANSWER_S:.0f} s: look at 'ray status' there"
            ) from None
        except ray.exceptions.RayError as error:
            raise RunError(
                f"the cluster cannot load comp ({last_line(error)}): {SAME_VERSIONS}"
            ) from None
        if differing:
            raise RunError(f"the cluster has {differing}: {SAME_VERSIONS}")

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a task as soon as a slot is free.

        The future raises what the task raises, `TaskDiedError` if its node died again and again,
        and `Stopped` after `stop`. Paths among the arguments, also in configurations, are those of
        files that the task reads, or of the folder of a run, in which it writes.
        """
        ray = import_ray()
        with self._lock:
            self._count += 1
            order = Order(
                number=self._count,
                task=ray.cloudpickle.dumps((function, args)),
                versions=versions(),
                data=self._data,
            )
            task = _Task(order=order, paths=TaskPaths.of(args), future=Future())
            if self._stopped:
                task.future.set_exception(Stopped(signal.SIGTERM))
            else:
                task.future.set_running_or_notify_cancel()
                self._start(task)
        return task.future

    def _start(self, task: _Task) -> None:
        """Give a task to Ray, with the present files of its run."""
        order = self._files.add(task.order, task.paths)
        self._running[self._remote.remote(order, self._mailbox)] = task

    def events(self) -> list[Any]:
        """What the running tasks reported since the last call, in the order of each task."""
        events = []
        with suppress(Empty):
            while True:
                events.append(self._events.get_nowait())
        return events

    def stop(self) -> None:
        """Ask the running tasks to save their state and to end with `comp.signals.Stopped`; tasks
        that have not started are cancelled."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            running = dict(self._running)
        if running:
            ray = import_ray()
            with suppress(ray.exceptions.RayError):
                started = ray.get(self._mailbox.stop.remote(), timeout=ANSWER_S)
                for ref, task in running.items():
                    if task.order.number not in started:
                        ray.cancel(ref)

    def __exit__(self, *_error: object) -> None:
        """Stop what still runs, and wait for it; a signal ends the wait."""
        try:
            self.stop()
            while self._running and self._watcher.is_alive():
                self._watcher.join(POLL_S)
        finally:
            self._closing.set()
            self._watcher.join(ANSWER_S)
            self._exit.close()

    def _watch(self) -> None:
        """Receive what tasks report and write, and settle those that have ended."""
        ray = import_ray()
        while not self._closing.wait(POLL_S):
            with self._lock:
                refs = list(self._running)
            try:
                ended = ray.wait(refs, num_returns=len(refs), timeout=POLL_S)[0] if refs else []
                if refs:
                    self._receive(ray)
                for ref in ended:
                    self._settle(ray, ref)
            except BaseException as error:  # the cluster is lost, or the disk is full
                self._fail(error)
                return

    def _receive(self, ray: Any) -> None:
        """Take what has come to the mailbox, and write the files of copies to their run."""
        by_number = {task.order.number: task for task in list(self._running.values())}
        for number, events, changes in ray.get(self._mailbox.receive.remote()):
            task = by_number.get(number)
            if task and task.paths.run and changes:
                write_changes(task.paths.run, changes)
            for event in events:
                self._events.put(event)

    def _settle(self, ray: Any, ref: Any) -> None:
        """Give the result of a task to its future, or start it again."""
        with self._lock:
            task = self._running.pop(ref)
        try:
            kind, value = ray.get(ref)
            if kind == LACKS:
                self._send_trees(task, value)
            elif kind != ERROR:
                task.future.set_result(value)
            elif isinstance(value[0], Stopped) and not self._stopped:
                self._again(task, TaskDiedError("its node stopped it"))
            else:
                task.future.set_exception(caused(*value))
        except ray.exceptions.RayError as error:
            final = final_error(ray, error)
            if final is None:
                self._again(task, death(ray, error))
            else:
                task.future.set_exception(final)
        except BaseException as error:  # files of the run, or the object store
            task.future.set_exception(error)
            raise

    def _again(self, task: _Task, error: TaskDiedError) -> None:
        """Start a task again after a death, unless it has died too often."""
        task.deaths += 1
        with self._lock:
            if self._stopped:
                task.future.set_exception(Stopped(signal.SIGTERM))
            elif task.deaths > RETRIES:
                task.future.set_exception(error)
            else:
                task.order = replace(task.order, retry=str(error))
                self._start(task)

    def _send_trees(self, task: _Task, keys: Iterable[str]) -> None:
        """Send what a node lacks, and start the task again."""
        with self._lock:
            self._files.send(keys)
            self._start(task)

    def _fail(self, error: BaseException) -> None:
        """Let all tasks fail, because nothing comes from the cluster any more."""
        ray = import_ray()
        with self._lock:
            self._stopped = True
            tasks, self._running = list(self._running.values()), {}
        for task in tasks:
            task.future.set_exception(lost(ray, error))
