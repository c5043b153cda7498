"""The contenders of training_loop.py: the bare step, our loop, and Lightning."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from comp.config.schema import RunConfig
from comp.data.dataset import Batch, memory_format, to_unit
from comp.pipeline.fold_context import FoldContext
from comp.training.device import make_accelerator
from comp.training.fit import fit
from comp.training.losses import Loss, make_loss
from comp.training.mixing import Mixer, make_mixer
from comp.training.optim import make_optimizer
from comp.training.spec import FitSpec

PLAIN = {"clip_norm": None, "ema": None}
AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Rate:
    """Images a second, and the share of the time spent waiting for data where it is known."""

    images_per_second: float
    wait_share: float | None = None


@dataclass(frozen=True)
class Ready:
    """Batches in the device's memory, repeated; a list would be many loaders to Lightning."""

    few: Sequence[Batch]
    steps: int

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Batch]:
        return itertools.islice(itertools.cycle(self.few), self.steps)


@dataclass(frozen=True)
class Bench:
    """One fold on drawn data, and how it is to be trained; `files` reads without the cache, where
    the competition has one."""

    context: FoldContext
    files: FoldContext | None
    steps: int
    precision: str
    scratch: Path

    @property
    def device(self) -> torch.device:
        """Where the training runs."""
        return self.context.accelerator.device

    @property
    def loss(self) -> Loss:
        """The loss of a run."""
        return make_loss(self.context.competition, self.context.config, self.context.train)

    @property
    def mixer(self) -> Mixer:
        """What a run makes of the encoded targets."""
        return make_mixer(self.context.competition, self.context.config)

    def config(self, plain: bool) -> RunConfig:
        """The configuration, `plain` without moving average and clipping."""
        config = self.context.config
        optim = config.optim.model_copy(update=PLAIN) if plain else config.optim
        return config.model_copy(update={"optim": optim})

    def model(self) -> torch.nn.Module:
        """A new model, the same every time."""
        torch.manual_seed(0)
        return self.context.competition.model(self.context.config)

    def loader(
        self, workers: int = 0, context: FoldContext | None = None
    ) -> torch.utils.data.DataLoader[Batch]:
        """The loader that a run would use."""
        context = context or self.context
        loading = context.config.loader.model_copy(update={"workers": workers})
        config = context.config.model_copy(update={"loader": loading})
        return replace(context, config=config).batches(self.steps)

    def ready(self) -> Ready:
        """A few batches on the device, repeated for every step."""
        few = [
            {name: tensor.to(self.device) for name, tensor in batch.items()}
            for batch in itertools.islice(self.loader(), 8)
        ]
        return Ready(few, self.steps)


def synchronize(device: torch.device) -> None:
    """Wait for the device to finish what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def bare(bench: Bench, batches: Ready) -> Rate:
    """Forward, loss, backward, optimizer step, on batches in the device's memory."""
    device, config = bench.device, bench.config(plain=True)
    layout = memory_format(config)
    model = bench.model().to(device, memory_format=layout)  # type: ignore[call-overload]
    optimizer = make_optimizer(model, config.optim)
    dtype, compute, mixer = AUTOCAST.get(bench.precision), bench.loss, bench.mixer
    model.train()
    images = 0
    synchronize(device)
    began = time.perf_counter()
    for batch in batches:
        image, target, _ = mixer(to_unit(batch["image"]), to_unit(batch["target"]))
        image = image.contiguous(memory_format=layout)
        with torch.autocast(device.type, dtype, enabled=dtype is not None):
            loss = compute(model(image), target)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        images += len(image)
    synchronize(device)
    return Rate(images / (time.perf_counter() - began))


def ours(bench: Bench, batches: Any, plain: bool = True) -> Rate:
    """`comp.training.fit.fit`, with a validation that costs nothing."""
    config = bench.config(plain).model_copy(update={"validations": 1})
    job = FitSpec(
        config=config,
        fold=0,
        mixer=bench.mixer,
        loss=bench.loss,
        score=lambda _model: 0.0,
        better=bench.context.competition.metric.better,
        steps=bench.steps,
        epoch_steps=bench.steps,
        history=bench.scratch / "history.jsonl",
    )
    accelerator = make_accelerator(bench.device, bench.precision)  # type: ignore[arg-type]
    meter = fit(bench.model(), batches, job, accelerator).meter
    seconds = meter.seconds - meter.validate_s
    return Rate(meter.images / seconds, meter.wait_s / seconds)


def lightning(bench: Bench, batches: Any) -> Rate:
    """Lightning's Trainer, quiet and without checkpoints."""
    import lightning as pl

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # set to INFO at its import
    config = bench.config(plain=True)
    layout, compute, mixer = memory_format(config), bench.loss, bench.mixer
    times: list[float] = []
    images = 0

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = bench.model().to(memory_format=layout)  # type: ignore[call-overload]

        def training_step(self, batch: Batch, _index: int) -> torch.Tensor:
            nonlocal images
            image, target, _ = mixer(to_unit(batch["image"]), to_unit(batch["target"]))
            images += len(image)
            return compute(self.network(image.contiguous(memory_format=layout)), target)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return make_optimizer(self.network, config.optim)

        def on_train_start(self) -> None:
            times.append(time.perf_counter())

        def on_train_end(self) -> None:
            synchronize(bench.device)
            times.append(time.perf_counter())

    trainer = pl.Trainer(
        accelerator="gpu" if bench.device.type == "cuda" else "cpu",
        devices=1,
        precision={"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[bench.precision],
        max_steps=bench.steps,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=bench.scratch,
    )
    trainer.fit(Module(), batches)
    return Rate(images / (times[1] - times[0]))
