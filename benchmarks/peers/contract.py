"""What every compared program is given and returns; it needs NumPy and nothing of comp.

A program is started with `--competition --split --seconds --started --weights --backbone --out`. It
trains on the rows of `split.csv` with `part` train, makes its own validation from them, predicts
the rows with `part` test, and writes `--out` (see `scores.py`) and notes beside it.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SPARE = 0.95
"""Share of the time that is left which a program plans to use."""


class Job(NamedTuple):
    """What a program is asked to do."""

    competition: str
    split: Path
    data: Path
    seconds: float
    started: float
    backbone: str
    weights: Path | None
    out: Path
    size: int
    """Side of the images of classes, in pixels."""

    @property
    def left(self) -> float:
        """Seconds that are left, counted from the start of the process."""
        return self.seconds - (time.time() - self.started)

    @property
    def pretrained(self) -> dict[str, Any]:
        """The arguments of `timm.create_model` for the weights."""
        if self.weights is None:
            return {"pretrained": False}
        return {"pretrained": True, "pretrained_cfg_overlay": {"file": str(self.weights)}}

    def rows(self, part: str) -> list[dict[str, str]]:
        """The rows of a part of the split."""
        with self.split.open(newline="", encoding="utf-8") as stream:
            return [row for row in csv.DictReader(stream) if row["part"] == part]

    def write_values(self, ids: Iterable[str], values: Iterable[float]) -> None:
        """Write probabilities of class 1."""
        self._write("value", ((i, float(value)) for i, value in zip(ids, values, strict=True)))

    def write_arrays(self, ids: Iterable[str], arrays: Iterable[np.ndarray]) -> None:
        """Write pages or masks."""
        folder = self.out.with_suffix("")
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for i, array in zip(ids, arrays, strict=True):
            np.save(folder / f"{i}.npy", array)
            written.append((i, folder / f"{i}.npy"))
        self._write("file", written)

    def say(self, line: str) -> None:
        """Print a line with the seconds since the start, for the log."""
        print(f"{self.seconds - self.left:.1f} s: {line}", flush=True)

    def note(self, **facts: object) -> None:
        """Write what is known of the training, such as `images`."""
        self.out.with_suffix(".json").write_text(json.dumps(facts))

    def _write(self, column: str, rows: Iterable[Sequence[object]]) -> None:
        with self.out.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["id", column])
            writer.writerows(rows)


def read_job() -> Job:
    """The job of the command line."""
    parser = argparse.ArgumentParser()
    for name in ("competition", "backbone"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("split", "data", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("seconds", "started"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--size", type=int, default=224)
    return Job(**vars(parser.parse_args()))


def plan(seconds: float, epoch: float, extra: float = 0.0) -> tuple[int, float]:
    """How many epochs fit, at least 1, and which share of the samples each has: less than 1 only if
    not even one epoch fits.

    Args:
        seconds: that are left for the training.
        epoch: seconds of an epoch, measured.
        extra: epochs that the recipe trains besides, such as one with a frozen backbone.
    """
    fit = max(seconds, 0.0) / epoch - extra
    return max(1, int(fit)), min(1.0, max(seconds, 0.0) / epoch / (1 + extra))
