"""What it costs the training to save its state: as a whole in the loop, and beside it.

    python benchmarks/checkpoints.py [--backbone convnext_tiny] [--rounds 4] [--json]

The state is that of a network with a moving average, AdamW's moments and its best weights, as a run
on the CPU or GPU has it. "whole in the loop" makes the file in memory and writes it, as earlier
versions did; the other row is `comp.training.checkpoint_writer`: the training waits for a copy, and
a thread writes it.
"""

from __future__ import annotations

import argparse
import io
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import timm
import torch
from results import show
from timm.utils import ModelEmaV3

from comp.files import write_bytes
from comp.training.best import BestWeights
from comp.training.checkpoint_writer import MOST, CheckpointWriter
from comp.training.device import choose_device
from comp.training.meter import Meter
from comp.training.state import TrainingState

Times = tuple[float, float]
"""(seconds that the training waits, seconds of the CPU in all)."""


def new_state(backbone: str, device: torch.device) -> TrainingState:
    """The state of a training after one step."""
    model = timm.create_model(backbone).to(device)
    average, optimizer = ModelEmaV3(model), torch.optim.AdamW(model.parameters())
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    optimizer.zero_grad()
    best = BestWeights(lambda _score, _best: True)
    best.update(model, 0.5, 0.5, 1)
    accelerator: Any = SimpleNamespace(device=device, scaler=None)
    schedule: Any = SimpleNamespace(state_dict=dict)
    return TrainingState(model, average, optimizer, schedule, best, Meter(), accelerator)


def in_the_loop(state: TrainingState, path: Path) -> Times:
    """Check, serialise and write, one after the other."""
    began, used = time.perf_counter(), time.process_time()
    tensors = [*state.model.state_dict().values()]
    tensors += state.average.module.state_dict().values() if state.average else []
    all(bool(torch.isfinite(t).all()) for t in tensors if t.is_floating_point())
    buffer = io.BytesIO()
    torch.save(state.state_dict(), buffer)
    write_bytes(path, buffer.getbuffer())
    return time.perf_counter() - began, time.process_time() - used


def beside(state: TrainingState, path: Path) -> Times:
    """As a training does it."""
    writer = CheckpointWriter(path)
    with writer.open():
        began, used = time.perf_counter(), time.process_time()
        writer.save(state, 1)
        waited = time.perf_counter() - began
    return waited, time.process_time() - used


def main() -> None:
    """Measure both and show a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="convnext_tiny")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    ways: dict[str, Callable[[TrainingState, Path], Times]]
    ways = {"whole in the loop": in_the_loop, "beside the loop": beside}
    found: dict[str, list[Times]] = {name: [] for name in ways}
    with TemporaryDirectory(dir=".") as scratch:
        path = Path(scratch) / "resume.pt"
        state = new_state(options.backbone, choose_device(options.device))
        for _ in range(options.rounds):
            for name, way in ways.items():
                found[name].append(way(state, path))
        size = path.stat().st_size
    rows = [
        {
            "save": name,
            "seconds the loop waits": statistics.median(wait for wait, _ in times),
            "seconds of the CPU": statistics.median(used for _, used in times),
            f"seconds between saves for {MOST:.0%}": statistics.median(
                (wait if name == "whole in the loop" else used) / MOST for wait, used in times
            ),
        }
        for name, times in found.items()
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    notes = [
        f"{options.backbone}, state of {size / 1e9:.2f} GB, peak of memory {peak:.2f} GB",
        f"median of {options.rounds} rounds",
    ]
    show("Saving the state of a training", rows, notes, options.json)


if __name__ == "__main__":
    main()
