"""The training section of gpu.py: the bare step by precision and layout, and our loop against it.

The bare step is forward, loss, backward and optimizer step on batches that lie ready on the device.
Our loop reads drawn photographs from the image cache with workers that augment them. Everything is
measured in turn, several rounds in one process; ratios are medians of the rounds' ratios to the
bare step with the settings of our loop. The first steps of each measurement do not count: workers
start, and kernels are chosen or compiled.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.data.dataset import Batch, memory_format
from comp.data.folds import make_folds, write_folds
from comp.data.images.prepare import prepare_images
from comp.data.location import draw_synthetic_data
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.runs.folder import RunFolder
from comp.training import fit as fit_module
from comp.training.batch import batch_loss
from comp.training.device import make_accelerator
from comp.training.losses import make_loss
from comp.training.meter import Meter
from comp.training.mixing import make_mixer
from comp.training.optim import make_optimizer
from comp.training.spec import FitSpec

if TYPE_CHECKING:
    from gpu_sections import Rows, Task

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
WARM_STEPS = 8


@dataclass(frozen=True)
class Rate:
    """Images a second, and the share of the time in which the loop waited for data."""

    images_per_second: float
    waiting: float | None = None


@dataclass(frozen=True)
class Setup:
    """A fold, the settings of one contender, and the optimizer steps of a measurement."""

    context: FoldContext
    precision: str
    channels_last: bool
    compiled: bool
    steps: int

    @property
    def config(self) -> RunConfig:
        """The configuration without moving average and clipping, as the bare step."""
        config = self.context.config
        optim = config.optim.model_copy(update={"clip_norm": None, "ema": None})
        return config.model_copy(
            update={
                "optim": optim,
                "channels_last": self.channels_last,
                "compile": self.compiled,
                "validations": 1,
            }
        )

    @property
    def device(self) -> torch.device:
        """Where it trains."""
        return self.context.accelerator.device

    def model(self) -> torch.nn.Module:
        """A new network, the same every time."""
        torch.manual_seed(0)
        return self.context.competition.model(self.config)


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def bare(setup: Setup, batches: Sequence[Batch]) -> Rate:
    """The bare step."""
    device, config, context = setup.device, setup.config, setup.context
    model: Any = setup.model().to(device, memory_format=memory_format(config))  # type: ignore[call-overload]
    optimizer = make_optimizer(model, config.optim)
    network = torch.compile(model) if setup.compiled else model
    mixer = make_mixer(context.competition, config)
    loss = make_loss(context.competition, config, context.train)
    dtype, images, began = DTYPES.get(setup.precision), 0, 0.0
    scaler = torch.amp.GradScaler(device.type, enabled=dtype is torch.float16)
    model.train()
    for step, batch in enumerate(itertools.islice(itertools.cycle(batches), setup.steps)):
        if step == WARM_STEPS:
            synchronize(device)
            images, began = 0, time.perf_counter()
        with torch.autocast(device.type, dtype) if dtype else nullcontext():
            value = batch_loss(network, batch, config, loss, mixer)
        scaler.scale(value).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        images += len(batch["target"])
    synchronize(device)
    return Rate(images / (time.perf_counter() - began))


class WatchedMeter(Meter):
    """A meter that notes when the steps that count begin and end."""

    marks: list[tuple[float, float, int]] = []
    steps = 0
    device = torch.device("cpu")

    def add(self, loss: torch.Tensor, images: int, lr: float = float("nan")) -> None:
        """Count one batch."""
        super().add(loss, images, lr)
        if self.batches in (WARM_STEPS, self.steps):
            synchronize(self.device)
            self.marks.append((time.perf_counter(), self.wait_s, self.images))


def ours(setup: Setup, batches: Any) -> Rate:
    """`comp.training.fit.fit` on batches, which are a loader or lie ready."""
    config, context = setup.config, setup.context
    spec = FitSpec(
        config=config,
        fold=0,
        mixer=make_mixer(context.competition, config),
        loss=make_loss(context.competition, config, context.train),
        score=lambda _model: 0.0,
        better=context.competition.metric.better,
        steps=setup.steps,
        epoch_steps=setup.steps,
        history=context.origin[2] / "history.jsonl",  # type: ignore[index]
    )
    marks: list[tuple[float, float, int]] = []
    settings = {"marks": marks, "steps": setup.steps, "device": setup.device}
    watched = type("Watched", (WatchedMeter,), settings)
    accelerator = make_accelerator(setup.device, setup.precision)  # type: ignore[arg-type]
    with patch.object(fit_module, "Meter", watched):
        fit_module.fit(setup.model(), batches, spec, accelerator)
    (began, waited, images), (ended, waited_at_end, images_at_end) = marks
    seconds = ended - began
    return Rate((images_at_end - images) / seconds, (waited_at_end - waited) / seconds)


def make_context(task: Task) -> FoldContext:
    """The first fold of drawn photographs, from the image cache."""
    competition = registry.get("cats-dogs")
    data, run = task.scratch / "data", RunFolder(task.scratch / "run")
    draw_synthetic_data(competition, data)
    own = {
        "backbone": "resnet18" if task.quick else "convnext_tiny",
        "pretrained": False,
        "image": {"size": 64 if task.quick else 224},
        "loader": {"batch_size": 8 if task.quick else 128, "workers": 2 if task.quick else 8},
        "device": task.device,
        "precision": "fp32",
    }
    config = resolve(competition.name, [competition.defaults, own], competition.options)
    run.path.mkdir()
    train = competition.samples(data, "train")
    write_folds(run.folds_csv, train, make_folds(train, 5, "auto", 0))
    every = [*train, *competition.samples(data, "test")]
    prepared = prepare_images(competition, config, every, task.scratch / "images", None)
    prepared.write_pointer(run.reader_folder)
    return make_fold_context(config, 0, data, run.path)


def contenders(task: Task, context: FoldContext) -> dict[str, Callable[[], Rate]]:
    """What is measured in each round; the first is the bare step with the settings of our loop."""
    cuda = task.device != "cpu"
    steps = WARM_STEPS + (4 if task.quick else 40)
    usual = Setup(context, "bf16" if cuda else "fp32", True, False, steps)
    ready = [
        {name: tensor.to(usual.device) for name, tensor in batch.items()}
        for batch in itertools.islice(context.batches(4), 4)
    ]
    found: dict[str, Callable[[], Rate]] = {}

    def add(label: str, setup: Setup) -> None:
        found[label] = lambda: bare(setup, ready)

    add(f"bare step, {usual.precision}, channels_last", usual)
    add(f"bare step, {usual.precision}, contiguous", replace(usual, channels_last=False))
    if cuda:
        add("bare step, fp32, channels_last", replace(usual, precision="fp32"))
        add("bare step, fp16, channels_last", replace(usual, precision="fp16"))
        add("bare step, bf16, channels_last, compiled", replace(usual, compiled=True))
    workers = context.config.loader.workers
    found["ours, batches in memory"] = lambda: ours(usual, Ready(ready, usual.steps))
    found[f"ours, {workers} workers"] = lambda: ours(usual, context.batches(steps))
    return found


@dataclass(frozen=True)
class Ready:
    """Batches on the device, repeated."""

    few: Sequence[Batch]
    steps: int

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Any:
        return itertools.islice(itertools.cycle(self.few), self.steps)


def measure(task: Task) -> Rows:
    """Three rounds, or as many as there is time for; at least one."""
    context = make_context(task)
    tasks = contenders(task, context)
    rates: dict[str, list[Rate]] = {name: [] for name in tasks}
    longest_s, rounds = 0.0, 0
    while rounds == 0 or (rounds < (1 if task.quick else 3) and task.left() > 1.5 * longest_s):
        began = time.perf_counter()
        for name, call in tasks.items():
            rates[name].append(call())
        longest_s, rounds = max(longest_s, time.perf_counter() - began), rounds + 1
    first = [rate.images_per_second for rate in next(iter(rates.values()))]
    rows = [row(name, found, first) for name, found in rates.items()]
    config = context.config
    size = f"{config.backbone}, {config.image.size} pixels, batches of {config.loader.batch_size}"
    return rows, [f"{size}; median of {rounds} rounds"]


def row(name: str, rates: Sequence[Rate], first: Sequence[float]) -> dict[str, Any]:
    """A row of the table: medians over the rounds, and the spread of the ratio."""
    speeds = [rate.images_per_second for rate in rates]
    ratios = [speed / base for speed, base in zip(speeds, first, strict=True)]
    waits = [rate.waiting for rate in rates if rate.waiting is not None]
    return {
        "loop": name,
        "images/s": statistics.median(speeds),
        "of the first": statistics.median(ratios),
        "spread": max(ratios) - min(ratios),
        "waiting": statistics.median(waits) if waits else None,
    }
