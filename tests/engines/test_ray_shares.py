"""The share of a cluster that each task gets."""

from __future__ import annotations

from typing import Any

import pytest

from comp.engines.ray_shares import Share, device_kind, task_share
from comp.errors import DeviceError

CPU_8 = {"CPU": 8.0}
GPU_4 = {"CPU": 32.0, "GPU": 4.0}


@pytest.mark.parametrize(
    ("nodes", "jobs", "gpus", "tasks", "expected"),
    [
        ([{"CPU": 0.0}, CPU_8, CPU_8], None, 0, 5, (8, 0, 2)),
        ([CPU_8, CPU_8], 5, 0, 5, (2, 0, 5)),  # 3 on one node, 2 on the other
        ([CPU_8], 3, 0, 2, (4, 0, 2)),
        ([CPU_8], 100, 0, 50, (1, 0, 8)),
        ([GPU_4, CPU_8], None, 1, 10, (8, 1, 4)),
        ([GPU_4, GPU_4], None, 2, 10, (16, 2, 4)),
        ([{"CPU": 8.0, "GPU": 1.0}], 3, 1, 5, (2, 1 / 3, 3)),
        ([{"CPU": 2.0, "GPU": 1.0}], None, 1, 5, (2, 1, 1)),
    ],
)
def test_shares(nodes: Any, jobs: Any, gpus: int, tasks: int, expected: Any) -> None:
    cpus, part, slots = expected
    assert task_share(nodes, jobs, gpus, tasks) == Share(cpus=cpus, gpus=part, slots=slots)


@pytest.mark.parametrize(
    ("nodes", "gpus", "words"),
    [
        ([{"CPU": 0.0}], 0, "which needs 1 CPU: 1 nodes have up to 0 CPUs and 0 GPUs"),
        ([GPU_4, CPU_8], 8, "which needs 1 CPU and 8 GPUs: 2 nodes have up to 32 CPUs and 4 GPUs"),
        ([CPU_8], 1, "add nodes, or give --device cpu"),
    ],
)
def test_a_task_that_no_node_can_run(nodes: Any, gpus: int, words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        task_share(nodes, None, gpus, 5)


@pytest.mark.parametrize(
    ("nodes", "here", "auto", "kind"),
    [
        ([CPU_8, GPU_4], "cpu", True, "cuda"),
        ([CPU_8, GPU_4], "mps", True, "cuda"),
        ([CPU_8, GPU_4], "cpu", False, "cpu"),  # the user wants the CPU
        ([CPU_8], "cpu", True, "cpu"),
        ([{"CPU": 0.0, "GPU": 1.0}, CPU_8], "cpu", True, "cpu"),  # no task gets that GPU
    ],
)
def test_auto_is_a_gpu_of_the_cluster(nodes: Any, here: str, auto: bool, kind: str) -> None:
    assert device_kind(nodes, here, auto) == kind
