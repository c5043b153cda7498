"""The device of the nodes of a cluster, which is asked of a node before anything is prepared."""

from __future__ import annotations

from concurrent.futures import wait

import torch

from comp.config.schema import Precision, RunConfig
from comp.engines.engine import Engine, Report, TaskDiedError
from comp.engines.ray_session import starts_here
from comp.errors import DeviceError, RunError
from comp.pipeline.auto_values import auto_keys
from comp.signals import stop_if_requested
from comp.training.device import choose_device, choose_precision, describe
from comp.training.elsewhere import Elsewhere


def of_nodes(config: RunConfig, on: str) -> bool:
    """Whether a configuration asks for a GPU of the nodes of `on`, the address of a cluster.

    Raises:
        ConfigError: `on` is not a cluster.
    """
    return config.device.partition(":")[0] == "cuda" and bool(on) and not starts_here(on)


def find_elsewhere(engine: Engine, config: RunConfig) -> Elsewhere | None:
    """The device of the tasks of an engine; None: that of this machine.

    Raises:
        ConfigError, DeviceError: a node does not have what the configuration or the cluster says,
            or this machine needs a GPU.
        RunError: the process that looked died.
    """
    kind = getattr(engine, "device", "")
    if not kind:
        return None
    if kind != "cuda":
        device = choose_device(kind)
        precision = choose_precision(config.precision, device)
        return Elsewhere(kind=kind, text=describe(device), precision=precision)
    if not torch.cuda.is_available():
        _check_without_gpu(config)
    text, found = _ask(engine, config.precision)
    return Elsewhere(kind=kind, text=text, precision=found)


def device_task(precision: Precision, _report: Report) -> tuple[str, Precision]:
    """The GPU of the process of a task, and the precision in which it trains.

    Raises:
        DeviceError: it has none, or not in this precision.
    """
    device = choose_device("cuda")
    return describe(device), choose_precision(precision, device)


def _ask(engine: Engine, precision: Precision) -> tuple[str, Precision]:
    future = engine.submit(device_task, precision)
    while not wait([future], timeout=0.1).done:
        stop_if_requested()
    try:
        text, found = future.result()
    except TaskDiedError as error:
        raise RunError(f"the process that looked for a GPU died ({error}): start again") from None
    except DeviceError as error:
        raise DeviceError(
            f"the cluster has GPUs, but a task on one of them cannot use it ({error}): install the "
            "driver and torch for CUDA there, or give --device cpu"
        ) from None
    return text, found


def _check_without_gpu(config: RunConfig) -> None:
    """Check that this machine, which has no GPU, measures and predicts nothing for the run.

    Raises:
        DeviceError: it would, and not with the device of the nodes.
    """
    keys = [f"{key} = auto" for key in auto_keys(config)]
    keys += [key for key in ("validation", "external_folds") if getattr(config, key)]
    if keys:
        raise DeviceError(
            f"{keys[0]} needs the device of the folds on this machine, which has no GPU: run the "
            "command on a node with a GPU, leave it out, or give --device cpu"
        )
