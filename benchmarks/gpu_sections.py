"""The sections of gpu.py; each runs in a process of its own."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
Rows = tuple[list[dict[str, Any]], list[str]]
"""The rows of a table, and notes below it."""


@dataclass(frozen=True)
class Task:
    """What a section gets: a device such as "cuda", whether it is a rehearsal, a folder for its
    files, and the `time.perf_counter()` at which it must have ended."""

    device: str
    quick: bool
    scratch: Path
    until: float

    def left(self) -> float:
        """Seconds until the end."""
        return self.until - time.perf_counter()


def machine(device: str) -> dict[str, str]:
    """The device, the cores, and the versions that matter."""
    import os

    import timm
    import torch

    gpu = device.startswith("cuda") and torch.cuda.is_available()
    return {
        "device": torch.cuda.get_device_name() if gpu else f"{device}, no GPU",
        "cores": str(os.cpu_count()),
        "Python": platform.python_version(),
        "torch": str(torch.__version__),
        "timm": timm.__version__,
    }


def gpu_tests(task: Task) -> Rows:
    """`pytest -m gpu`; in a rehearsal the tests are only collected, since they need a GPU."""
    words = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "-p", "no:cacheprovider"]
    words += ["--continue-on-collection-errors", "-n", "0", "--tb=short"]
    words += ["--collect-only"] if task.device == "cpu" else []
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=task.left()
    )
    lines = done.stdout.strip().splitlines()
    faults = [line for line in lines if re.match(r"(FAILED|ERROR) ", line)]
    if done.returncode:
        print("\n".join([*lines[-60:], *faults]), file=sys.stderr)
        raise SystemExit(1)
    return [], [f"`pytest -m gpu`: {lines[-1]}" if lines else "no output"]


def training(task: Task) -> Rows:
    """The bare step in each precision and layout, and our loop against it."""
    import gpu_training

    return gpu_training.measure(task)


def prediction(task: Task) -> Rows:
    """Predictions against bare forward passes."""
    from prediction import Setting, compare

    setting = Setting(
        device=task.device,
        precision="fp32" if task.device == "cpu" else "bf16",
        rounds=1 if task.quick else 3,
        images=16 if task.quick else 4_096,
        batch_size=8 if task.quick else 128,
        network="resnet18" if task.quick else "convnext_tiny",
        workers=None if task.device == "cpu" else 8,
    )
    cases = ["128"] if task.quick else ["224", "pages"]
    rows = compare(setting, cases, task.scratch, until=time.perf_counter() + task.left() / 2)
    return rows, [f"{setting.network}, {setting.precision}, batches of {setting.batch_size}"]


def denoising(task: Task) -> Rows:
    """The score of short runs on drawn pages, in each precision, with the program itself."""
    steps = 20 if task.quick else 200
    cuda = task.device != "cpu"
    rows = []
    for precision in ["fp32", *(["bf16", "fp16"] if cuda else [])]:
        words = [sys.executable, "-m", "comp", "run", "denoising", "--sample", "--folds", "2"]
        words += ["--max-steps", str(steps), "--json", "--set", f"precision={precision}"]
        words += ["--set", f"device={task.device}"]
        began = time.perf_counter()
        done = subprocess.run(
            words,
            cwd=task.scratch,
            capture_output=True,
            text=True,
            check=False,
            timeout=task.left(),
            env=environment(),
        )
        if done.returncode:
            raise SystemExit(done.stderr[-2_000:])
        summary = json.loads(done.stdout.strip().splitlines()[-1])
        seconds = time.perf_counter() - began
        rows.append({"precision": precision, "RMSE": summary["cv_score"], "seconds": seconds})
    return rows, [f"2 folds of {steps} steps"]


def environment() -> dict[str, str]:
    """The variables of a command in another folder, with this repository on Python's path."""
    import os

    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    absolute = [str(Path(part).absolute()) for path in paths for part in path.split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(absolute)}


SECTIONS: dict[str, Callable[[Task], Rows]] = {
    "tests": gpu_tests,
    "training": training,
    "prediction": prediction,
    "denoising": denoising,
}


def run_alone(name: str, device: str, quick: bool, limit_s: float, out: Path) -> None:
    """Run a section and write its result as JSON."""
    with TemporaryDirectory() as scratch:
        until = time.perf_counter() + 0.95 * limit_s
        rows, notes = SECTIONS[name](Task(device, quick, Path(scratch), until))
    out.write_text(json.dumps({"rows": rows, "notes": notes}))
