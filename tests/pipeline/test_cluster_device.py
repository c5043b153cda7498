"""The device of the nodes of a cluster, which here is one process without a GPU."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, cast

import pytest
import torch

from comp.config.schema import RunConfig, resolve
from comp.engines.engine import Engine, TaskDiedError
from comp.errors import DeviceError, RunError
from comp.pipeline import cluster_device
from comp.pipeline.cluster_device import find_elsewhere, of_nodes
from comp.pipeline.resume_checks import with_recorded_device
from comp.runs.progress import Silent
from comp.training.elsewhere import Elsewhere


class OneNode:
    """Runs each task at once; `device` is the kind of the cluster."""

    def __init__(self, device: str) -> None:
        self.device = device

    def submit(self, function: Any, *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, print))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def config(**keys: Any) -> RunConfig:
    return resolve("toy", [keys])


def found(device: str, **keys: Any) -> Elsewhere | None:
    return find_elsewhere(cast(Engine, OneNode(device)), config(**keys))


def test_processes_of_this_machine_have_its_device() -> None:
    assert found("") is None


def test_nodes_without_a_gpu_train_as_recorded() -> None:
    here = found("cpu")
    assert here
    assert (here.kind, here.precision) == ("cpu", "fp32")


def test_a_gpu_that_torch_does_not_find_is_not_replaced_by_the_cpu() -> None:
    with pytest.raises(DeviceError, match=r"has GPUs, but .*no device 'cuda' .*--device cpu$"):
        found("cuda")


def test_a_node_says_its_gpu_and_the_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_device, "device_task", lambda *_: ("cuda (X)", "fp16"))
    assert found("cuda") == Elsewhere(kind="cuda", text="cuda (X)", precision="fp16")


@pytest.mark.parametrize("keys", [{"optim": {"lr": "auto"}}, {"validation": "other"}])
def test_what_this_machine_measures_or_predicts_needs_a_gpu_here(keys: Any) -> None:
    with pytest.raises(DeviceError, match=r"on this machine, which has no GPU"):
        found("cuda", **keys)


def test_a_process_that_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: Any) -> None:
        raise TaskDiedError("its node died")

    monkeypatch.setattr(cluster_device, "device_task", die)
    with pytest.raises(RunError, match="its node died"):
        found("cuda")


def test_a_gpu_of_the_nodes_is_not_looked_for_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert of_nodes(config(device="cuda"), "10.0.0.1:6379")
    assert not of_nodes(config(device="cuda"), "ray")
    assert not of_nodes(config(device="cpu"), "10.0.0.1:6379")
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert of_nodes(config(device="cuda"), "ray")


def test_a_run_of_gpus_of_nodes_resumes_from_a_machine_without_one() -> None:
    record = {"device": "cuda (X)", "precision": "bf16"}
    resumed = with_recorded_device(config(), record, Silent(), "10.0.0.1:6379")
    assert (resumed.device, resumed.precision) == ("cuda", "bf16")
    with pytest.raises(DeviceError, match=r"^the run used cuda \(X\) in bf16, which this machine"):
        with_recorded_device(config(), record, Silent())
