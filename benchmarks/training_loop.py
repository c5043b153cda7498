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
import statistics
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
from loops import Bench, Rate, bare, lightning, ours
from results import show

from comp.config.schema import resolve
from comp.contract import registry
from comp.data.folds import make_folds, write_folds
from comp.data.images.cache import image_reader
from comp.data.images.prepare import prepare_images
from comp.data.listing import image_files
from comp.data.location import draw_synthetic_data
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.runs.folder import RunFolder
from comp.training.device import choose_device, describe

REAL_SIDE = 1_000
"""Pixels of the shorter side of the radiographs that Kaggle serves, about."""
OWN: dict[str, dict[str, Any]] = {
    "denoising": {"loader": {"batch_size": 8}},
    "chest-xray": {"backbone": "tf_mobilenetv3_small_100", "pretrained": False},
}


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
    if competition.image_spec is None:
        own["options"] = {"crop": options.crop}
    config = resolve(competition.name, [competition.defaults, own], competition.options)
    run.path.mkdir()
    train = competition.samples(data, "train")
    write_folds(run.folds_csv, train, make_folds(train, 5, "auto", 0))
    if competition.image_spec is None:
        return make_fold_context(config, 0, data, run.path), None
    enlarge(data, REAL_SIDE)
    every = [*train, *competition.samples(data, "test")]
    prepare_images(competition, config, every, scratch / "images", None).write_pointer(
        run.reader_folder
    )
    context = make_fold_context(config, 0, data, run.path)
    plain = image_reader(every, competition.image_spec(config), scratch / "nothing")
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
