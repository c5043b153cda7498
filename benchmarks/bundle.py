"""Seconds until predict.py of a bundle has predicted, against `comp predict`, and its size.

    python benchmarks/bundle.py [--rounds 5] [--json]

A short run on drawn photographs of cats and dogs is bundled. Then both programs predict its 20 test
images, in turn, each in a process of its own: the time is that of the whole process, nearly all of
which is its start. The first round warms the disk and does not count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from results import show

BACKBONES = ("tf_mobilenetv3_small_100", "resnet18")
TARGET = 2.0


def make_run(folder: Path, backbone: str) -> str:
    """Train a run; returns its id."""
    from comp.config.schema import resolve
    from comp.contract import registry
    from comp.data.location import locate_data
    from comp.pipeline.run import run
    from comp.runs.progress import Silent
    from comp.workspace import Workspace

    competition, workspace = registry.get("cats-dogs"), Workspace.at(folder)
    settings = {
        "folds": 3,
        "max_steps": 3,
        "validations": 1,
        "device": "cpu",
        "backbone": backbone,
        "pretrained": False,
        "image": {"size": 128},
    }
    layers = [competition.defaults, competition.synthetic_defaults, settings]
    config = resolve(competition.name, layers, competition.options)
    source = locate_data(competition, workspace, None, synthetic=True)
    return run(config, source, workspace, Silent()).run_id


class Spent(NamedTuple):
    """What a process took."""

    wall: float
    cpu: float


def spent(command: Sequence[str], folder: Path) -> Spent:
    """Run a process; returns its seconds, and those of the CPU, which other load changes less."""
    began, before = time.perf_counter(), os.times()
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        sys.exit(f"{command} failed: {done.stderr}")
    after = os.times()
    cpu = after.children_user + after.children_system
    return Spent(time.perf_counter() - began, cpu - before.children_user - before.children_system)


def row_of(backbone: str, folder: Path, rounds: int) -> dict[str, Any]:
    """The row of one backbone."""
    from comp.bundle.build import BundleOptions, make_bundle
    from comp.files import read_json
    from comp.workspace import Workspace

    run_id, workspace = make_run(folder, backbone), Workspace.at(folder)
    options = BundleOptions(out=folder / "bundle")
    made = make_bundle(run_id, workspace, options, lambda _line: None)
    data = str(read_json(workspace.find_run(run_id) / "run.json")["data"])
    program = [sys.executable, str(made.folder / "predict.py"), "--input", data]
    program += ["--output", str(folder), "--device", "cpu"]
    ours = [sys.executable, "-m", "comp", "predict", run_id, "--device", "cpu"]
    found: list[tuple[Spent, Spent]] = []
    for _ in range(rounds + 1):
        found.append((spent(program, folder), spent(ours, folder)))
    kept = found[1:] or found
    wall, comp_wall, cpu, comp_cpu = (
        statistics.median(getattr(pair[which], what) for pair in kept)
        for what in ("wall", "cpu")
        for which in (0, 1)
    )
    return {
        "backbone": backbone,
        "predict.py, s": wall,
        "comp predict, s": comp_wall,
        "ratio": wall / comp_wall,
        "ratio of CPU seconds": cpu / comp_cpu,
        "weights, MB": made.weights_bytes / 1e6,
        "all else, MB": (made.bytes - made.weights_bytes) / 1e6,
    }


def main() -> None:
    """Measure the bundles of all backbones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="times that each is measured")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    rows = []
    for backbone in BACKBONES:
        with TemporaryDirectory() as scratch:
            rows.append(row_of(backbone, Path(scratch), options.rounds))
    notes = [f"median of {options.rounds} rounds", f"target: a ratio of at most {TARGET:g}, 1 MB"]
    show("Time to the first prediction", rows, notes, options.json)


if __name__ == "__main__":
    main()
