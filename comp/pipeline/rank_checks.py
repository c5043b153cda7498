"""Checks that a configuration can train on several ranks, before anything is prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comp.config.auto import is_auto
from comp.config.launched import launcher_settings
from comp.config.placement import Placement
from comp.config.schema import Precision, RunConfig
from comp.errors import ConfigError, DeviceError

if TYPE_CHECKING:
    import torch

    from comp.training.ranks import Ranks


def placement_of_ranks(placement: Placement, ranks: Ranks) -> Placement:
    """Where the folds of a run train, if this process has these ranks.

    Raises:
        ConfigError: the placement says otherwise.
    """
    if ranks.alone:
        if placement.gpus > 1:
            raise ConfigError(
                f"gpus = {placement.gpus}, but this is one process: start the script with "
                f"'torchrun --nproc-per-node {placement.gpus}', or use 'comp run NAME --gpus "
                f"{placement.gpus}', in a notebook with ! before it"
            )
        return placement
    check_one_job(placement, ranks.size)
    if placement.gpus not in (1, ranks.size):
        raise ConfigError(
            f"gpus = {placement.gpus}, but the launcher started {ranks.size} processes: leave gpus "
            "out"
        )
    return Placement(jobs=1, gpus=ranks.size)


def check_one_job(placement: Placement, processes: int) -> None:
    """Check that folds which several processes train do not train side by side.

    Raises:
        ConfigError: they shall.
    """
    if (placement.jobs or 1) > 1 or placement.on:
        option = f"on = {placement.on}" if placement.on else f"jobs = {placement.jobs}"
        raise ConfigError(
            f"{option} and gpus = {processes} exclude each other, since with gpus one fold trains "
            "after another: leave one of them out"
        )


def check_ranks(config: RunConfig, device: torch.device, ranks: Ranks) -> None:
    """Check the device and the batch size.

    Raises:
        ConfigError: the ranks do not divide the batch size, or its number is not known.
        DeviceError: the machine has fewer GPUs than ranks, or another kind of device.
    """
    if ranks.alone:
        return
    _check_device(device, ranks)
    size, parts = config.loader.batch_size, ranks.size * (2 if is_mixed(config) else 1)
    if is_auto(size):
        raise ConfigError(
            "loader.batch_size = auto finds the size for one process, but each batch is split "
            f"between {ranks.size}: give a multiple of {parts}"
        )
    if size % parts:
        below, above = size // parts * parts, (size // parts + 1) * parts
        nearest = " or ".join(str(near) for near in (below, above) if near)
        pairs = ", whose images are mixed in pairs," if is_mixed(config) else ""
        raise ConfigError(
            f"loader.batch_size = {size}{pairs} cannot be split between {ranks.size} processes: "
            f"set loader.batch_size={nearest}"
        )
    if config.budget and ranks.size > ranks.local_size:
        raise ConfigError(
            "a budget is measured by processes of one machine, but the launcher started "
            f"{ranks.size} on several: set max_steps or epochs in place of budget"
        )


def check_launcher(config: RunConfig, device: torch.device, precision: Precision) -> None:
    """Check that `accelerate launch` was not told to train in another way than the run.

    Args:
        precision: of the run, not "auto".

    Raises:
        ConfigError: it was.
    """
    own = {"precision": precision, "device": device.type, "compile": str(config.compile).lower()}
    for key, value in launcher_settings().items():
        if value != own[key]:
            raise ConfigError(
                f"'accelerate launch' was told {key} = {value}, but the run has {key} = "
                f"{own[key]}: leave it out of the launcher's options and configuration file, and "
                f"set {key} for comp"
            )


def _check_device(device: torch.device, ranks: Ranks) -> None:
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(
            f"{ranks.size} processes cannot train on {device.type}: start one process, or set "
            "device=cpu"
        )
    if device.type != "cuda":
        return
    if ":" in str(device):
        raise DeviceError(
            f"device = {device} is one GPU, but {ranks.size} processes train on one GPU each: "
            "leave device out, and choose GPUs by CUDA_VISIBLE_DEVICES"
        )
    import torch

    check_gpus(ranks.local_size, torch.cuda.device_count())


def check_gpus(wanted: int, found: int) -> None:
    """Check that this machine has a GPU for each process.

    Raises:
        DeviceError: it has fewer.
    """
    if found < wanted:
        found_text = {0: "no GPU", 1: "1 GPU"}.get(found, f"{found} GPUs")
        advice = f"use --gpus {found}" if found > 1 else "leave --gpus out, or start one process"
        raise DeviceError(
            f"a fold on {wanted} GPUs needs {wanted} of them, but torch sees {found_text}: {advice}"
        )


def is_mixed(config: RunConfig) -> bool:
    """Whether the images of a batch are mixed in pairs."""
    return config.loader.mixup > 0 or config.loader.cutmix > 0


def describe_ranks(device: str, ranks: Ranks, config: RunConfig) -> list[str]:
    """Notes about a run on several ranks; none on one.

    Args:
        device: as `comp.training.device.describe` describes it.
    """
    if ranks.alone:
        return []
    each = config.loader.batch_size // ranks.size
    on_gpus = device.startswith("cuda")
    where = "GPUs" if on_gpus else "processes on the CPU"
    text = f"each fold trains on {ranks.size} {where}, {each} samples of every batch on each"
    if not on_gpus or config.optim.sync_batch_norm == "off":
        text += "; a BatchNorm layer takes the statistics of one part, not of the whole batch"
    return [text]
