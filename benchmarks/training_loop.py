"""Images a second of our training loop against the bare step and against Lightning.

    python benchmarks/training_loop.py [--rounds 5] [--steps 60] [--device cpu]
        [--precision fp32,bf16] [--competition denoising] [--batch-size N] [--crop 64] [--json]

The bare step is forward, loss, backward and optimizer step on batches that lie ready on the device:
the most that any loop could reach. The others do the same work on the same model, without moving
average and gradient clipping unless they say so; where they say "loader" they also read, crop, flip
and stack the images of drawn data. All run in turn, several rounds in one process, and the ratio is
the median of the rounds' ratios to the bare step of the same round.

With `--competition chest-xray` a backbone of timm trains at 224 pixels on drawn radiographs that
are enlarged to the size of real ones, from the image cache or, where it says so, from their files.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import torch
from results import show

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.data.dataset import Batch, memory_format, to_unit
from comp.data.folds import make_folds, write_folds
from comp.data.images.cache import image_reader
from comp.data.images.prepare import prepare_images
from comp.data.listing import image_files
from comp.data.location import draw_synthetic_data
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.runs.folder import RunFolder
from comp.training.device import choose_device, describe, make_accelerator
from comp.training.fit import fit
from comp.training.losses import Loss, make_loss
from comp.training.optim import make_optimizer
from comp.training.spec import FitSpec

REAL_SIDE = 1_000
"""Pixels of the shorter side of the radiographs that Kaggle serves, about."""
PLAIN = {"clip_norm": None, "ema": None}
OWN: dict[str, dict[str, Any]] = {
    "denoising": {"loader": {"batch_size": 8}},
    "chest-xray": {"backbone": "tf_mobilenetv3_small_100", "pretrained": False},
}
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
    dtype, compute = AUTOCAST.get(bench.precision), bench.loss
    model.train()
    images = 0
    synchronize(device)
    began = time.perf_counter()
    for batch in batches:
        image = to_unit(batch["image"]).contiguous(memory_format=layout)
        with torch.autocast(device.type, dtype, enabled=dtype is not None):
            loss = compute(model(image), to_unit(batch["target"]))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        images += len(image)
    synchronize(device)
    return Rate(images / (time.perf_counter() - began))


def ours(bench: Bench, batches: Any, plain: bool = True) -> Rate:
    """`comp.training.fit.fit`, with a validation that costs nothing."""
    job = FitSpec(
        config=bench.config(plain).model_copy(update={"validations": 1}),
        fold=0,
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
    layout, compute = memory_format(config), bench.loss
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
            return compute(self.network(image), to_unit(batch["target"]))

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


def prepare(scratch: Path, options: argparse.Namespace) -> tuple[FoldContext, FoldContext | None]:
    """Draw the data, deal the folds, and build what the first fold needs: from the image cache, and
    from the files where there is a cache."""
    competition = registry.get(options.competition)
    data, run = scratch / "data", RunFolder(scratch / "run")
    draw_synthetic_data(competition, data)
    own = OWN[competition.name] | {
        "device": str(choose_device(options.device)),
        "precision": "fp32",
    }
    if options.batch_size:
        own["loader"] = {"batch_size": options.batch_size}
    if competition.shape is None:
        own["options"] = {"crop": options.crop}
    config = resolve(competition.name, [competition.defaults, own], competition.options)
    run.path.mkdir()
    train = competition.samples(data, "train")
    write_folds(run.folds_csv, train, make_folds(train, 5, "auto", 0))
    if competition.shape is None:
        return make_fold_context(config, 0, data, run.path), None
    enlarge(data, REAL_SIDE)
    every = [*train, *competition.samples(data, "test")]
    prepare_images(competition, config, every, scratch / "images", None).keep(run.kept)
    context = make_fold_context(config, 0, data, run.path)
    plain = image_reader(every, competition.shape(config), scratch / "nothing")
    return context, replace(context, reader=plain)


def enlarge(data: Path, side: int) -> None:
    """Make the shorter side of every image so many pixels."""
    for path in image_files(data):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        factor = side / min(image.shape[:2])
        larger = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(path), larger)


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
    if bench.files:
        found["ours, no cache, 0 workers"] = lambda: ours(bench, bench.loader(0, bench.files))
        found["ours, no cache, 2 workers"] = lambda: ours(bench, bench.loader(2, bench.files))
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
    parser.add_argument("--competition", default="denoising", choices=OWN)
    parser.add_argument("--batch-size", type=int, help="images in a batch; 8 crops, or 32 images")
    parser.add_argument("--crop", type=int, default=64, help="side of a crop, in pixels")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    device = choose_device(options.device)
    usual = "fp32,bf16" if device.type == "cuda" else "fp32"
    rows = []
    with TemporaryDirectory() as scratch:
        context, files = prepare(Path(scratch), options)
        for precision in (options.precision or usual).split(","):
            bench = Bench(context, files, options.steps, precision, Path(scratch))
            rows += compare(bench, options.rounds)
    notes = [
        describe(device),
        f"{options.competition}, {options.steps} steps of {context.config.loader.batch_size}",
        f"median of {options.rounds} rounds",
    ]
    show("Training loops", rows, notes, options.json)


if __name__ == "__main__":
    main()
