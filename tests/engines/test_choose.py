"""How many tasks run at the same time, and what each gets."""

from __future__ import annotations

import pytest

from comp.config.placement import Placement
from comp.engines import choose
from comp.engines.choose import Machine, choose_engine, job_count, slot_threads
from comp.errors import ConfigError, DeviceError

CPU, FOUR = Machine(device="cpu"), Machine(device="cuda", gpus=("0", "2", "5", "7"))


@pytest.mark.parametrize(
    ("placement", "machine", "tasks", "jobs"),
    [
        (Placement(), CPU, 5, 1),
        (Placement(jobs=3), CPU, 5, 3),
        (Placement(jobs=9), CPU, 5, 5),
        (Placement(), FOUR, 5, 4),
        (Placement(), FOUR, 2, 2),
        (Placement(gpus=2), FOUR, 5, 2),
        (Placement(jobs=1), FOUR, 5, 1),
        (Placement(), Machine(device="mps"), 5, 1),
        (Placement(jobs=1), Machine(device="mps"), 5, 1),
    ],
)
def test_jobs_follow_the_device_and_the_tasks(
    placement: Placement, machine: Machine, tasks: int, jobs: int
) -> None:
    assert job_count(placement, machine, tasks) == jobs


def test_jobs_on_the_gpu_of_a_mac_are_refused() -> None:
    with pytest.raises(DeviceError, match="jobs = 2 on mps"):
        choose_engine(Placement(jobs=2), Machine(device="mps"), 5)


@pytest.mark.parametrize("values", [{"jobs": 0}, {"jobs": -1}, {"gpus": 0}])
def test_numbers_below_one_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="give a number of at least 1"):
        Placement(**values)


@pytest.mark.parametrize("data", ["copy", "path", "s3://bucket/data.zip"])
def test_data_for_nodes_without_a_cluster_is_refused(data: str) -> None:
    with pytest.raises(ConfigError, match=f"node_data = {data}: only a cluster has nodes"):
        Placement(jobs=2, node_data=data)
    assert Placement(on="ray", node_data=data).node_data == data


def test_each_slot_has_its_gpus_and_its_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choose, "cores", lambda: 9)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    slots = [choose._environment(Placement(gpus=2), FOUR, 2, slot) for slot in range(2)]
    assert [slot["CUDA_VISIBLE_DEVICES"] for slot in slots] == ["0,2", "5,7"]
    assert {(slot["COMP_CORES"], slot["OMP_NUM_THREADS"]) for slot in slots} == {("4", "4")}
    three = [choose._environment(Placement(), FOUR, 6, slot) for slot in range(6)]
    assert [slot["CUDA_VISIBLE_DEVICES"] for slot in three] == ["0", "2", "5", "7", "0", "2"]
    assert "CUDA_VISIBLE_DEVICES" not in choose._environment(Placement(), CPU, 2, 0)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert slot_threads(CPU, 2) is None
    assert "OMP_NUM_THREADS" not in choose._environment(Placement(), CPU, 2, 0)
    assert slot_threads(Machine(device="cpu", threads=5), 2) == 5
