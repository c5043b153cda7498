"""The batch size of a run, by trial: each size trains a few steps on a network that is thrown away.

On a GPU the largest size counts that leaves a margin of the memory. On other devices larger batches
are not faster from some size on, so the smallest of the fast sizes counts.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from comp.pipeline.fold_context import FoldContext
from comp.pipeline.lr_find import make_step
from comp.pipeline.memory import memory_limit, peak_memory
from comp.training.device import OutOfMemoryError, explain_out_of_memory
from comp.training.range_test import LOWEST_RATE

FIRST, LARGEST = 8, 1024
"""The smallest and the largest size that are tried; a GPU without room for the first gets less."""
EPOCH_STEPS = 32
"""Batches in an epoch, at least: larger batches would leave too few steps. 32 samples are always
allowed."""
MEMORY_SHARE = 0.8
"""Share of the memory that a step may use; validation, averages and other processes need some."""
FAST = 0.95
"""A size is fast from this share of the highest speed on."""
WARM_STEPS, TIMED_STEPS, TRIAL_S = 2, 8, 0.5
"""Steps before the time counts, and at most this many steps, or seconds, that are timed."""


@dataclass(frozen=True, kw_only=True)
class SizeTrial:
    """A batch size that was tried: training samples per second, whether it fits the memory, and
    whether the memory may be too small for the next size."""

    size: int
    rate: float
    fits: bool
    last: bool = False


def find_batch_size(context: FoldContext, until: float) -> list[SizeTrial]:
    """Try the sizes 8, 16, 32, ... on the training samples of a fold; returns the trials, at least
    one that fits.

    Args:
        until: `time.perf_counter()` after which no other size is tried.

    Raises:
        OutOfMemoryError: the GPU has no room for the smallest batch.
    """
    trials: list[SizeTrial] = []
    size, largest = FIRST, _largest(len(context.train))
    on_gpu = context.accelerator.device.type == "cuda"
    while size <= largest:
        trials.append(_try(context, size))
        trial = trials[-1]
        if not trial.fits or trial.last or time.perf_counter() > until:
            break
        if not on_gpu and trial.rate < FAST * max(each.rate for each in trials):
            break
        size *= 2
    if not any(trial.fits for trial in trials):
        trials += _smaller(context)
    return trials


def chosen_size(trials: Sequence[SizeTrial], on_gpu: bool) -> int:
    """The largest size that fits a GPU; elsewhere the smallest of the fast ones."""
    fitting = [trial for trial in trials if trial.fits]
    if on_gpu:
        return max(trial.size for trial in fitting)
    best = max(trial.rate for trial in fitting)
    return min(trial.size for trial in fitting if trial.rate >= FAST * best)


def _largest(samples: int) -> int:
    return min(LARGEST, max(32, samples // EPOCH_STEPS))


def _smaller(context: FoldContext) -> Iterator[SizeTrial]:
    """The first of the sizes below `FIRST` that fits."""
    size = FIRST // 2
    least = 2 if context.config.loader.mixup or context.config.loader.cutmix else 1
    while size >= least:
        trial = _try(context, size)
        if trial.fits:
            yield trial
            return
        size //= 2
    raise OutOfMemoryError(
        f"the GPU is out of memory with loader.batch_size = {least}: use smaller images or another "
        "backbone"
    )


def _try(context: FoldContext, size: int) -> SizeTrial:
    """Train a few steps with batches of this size."""
    config, device = context.config, context.accelerator.device
    loader = config.loader.model_copy(update={"batch_size": size})
    trial = replace(context, config=config.model_copy(update={"loader": loader}))
    before, limit, rate = _used(device), _limit(device), 0.0
    with suppress(OutOfMemoryError), explain_out_of_memory():
        steps_per_s = _steps_per_second(make_step(trial, WARM_STEPS + TIMED_STEPS))
        rate = steps_per_s * size * config.optim.accumulate
    peak = _used(device)
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return SizeTrial(size=size, rate=rate, fits=rate > 0 and peak <= limit)
    last = limit > 0 and peak + 2 * (peak - before) > limit
    return SizeTrial(size=size, rate=rate, fits=rate > 0, last=last)


def _steps_per_second(step: Callable[[float], float]) -> float:
    """Optimizer steps per second after a warm-up, at a rate that changes no weight much."""
    for _ in range(WARM_STEPS):
        step(LOWEST_RATE)
    started, steps = time.perf_counter(), 0
    while steps < TIMED_STEPS and (steps == 0 or time.perf_counter() - started < TRIAL_S):
        step(LOWEST_RATE)
        steps += 1
    return steps / max(1e-9, time.perf_counter() - started)


def _used(device: torch.device) -> int:
    """The most memory that was used so far, in bytes: since the last call on a GPU, in all
    elsewhere."""
    if device.type != "cuda":
        return peak_memory("cpu").get("memory", 0)
    peak = torch.cuda.max_memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    return peak


def _limit(device: torch.device) -> float:
    """The memory that a step may use, in bytes; 0 if the system does not say."""
    if device.type != "cuda":
        return MEMORY_SHARE * memory_limit()
    free, _ = torch.cuda.mem_get_info(device)
    return MEMORY_SHARE * (free + torch.cuda.memory_allocated(device))
