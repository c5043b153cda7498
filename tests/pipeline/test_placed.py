"""The engine of a run, and the threads of torch in this process meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from inline_engine import InlineEngine

from comp.config.placement import Placement
from comp.config.schema import RunConfig, resolve
from comp.engines.choose import Machine
from comp.engines.engine import Engine
from comp.errors import DeviceError
from comp.pipeline import fold_task, placed
from comp.pipeline.placed import machine_of, run_engine, task_config, task_threads
from comp.training.elsewhere import Elsewhere, trains_elsewhere


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Placement, Machine, int]]:
    """The arguments of `choose_engine`, on a machine of eight cores."""
    calls: list[tuple[Placement, Machine, int]] = []

    def choose(placement: Placement, machine: Machine, tasks: int, module: str) -> Engine | None:
        assert module == fold_task.__name__
        calls.append((placement, machine, tasks))
        return InlineEngine() if placement.jobs else None

    monkeypatch.setattr(placed, "choose_engine", choose)
    monkeypatch.setattr(placed, "cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return calls


def config(**settings: Any) -> RunConfig:
    return resolve("toy", [{"device": "cpu", **settings}])


def test_without_an_engine_nothing_changes(asked: list[tuple[Placement, Machine, int]]) -> None:
    with run_engine(config(), None, 5) as engine:
        assert engine is None
        assert torch.get_num_threads() == 3


def test_this_process_has_the_threads_of_the_others(
    asked: list[tuple[Placement, Machine, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_engine(config(seeds=2), Placement(jobs=4), 5) as engine:
        assert engine
        assert torch.get_num_threads() == task_threads(config()) == 2
    assert torch.get_num_threads() == 3
    assert asked[0][1:] == (Machine(device="cpu", threads=2), 10)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with run_engine(config(), Placement(jobs=4), 5):
        assert torch.get_num_threads() == 3


def test_a_run_that_resumes_keeps_its_threads(
    asked: list[tuple[Placement, Machine, int]],
) -> None:
    with run_engine(config(), Placement(jobs=4), 5, resumes=True):
        assert torch.get_num_threads() == 3
    assert asked[0][1].threads == 3


def test_a_task_sees_its_own_gpus_from_zero() -> None:
    assert task_config(config(device="cuda:1")).device == "cuda"
    assert task_config(config(device="cpu")).device == "cpu"


def test_a_task_on_a_cluster_has_the_device_and_precision_of_the_record() -> None:
    there = Elsewhere(kind="cuda", text="cuda (X)", precision="fp16")
    with trains_elsewhere(there):
        given = task_config(config(device="auto", precision="auto"))
        assert (given.device, given.precision) == ("cuda", "fp16")
        assert task_threads(config(device="auto")) is None


def test_auto_asks_a_cluster_and_not_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert machine_of(config(device="auto"), "10.0.0.1:6379").auto
    assert not machine_of(config(device="cpu"), "10.0.0.1:6379").auto
    assert not machine_of(config(device="auto"), "ray").auto
    assert machine_of(config(device="cuda"), "10.0.0.1:6379") == Machine(device="cuda")
    with pytest.raises(DeviceError, match="no device 'cuda' on this machine"):
        machine_of(config(device="cuda"), "ray")
