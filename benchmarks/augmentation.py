"""What augmentation costs in the loader and on the device.

    python benchmarks/augmentation.py [--device cuda]

CPU milliseconds of an image in a worker (`augment.on` = cpu and device), and milliseconds of the
device for an image of a batch. Interleaved rounds, medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from results import show

from comp.config.schema import resolve
from comp.contract.pipeline import Pipeline
from comp.data.augment import classification_pipeline

ROUNDS = 5
PRESETS = ("none", "light", "medium", "strong")


def pipeline(preset: str, on: str, side: int) -> Pipeline:
    """The pipeline of a classifier with the default section `augment` or a preset."""
    return classification_pipeline(
        resolve("x", [{"augment": {"preset": preset, "on": on}}]), True, side
    )


def in_worker(made: Pipeline, image: np.ndarray, count: int) -> float:
    """CPU milliseconds of an image."""
    start = time.process_time()
    for seed in range(count):
        made({"image": image}, seed)
        if made.on_batch:
            made.on_batch.draw(seed)
    return (time.process_time() - start) / count * 1e3


def on_device(made: Pipeline, batch: torch.Tensor, draws: torch.Tensor) -> float:
    """Milliseconds of the device for an image; CPU milliseconds if it is the CPU."""
    assert made.on_batch
    clock = time.perf_counter if batch.is_cuda else time.process_time
    wait: Callable[[], Any] = torch.cuda.synchronize if batch.is_cuda else lambda: None
    wait()
    start = clock()
    made.on_batch(batch, None, draws)
    wait()
    return (clock() - start) / len(batch) * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--images", type=int, default=60, help="in the loader, in a round")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    side = given.side
    coarse = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    image = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    batch = torch.from_numpy(image).permute(2, 0, 1).float().div(255)
    batch = batch.expand(given.batch, -1, -1, -1).contiguous(memory_format=torch.channels_last)
    batch = batch.to(given.device)
    rows = []
    for preset in PRESETS:
        cpu, later = (pipeline(preset, on, side) for on in ("cpu", "device"))
        assert later.on_batch
        numbers = np.stack([later.on_batch.draw(seed) for seed in range(given.batch)])
        draws = torch.from_numpy(numbers).to(given.device)
        on_device(later, batch, draws)
        times = [
            (
                in_worker(cpu, image, given.images),
                in_worker(later, image, given.images),
                on_device(later, batch, draws),
            )
            for _ in range(ROUNDS)
        ]
        columns = [statistics.median(values) for values in zip(*times, strict=True)]
        spread = [max(v) / min(v) for v in zip(*times, strict=True)]
        rows.append(
            {
                "preset": preset,
                "loader, cpu: ms": columns[0],
                "loader, device: ms": columns[1],
                f"{given.device}: ms": columns[2],
                "largest spread": max(spread),
            }
        )
    show(f"Augmentation of an image of {side} px", rows, [f"batches of {given.batch}"], given.json)


if __name__ == "__main__":
    main()
