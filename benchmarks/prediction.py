"""Images a second of our prediction against bare forward passes.

    python benchmarks/prediction.py [--device cpu] [--precision fp32] [--rounds 5] [--images 256]
        [--batch-size 32] [--network tf_mobilenetv3_small_100] [--cases 128,224,pages] [--json]

The bare passes are the same network on batches of floats that lie ready on the device: the most
that any prediction could reach. Ours reads drawn radiographs, from the image cache or from files
as large as those of Kaggle, or drawn pages of several sizes, and returns the predictions of each
image as arrays. All run in turn, several rounds in one process; the ratio is the median of the
rounds' ratios to the bare passes of the same round, with the least and the greatest. CPU seconds
are those of the process and its workers, an image.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from results import show
from training_loop import REAL_SIDE, enlarge

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.sample import Reader, Sample
from comp.data.dataset import SampleSet, to_unit
from comp.data.folds import make_folds, write_folds
from comp.data.images.cache import image_reader
from comp.data.images.prepare import prepare_images
from comp.data.location import draw_synthetic_data
from comp.inference.predict import Predictor
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.runs.folder import RunFolder
from comp.training.device import choose_device, describe

CASES = ("128", "224", "pages")
"""Sides of a classifier's images in pixels, and whole pages through a network of pages."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is measured, and how often."""

    device: str = "cpu"
    precision: str = "fp32"
    rounds: int = 5
    images: int = 256
    batch_size: int = 32
    network: str = "tf_mobilenetv3_small_100"
    workers: int | None = None

    def config(self, case: str) -> dict[str, Any]:
        """The configuration of a case beside the defaults of its competition."""
        common: dict[str, Any] = {
            "device": self.device,
            "precision": self.precision,
            "predict": {"tta": "none", "batch_size": self.batch_size},
            "loader": {"workers": self.workers},
        }
        if case == "pages":
            return common
        size = {"backbone": self.network, "pretrained": False, "image": {"size": int(case)}}
        return common | size


@dataclass(frozen=True, kw_only=True)
class Case:
    """A trained fold, as prediction sees it, with the readers that are compared."""

    name: str
    predictor: Predictor
    samples: Sequence[Sample]
    readers: dict[str, Reader]

    def bare(self) -> Callable[[], None]:
        """Forward passes on ready batches."""
        predictor = self.predictor
        device = predictor.accelerator.device
        ready = [
            to_unit(images.to(device)).contiguous(memory_format=predictor.layout)
            for images in _batches(predictor, self.samples)
        ]
        activation = predictor.activation or torch.nn.Identity()

        def run() -> None:
            predictor.model.eval()
            for images in ready:
                with torch.inference_mode(), predictor.accelerator.autocast():
                    activation(predictor.model(images).float())

        return run

    def ours(self, reader: Reader) -> Callable[[], None]:
        """Our prediction, whose results are thrown away."""
        predictor = replace(self.predictor, reader=reader)

        def run() -> None:
            for _ in predictor(self.samples):
                pass

        return run


def _batches(predictor: Predictor, samples: Sequence[Sample]) -> Iterator[torch.Tensor]:
    """The images of all batches, (N, C, H, W), padded to the network's multiple."""
    multiple = int(getattr(predictor.model, "multiple", 1)) if predictor.output == "image" else 1
    waiting: list[torch.Tensor] = []
    for index in range(len(samples)):
        image = SampleSet(samples, predictor.reader, predictor.pipeline)[index, 0]["image"]
        if waiting and (
            waiting[0].shape != image.shape or len(waiting) == predictor.config.batch_size
        ):
            yield _padded(torch.stack(waiting), multiple)
            waiting = []
        waiting.append(image)
    yield _padded(torch.stack(waiting), multiple)


def _padded(images: torch.Tensor, multiple: int) -> torch.Tensor:
    below, right = (-side % multiple for side in images.shape[-2:])
    padded = torch.nn.functional.pad(images.float(), (0, right, 0, below), mode="replicate")
    return padded.to(images.dtype)


def prepare(name: str, setting: Setting, scratch: Path) -> Case:
    """Draw the data of a case, deal its folds, and build an untrained network."""
    competition = registry.get("denoising" if name == "pages" else "chest-xray")
    data, run = scratch / f"data-{name}", RunFolder(scratch / f"run-{name}")
    draw_synthetic_data(competition, data)
    own = setting.config(name)
    config: RunConfig = resolve(competition.name, [competition.defaults, own], competition.options)
    run.path.mkdir()
    train = competition.samples(data, "train")
    write_folds(run.folds_csv, train, make_folds(train, 5, "auto", 0))
    every = [*train, *competition.samples(data, "test")]
    if competition.image_spec:
        enlarge(data, REAL_SIDE)
        prepared = prepare_images(competition, config, every, scratch / "images", None)
        prepared.write_pointer(run.reader_folder)
    context: FoldContext = make_fold_context(config, 0, data, run.path)
    predictor = context.predictor(context.new_model())
    assert isinstance(predictor, Predictor)
    readers: dict[str, Reader] = {"ours, from memory": context.reader}
    if competition.image_spec:
        spec = competition.image_spec(config)
        files = image_reader(every, spec, scratch / "nothing")
        readers = {"ours, from the cache": context.reader, "ours, from files": files}
    count = setting.images if competition.image_spec else max(1, setting.images // 16)
    few = context.held_out or context.train
    samples = [few[index % len(few)] for index in range(count)]
    return Case(name=name, predictor=predictor, samples=samples, readers=readers)


def measure(case: Case, rounds: int, until: float | None = None) -> list[dict[str, Any]]:
    """The rows of a case: medians over the rounds, of which no new one starts after `until`, a
    `time.perf_counter()`."""
    device = case.predictor.accelerator.device
    tasks = {"bare passes": case.bare()}
    tasks |= {name: case.ours(reader) for name, reader in case.readers.items()}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in tasks}
    for turn in range(rounds + 1):  # the first one warms up
        names = [*tasks][turn % len(tasks) :] + [*tasks][: turn % len(tasks)]
        if turn > 1 and until and time.perf_counter() > until:
            break
        for name in names:
            spent = _timed(tasks[name], device)
            if turn:
                seconds[name].append(spent)
    bare = [wall for wall, _ in seconds["bare passes"]]
    rows = []
    for name, spent in seconds.items():
        walls = [wall for wall, _ in spent]
        shares = [base / wall for base, wall in zip(bare, walls, strict=True)]
        row = {
            "case": case.name,
            "prediction": name,
            "images/s": len(case.samples) / statistics.median(walls),
            "of bare passes": statistics.median(shares),
            "least": min(shares),
            "greatest": max(shares),
            "CPU ms an image": 1e3 * statistics.median(c for _, c in spent) / len(case.samples),
        }
        rows.append(row)
    return rows


def _timed(task: Callable[[], None], device: torch.device) -> tuple[float, float]:
    """Seconds of a task on the clock, and CPU seconds of this process and its finished workers."""
    _synchronize(device)
    before, cpu = time.perf_counter(), _cpu_seconds()
    task()
    _synchronize(device)
    return time.perf_counter() - before, _cpu_seconds() - cpu


def _cpu_seconds() -> float:
    return sum(os.times()[:4])


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def compare(
    setting: Setting, cases: Sequence[str], scratch: Path, until: float | None = None
) -> list[dict[str, Any]]:
    """The rows of all cases."""
    return [
        row
        for name in cases
        for row in measure(prepare(name, setting, scratch), setting.rounds, until)
    ]


def main() -> None:
    """Measure every case and show one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--precision", default="fp32", help="fp32, bf16, fp16")
    parser.add_argument("--rounds", type=int, default=5, help="times that each is measured")
    parser.add_argument("--images", type=int, default=256, help="images a measurement")
    parser.add_argument("--batch-size", type=int, default=32, help="images in a batch")
    parser.add_argument("--network", default="tf_mobilenetv3_small_100", help="backbone of timm")
    parser.add_argument("--cases", default=",".join(CASES), help="a list of these")
    parser.add_argument("--workers", type=int, help="loader.workers")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    device = choose_device(options.device)
    setting = Setting(
        device=str(device),
        precision=options.precision,
        rounds=options.rounds,
        images=options.images,
        batch_size=options.batch_size,
        network=options.network,
        workers=options.workers,
    )
    with TemporaryDirectory() as scratch:
        rows = compare(setting, options.cases.split(","), Path(scratch))
    notes = [
        describe(device),
        f"{options.network}, {options.precision}, batches of {options.batch_size}",
        f"{options.images} images, median of {options.rounds} rounds",
    ]
    show("Prediction", rows, notes, options.json)


if __name__ == "__main__":
    main()
