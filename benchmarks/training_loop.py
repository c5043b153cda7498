"""Images a second of our training loop against the bare step and against Lightning.

    python benchmarks/training_loop.py [--rounds 5] [--steps 60] [--device cpu]
        [--precision fp32,bf16] [--batch-size 8] [--crop 64] [--json]

The bare step is forward, loss, backward and optimizer step on batches that lie ready on the device:
the most that any loop could reach. The others do the same work on the same model, without moving
average and gradient clipping unless they say so; where they say "loader" they also read, crop, flip
and stack the pages of drawn data. All run in turn, several rounds in one process, and the ratio is
the median of the rounds' ratios to the bare step of the same round.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from results import show

from comp.config import RunConfig, resolve
from comp.data.dataset import Batch, Draws, SampleSet, train_loader
from comp.data.folds import make_folds, write_folds
from comp.data.location import draw_sample
from comp.fold import Setting, make_setting
from comp.runfolder import RunFolder
from comp.training.device import choose_device, describe, make_accelerator
from comp.training.fit import Job, fit, memory_format, to_unit
from comp.training.optim import make_optimizer
from competitions.denoising import COMPETITION

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
    """One fold on drawn data, and how it is to be trained."""

    setting: Setting
    steps: int
    precision: str
    scratch: Path

    @property
    def device(self) -> torch.device:
        """Where the training runs."""
        return self.setting.accelerator.device

    def config(self, plain: bool) -> RunConfig:
        """The configuration, `plain` without moving average and clipping."""
        config = self.setting.config
        optim = config.optim.model_copy(update=PLAIN) if plain else config.optim
        return config.model_copy(update={"optim": optim})

    def model(self) -> torch.nn.Module:
        """A new model, the same every time."""
        torch.manual_seed(0)
        return COMPETITION.model(self.setting.config)

    def loader(self, workers: int = 0) -> torch.utils.data.DataLoader[Batch]:
        """The loader that a run would use."""
        setting = self.setting
        pipeline = COMPETITION.pipeline(setting.config, True)
        dataset = SampleSet(setting.train, setting.reader, pipeline)
        batch = setting.config.loader.batch_size
        draws = Draws(len(setting.train), batch, self.steps, seed=(0, 0))
        return train_loader(dataset, draws, workers, self.device)

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
    dtype = AUTOCAST.get(bench.precision)
    model.train()
    images = 0
    synchronize(device)
    began = time.perf_counter()
    for batch in batches:
        image = to_unit(batch["image"]).contiguous(memory_format=layout)
        with torch.autocast(device.type, dtype, enabled=dtype is not None):
            loss = COMPETITION.loss(model(image), to_unit(batch["target"]))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        images += len(image)
    synchronize(device)
    return Rate(images / (time.perf_counter() - began))


def ours(bench: Bench, batches: Any, plain: bool = True) -> Rate:
    """`comp.training.fit.fit`, with a validation that costs nothing."""
    job = Job(
        config=bench.config(plain).model_copy(update={"validations": 1}),
        fold=0,
        loss=COMPETITION.loss,
        score=lambda _model: 0.0,
        better=COMPETITION.metric.better,
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
    layout = memory_format(config)
    times: list[float] = []
    images = 0

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = bench.model().to(memory_format=layout)  # type: ignore[call-overload]

        def training_step(self, batch: Batch, _index: int) -> torch.Tensor:
            nonlocal images
            image = to_unit(batch["image"]).contiguous(memory_format=layout)
            images += len(image)
            return COMPETITION.loss(self.network(image), to_unit(batch["target"]))

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


def prepare(scratch: Path, options: argparse.Namespace) -> Setting:
    """Draw the data, deal the folds, and build what the first fold needs."""
    data = scratch / "data"
    if not data.is_dir():
        draw_sample(COMPETITION, data)
    over = {
        "device": str(choose_device(options.device)),
        "precision": "fp32",
        "loader": {"batch_size": options.batch_size},
        "options": {"crop": options.crop},
    }
    config = resolve("denoising", [COMPETITION.defaults, over], COMPETITION.options)
    run = scratch / "run"
    run.mkdir(exist_ok=True)
    train = COMPETITION.samples(data, "train")
    write_folds(RunFolder(run).folds_csv, train, make_folds(train, 5, "auto", 0))
    return make_setting(config, 0, data, run)


def contenders(bench: Bench) -> dict[str, Callable[[], Rate]]:
    """Everything that is measured in one round, the bare step first."""
    ready = bench.ready()
    found: dict[str, Callable[[], Rate]] = {
        "bare step, batches in memory": lambda: bare(bench, ready),
        "ours, batches in memory": lambda: ours(bench, ready),
        "ours, loader, 0 workers": lambda: ours(bench, bench.loader()),
        "ours, loader, 1 worker": lambda: ours(bench, bench.loader(1)),
        "ours, loader, 2 workers": lambda: ours(bench, bench.loader(2)),
        "ours, loader, with EMA and clipping": lambda: ours(bench, bench.loader(), plain=False),
    }
    if find_spec("lightning"):
        found["Lightning, batches in memory"] = lambda: lightning(bench, ready)
        found["Lightning, loader, 0 workers"] = lambda: lightning(bench, bench.loader())
    return found


def compare(bench: Bench, rounds: int) -> list[dict[str, Any]]:
    """Run every contender once a round; medians over the rounds."""
    tasks = contenders(bench)
    names = list(tasks)
    rates: dict[str, list[Rate]] = {name: [] for name in names}
    for name in names[:3]:
        tasks[name]()
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            rates[name].append(tasks[name]())
    first = [rate.images_per_second for rate in rates[names[0]]]
    rows = []
    for name in names:
        speeds = [rate.images_per_second for rate in rates[name]]
        waits = [rate.wait_share for rate in rates[name] if rate.wait_share is not None]
        rows.append(
            {
                "loop": name,
                "precision": bench.precision,
                "images/s": statistics.median(speeds),
                "of the bare step": statistics.median(
                    speed / base for speed, base in zip(speeds, first, strict=True)
                ),
                "waiting for data": statistics.median(waits) if waits else None,
            }
        )
    return rows


def main() -> None:
    """Measure every precision and show one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="times that each is measured")
    parser.add_argument("--steps", type=int, default=60, help="optimizer steps a measurement")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--precision", help="list such as fp32,bf16; on the CPU fp32 alone")
    parser.add_argument("--batch-size", type=int, default=8, help="crops in a batch")
    parser.add_argument("--crop", type=int, default=64, help="side of a crop, in pixels")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    device = choose_device(options.device)
    usual = "fp32,bf16" if device.type == "cuda" else "fp32"
    rows = []
    with TemporaryDirectory() as scratch:
        setting = prepare(Path(scratch), options)
        for precision in (options.precision or usual).split(","):
            bench = Bench(setting, options.steps, precision, Path(scratch))
            rows += compare(bench, options.rounds)
    notes = [
        describe(device),
        f"{options.steps} steps of {options.batch_size} crops of {options.crop} pixels",
        f"median of {options.rounds} rounds",
    ]
    show("Training loops", rows, notes, options.json)


if __name__ == "__main__":
    main()
