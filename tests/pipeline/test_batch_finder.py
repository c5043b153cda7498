"""The batch size of a run: which sizes are tried, and which one counts."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from comp.config.schema import resolve
from comp.pipeline import batch_finder
from comp.pipeline.batch_finder import SizeTrial, chosen_size, find_batch_size
from comp.training.device import OutOfMemoryError

FOREVER = float("inf")


def context(samples: int, device: str = "cpu", **loader: Any) -> Any:
    return SimpleNamespace(
        train=range(samples),
        accelerator=SimpleNamespace(device=torch.device(device)),
        config=resolve("toy", [{"loader": loader}]),
    )


def tried(
    monkeypatch: pytest.MonkeyPatch, rates: dict[int, float], room: int = 10**9, **how: Any
) -> list[SizeTrial]:
    """The trials on a device with room for batches of `room`."""

    def trial(_context: object, size: int) -> SizeTrial:
        return SizeTrial(size=size, rate=rates.get(size, 1000.0), fits=size <= room)

    monkeypatch.setattr(batch_finder, "_try", trial)
    until = how.pop("until", FOREVER)
    return find_batch_size(context(**how), until)


def test_on_the_cpu_no_size_is_tried_beyond_the_fastest_and_the_smallest_fast_one_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates = {8: 50.0, 16: 97.0, 32: 100.0, 64: 80.0}
    trials = tried(monkeypatch, rates, samples=10_000)
    assert [trial.size for trial in trials] == [8, 16, 32, 64]
    assert chosen_size(trials, on_gpu=False) == 16


def test_on_a_gpu_the_largest_that_fits_counts_however_fast(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates = {8: 50.0, 16: 97.0, 32: 60.0, 64: 40.0}
    trials = tried(monkeypatch, rates, room=64, samples=100_000, device="cuda")
    assert [(trial.size, trial.fits) for trial in trials][-2:] == [(64, True), (128, False)]
    assert chosen_size(trials, on_gpu=True) == 64


@pytest.mark.parametrize(("samples", "largest"), [(40, 32), (4_000, 64), (10**7, 1024)])
def test_an_epoch_keeps_enough_steps(
    samples: int, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = {2**n: 2.0**n for n in range(3, 12)}
    trials = tried(monkeypatch, rates, samples=samples, device="cuda")
    assert trials[-1].size == largest


def test_a_gpu_without_room_for_8_gets_less_and_mixing_keeps_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trials = tried(monkeypatch, {}, room=2, samples=100, device="cuda")
    assert chosen_size(trials, on_gpu=True) == 2
    with pytest.raises(OutOfMemoryError, match=r"loader\.batch_size = 2"):
        tried(monkeypatch, {}, room=1, samples=100, device="cuda", mixup=0.3)


def test_no_other_size_is_tried_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = tried(monkeypatch, {}, samples=10_000, until=time.perf_counter() - 1)
    assert [trial.size for trial in trials] == [8]


def test_a_size_that_does_not_fit_is_a_trial_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_memory(*_: object) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(batch_finder, "make_step", no_memory)
    monkeypatch.setattr(batch_finder, "replace", lambda value, **_: value)
    assert not batch_finder._try(context(100), 8).fits


@pytest.mark.gpu
def test_a_gpu_keeps_a_margin_of_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    device = torch.device("cuda")
    free, _ = torch.cuda.mem_get_info(device)

    def step_of(trial: Any, _steps: int) -> Any:
        count = trial.config.loader.batch_size * free // 100
        return lambda _rate: float(torch.empty(count, dtype=torch.uint8, device=device).numel())

    monkeypatch.setattr(batch_finder, "make_step", step_of)
    monkeypatch.setattr(batch_finder, "replace", lambda value, **_: value)
    trials = []
    for size in (8, 64, 90, 256):
        given = context(10**6, "cuda", batch_size=size)
        trials.append(batch_finder._try(given, size))
    assert [trial.fits for trial in trials] == [True, True, False, False]
    assert torch.cuda.memory_allocated(device) < free // 100
