"""Runs that are killed and resumed until they finish have the results of uninterrupted runs.

Each trial is a real `comp run` on drawn data that is killed with SIGKILL at a moment of its own: at
a random time, or as soon as a file is being written. The short version tries a few, the long one
(`nox -s soak`) twenty of each competition. Uninterrupted runs are made by the process of the tests,
so that they have another hash seed than those that are killed, which is that of a server.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import forked_comp
import pytest
import torch
from forked_comp import ForkedProcess

import comp
from comp.config.parsing import parse_sets
from comp.errors import RunError
from comp.runs.newest import newest_unfinished
from comp.workspace import Workspace

SETS = {
    "denoising": ["options.crop=32", "predict.tta=none", "loader.batch_size=4", "optim.ema=0.9"],
    "cats-dogs": [
        "backbone=test_resnet",
        "pretrained=false",
        "image.size=32",
        "loader.augment=true",
        "dropout=0.2",
        "freeze=all",
        "thaw.how=staged",
        "thaw.after=0.3",
        "thaw.every=0.2",
        "optim.accumulate=2",
    ],
}
SHARED = ["folds=2", "max_steps=12", "validations=2", "checkpoint_every=2", "device=cpu"]
FILES = (
    "runs/*/*/fold-0/.resume.pt.*",
    "runs/*/*/fold-1/.resume.pt.*",
    "runs/*/*/fold-0/.oof.safetensors.*",
    "runs/*/*/fold-0/meta.json",
    "runs/*/*/fold-1/.test.safetensors.*",
    "submissions/*/.*.csv.*",
    "runs/*/*/fold-1/meta.json",
)
"""Files that exist during a write, between the folds, or after them."""


@dataclass(frozen=True)
class Whole:
    """An uninterrupted run and its files."""

    competition: str
    data: Path
    left: dict[str, bytes]


QUIET = ("report.write=false", "report.notes=false")
"""The short versions have no report, which costs more than the training."""


def command(competition: str, data: Path, more: Sequence[str] = QUIET) -> list[str]:
    sets = [word for key in (*SHARED, *SETS[competition], *more) for word in ("--set", key)]
    return ["run", competition, "--data", str(data), "--json", *sets]


def start(place: Path, *words: str, new_session: bool = False) -> ForkedProcess:
    place.mkdir(exist_ok=True)
    with (place / "log.txt").open("ab") as log:
        return forked_comp.start(*words, cwd=place, out=log, err=log, new_session=new_session)


def left_by(place: Path) -> dict[str, bytes]:
    """What must not depend on where a run was stopped."""
    (run,) = [path.parent for path in place.glob("runs/*/*/run.json")]
    assert json.loads((run / "run.json").read_text())["state"] == "finished"
    names = ["folds.csv", "oof.safetensors", "test.safetensors"]
    names += [f"fold-{fold}/{name}.safetensors" for fold in (0, 1) for name in ("model", "oof")]
    (csv,) = place.glob("submissions/*/*.csv")
    assert not list(place.glob("runs/*/*/fold-*/resume.pt"))
    assert not [*place.glob("runs/**/.*.part"), *place.glob("submissions/**/.*.part")]
    return {name: (run / name).read_bytes() for name in names} | {"csv": csv.read_bytes()}


@pytest.fixture(scope="module", params=list(SETS))
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    place = tmp_path_factory.mktemp("whole")
    if request.param == "denoising":  # pages of full size cost minutes
        data = request.getfixturevalue("pages")
    else:
        data = place / "data"
        assert start(place, "sample", request.param, "--out", str(data)).wait(600) == 0
    config, threads = parse_sets([*SHARED, *SETS[request.param], *QUIET]), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # as the processes that are killed have it
        torch.set_num_threads(1)
        try:
            comp.run(request.param, data=data, config=config, out=place / "run", quiet=True)
        finally:
            torch.set_num_threads(threads)
    return Whole(request.param, data, left_by(place / "run"))


@pytest.fixture(scope="module")
def seconds(whole: Whole, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long an uninterrupted run with its report takes."""
    place, began = tmp_path_factory.mktemp("timed"), time.monotonic()
    process = start(place, *command(whole.competition, whole.data, ()))
    assert process.wait(600) == 0, (place / "log.txt").read_text()
    return time.monotonic() - began


def kill_at(process: ForkedProcess, place: Path, moment: float | str) -> None:
    """Kill a process after some seconds or when a file exists, unless it ends before."""
    end = time.monotonic() + (moment if isinstance(moment, float) else 600)
    while process.poll() is None and time.monotonic() < end:
        if isinstance(moment, str) and next(place.glob(moment), None):
            break
        time.sleep(0.002)
    if process.poll() is None:
        process.kill()
    process.wait()


def go_on(place: Path, whole: Whole, more: Sequence[str] = QUIET) -> ForkedProcess:
    """Resume, or start again if there is no run."""
    try:
        folder = newest_unfinished(Workspace.at(place))
    except RunError:
        assert not list(place.glob("runs/*/*/run.json"))
        for stray in place.glob("runs/*/*"):
            stray.rmdir() if not any(stray.iterdir()) else None
        return start(place, *command(whole.competition, whole.data, more))
    return start(place, "resume", folder.run_id)


def is_finished(place: Path) -> bool:
    records = [json.loads(path.read_text()) for path in place.glob("runs/*/*/run.json")]
    return [record["state"] for record in records] == ["finished"]


def trial(
    whole: Whole, place: Path, moments: list[float | str], more: Sequence[str] = QUIET
) -> None:
    """Kill at each of the moments, then let it end, and compare."""
    process = start(place, *command(whole.competition, whole.data, more))
    for moment in moments:
        kill_at(process, place, moment)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, (place / "log.txt").read_text()
        if is_finished(place):  # killed on its way out
            break
        process = go_on(place, whole, more)
    assert process.wait(600) == 0 or is_finished(place), (place / "log.txt").read_text()
    now = left_by(place)
    assert [name for name in now if now[name] != whole.left[name]] == [], moments


def moments_of(seed: int, seconds: float) -> list[float | str]:
    """One or two moments: a file, a time within the run, or one after the other."""
    dice = random.Random(seed)
    some: list[float | str] = [dice.choice(FILES), dice.uniform(0.5, 1.0) * seconds]
    return some[:1] if seed % 3 == 0 else some[1:] if seed % 3 == 1 else some[::-1]


def test_a_run_that_is_killed_twice_ends_as_if_nothing_had_happened(
    whole: Whole, tmp_path: Path
) -> None:
    trial(whole, tmp_path / "place", [FILES[1], FILES[5]])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_twenty_killed_runs_end_as_if_nothing_had_happened(
    whole: Whole, seconds: float, tmp_path: Path, seed: int
) -> None:
    trial(whole, tmp_path / "place", moments_of(seed, seconds), more=())


def test_a_signal_ends_the_step_and_says_how_to_go_on(whole: Whole, tmp_path: Path) -> None:
    """SIGTERM in the first fold, then SIGINT in the second one."""
    place = tmp_path / "place"
    process = start(place, *command(whole.competition, whole.data))
    for fold, number in enumerate((signal.SIGTERM, signal.SIGINT)):
        end = time.monotonic() + 600
        while not next(place.glob(f"runs/*/*/fold-{fold}/resume.pt"), None):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(number)
        assert process.wait(600) == 128 + number
        (path,) = place.glob("runs/*/*/run.json")
        words = f"the run is saved; continue it with 'comp resume {path.parent.name}'"
        assert f"stopped by {number.name}: {words}" in (place / "log.txt").read_text()
        record: dict[str, Any] = json.loads(path.read_text())
        assert record["state"] == "interrupted"
        process = go_on(place, whole)
    assert process.wait(600) == 0
    now = left_by(place)
    assert [name for name in now if now[name] != whole.left[name]] == []


MEMORY = """
import json, sys, threading
from pathlib import Path
import numpy as np
import psutil
from comp.config.schema import resolve
from comp.data.location import DataSource
from comp.runs.progress import Silent
from comp.pipeline.run import run
from comp.workspace import Workspace
from competitions.chest_xray import COMPETITION

me, seen = psutil.Process(), []

class Watcher(Silent):
    peak = 0

    def predicted(self, *_):
        self.peak = max(self.peak, me.memory_info().rss)

    def step(self, _step):
        self.peak = max(self.peak, me.memory_info().rss)

    def fold_done(self, *_):
        children = len(me.children(recursive=True))
        seen.append([self.peak, me.num_fds(), children, threading.active_count()])
        self.peak = 0

own = {"folds": 10, "max_steps": 20, "validations": 2, "device": "cpu", "checkpoint_every": "5",
       "loader": {"workers": 1}, "image": {"size": 96}}
layers = [COMPETITION.defaults, COMPETITION.synthetic_defaults, own]
data = Path.cwd() / "data"
COMPETITION.draw_synthetic(data, np.random.default_rng(0))
config = resolve("chest-xray", layers, COMPETITION.options)
run(config, DataSource(data, True), Workspace.at(Path.cwd()), Watcher())
print(json.dumps(seen))
"""


def test_a_signal_to_the_whole_group_spares_the_workers(whole: Whole, tmp_path: Path) -> None:
    place = tmp_path / "place"
    words = [*command(whole.competition, whole.data), "--set", "loader.workers=1"]
    process = start(place, *words, new_session=True)
    end = time.monotonic() + 600
    while not next(place.glob("runs/*/*/fold-0/resume.pt"), None):
        assert time.monotonic() < end
        assert process.poll() is None, (place / "log.txt").read_text()
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(600) == 143, (place / "log.txt").read_text()


@pytest.mark.slow
def test_ten_folds_take_no_more_memory_than_two(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    peaks, handles, children, threads = zip(*seen, strict=True)
    assert len(peaks) == 10
    assert peaks[9] < 1.05 * peaks[1], peaks
    assert handles[9] <= handles[1]
    assert children[9] <= children[1]
    assert threads[9] <= threads[1]
