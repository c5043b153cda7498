"""A small Ray cluster on this machine: nodes of one CPU each."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

FAKES = Path(__file__).parent
STORE_BYTES = 80 * 2**20


class Nodes:
    """The cluster; `address` is that of the head, which is a node too. `cache` of a node is the
    folder of what it fetches."""

    def __init__(self, cache: Path) -> None:
        from ray.cluster_utils import Cluster

        arguments = self._arguments(cache)
        self._cluster: Any = _twice(lambda: Cluster(True, head_node_args=arguments))
        self.address: str = self._cluster.address

    def add(self, cache: Path) -> None:
        """Add a node."""
        _twice(lambda: self._cluster.add_node(wait=True, **self._arguments(cache)))

    def kill_one_of(self, processes: Collection[int]) -> int:
        """Kill the node of one of the processes, and all that runs there, as if the machine lost
        its power; returns the process. It is not the node of the head."""
        (node,) = self._cluster.worker_nodes
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        (found,) = {child.pid for child in raylet.children()} & set(processes)
        for victim in (raylet, *raylet.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        self._cluster.remove_node(node, allow_graceful=False)
        return found

    def tasks(self) -> set[int]:
        """The processes that run tasks of an engine."""
        named = psutil.process_iter(["name", "cmdline"])
        return {p.pid for p in named if "ray::perform" in " ".join(p.info["cmdline"] or ())}

    def shutdown(self) -> None:
        """End all processes."""
        self._cluster.shutdown()

    def _arguments(self, cache: Path) -> dict[str, Any]:
        # With ports, Ray waits less for its agents, which start slowly on a busy machine.
        names = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port")
        ports = {name: free_port() for name in (*names, "runtime_env_agent_port")}
        store = {"object_store_memory": STORE_BYTES, "include_dashboard": False}
        variables = {"env_vars": {"COMP_NODE_CACHE": str(cache)}}
        return {"num_cpus": 1, **store, **ports, **variables}


def _twice(start: Callable[[], Any]) -> Any:
    """Start something of Ray, which gives up after some seconds on a busy machine; returns it."""
    try:
        return start()
    except Exception:
        return start()


def free_port() -> int:
    """A port that nothing uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ray_nodes(cache: Path) -> Iterator[Nodes]:
    """Yield a cluster of one node; at the end nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # Ray's sockets need a short path
    (folder / "ray").mkdir()
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    path = os.pathsep.join(filter(None, (str(FAKES), os.environ.get("PYTHONPATH"))))
    with pytest.MonkeyPatch().context() as patch:
        for name, value in {**quiet, "PYTHONPATH": path, "RAY_TMPDIR": str(folder)}.items():
            patch.setenv(name, value)
        nodes = Nodes(cache)
        try:
            yield nodes
        finally:
            nodes.shutdown()
            shutil.rmtree(folder, ignore_errors=True)
