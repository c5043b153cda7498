"""Runs whose folds train at the same time, and whose processes are killed.

Each trial is a real `comp run --jobs 2` on drawn data. The process of a fold, that of the run, or
both are killed with SIGKILL at a random moment; then the run resumes, with any number of jobs. It
ends with the bytes of a run of one fold after another.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from real_comp import start_python

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc"),
]
SETTINGS = ("folds=3", "max_steps=60", "validations=3", "checkpoint_every=2", "device=cpu")
TASK = "multiprocessing-fork"
"""A word in the command line of a process that spawn starts."""


def command(data: Path, jobs: int) -> list[str]:
    sets = [word for key in (*SETTINGS, "model=mlp") for word in ("--set", key)]
    return ["run", "housing", "--data", str(data), "--jobs", str(jobs), *sets]


def tasks_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes that train folds for a run."""
    found = []
    with suppress(OSError):
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        for number in map(int, listed.split()):
            if TASK in Path(f"/proc/{number}/cmdline").read_text():
                found.append(number)
    return found


def left_by(place: Path) -> dict[str, bytes]:
    """What must not depend on when a run was killed."""
    (run,) = [path.parent for path in place.glob("runs/*/*/run.json")]
    assert json.loads((run / "run.json").read_text())["state"] == "finished"
    assert not [
        *run.rglob("resume.pt"),
        *run.rglob("batches.json"),
        *run.rglob("fold.lock"),
        *run.rglob(".*.part"),
    ]
    (csv,) = place.glob("submissions/*/*.csv")
    files = [*run.rglob("*.safetensors"), run / "folds.csv"]
    contents = {path.relative_to(run).as_posix(): path.read_bytes() for path in files}
    return contents | {"csv": csv.read_bytes()}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("drawn")
    assert start_python(place, "sample", "housing", "--out", str(place / "data")).wait(300) == 0
    return place / "data"


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], float]:
    place, began = tmp_path_factory.mktemp("whole"), time.monotonic()
    assert start_python(place, *command(data, 1)).wait(600) == 0, (place / "log.txt").read_text()
    return left_by(place), time.monotonic() - began


def wait_for_fold(process: subprocess.Popen[bytes], place: Path, seconds: float) -> None:
    """Wait until a fold trains, and some seconds more, unless the run ends before."""
    end = time.monotonic() + 600
    while process.poll() is None and time.monotonic() < end:
        if next(place.glob("runs/*/*/fold-*/resume.pt"), None):
            break
        time.sleep(0.01)
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


@pytest.mark.parametrize("seed", range(20))
def test_twenty_killed_runs_end_as_if_nothing_had_happened(
    data: Path, whole: tuple[dict[str, bytes], float], tmp_path: Path, seed: int
) -> None:
    dice, place = random.Random(seed), tmp_path / "place"
    process = start_python(place, *command(data, 2))
    wait_for_fold(process, place, dice.uniform(0.0, 0.3) * whole[1])
    what, tasks = ("task", "run", "both")[seed % 3], tasks_of(process)
    victims = [dice.choice(tasks)] if tasks and what != "run" else []
    victims += [process.pid] if what != "task" else []
    for number in victims if process.poll() is None else []:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    code = process.wait(300)
    log = (place / "log.txt").read_text()
    if what == "task" and code != 0:  # 0: the process of the fold had nothing left to do
        assert code == 2, log
        assert "died (killed by SIGKILL" in log
        assert "comp resume" in log
    records = [json.loads(path.read_text()) for path in place.glob("runs/*/*/run.json")]
    if records and records[0]["state"] != "finished":
        resumed = start_python(place, "resume", "--jobs", str(dice.choice([1, 2, 3])))
        assert resumed.wait(600) == 0, (place / "log.txt").read_text()
    elif not records:
        assert start_python(place, *command(data, 2)).wait(600) == 0
    now = left_by(place)
    assert [name for name in whole[0] if now.get(name) != whole[0][name]] == []
