"""A tiny data set that any test can run in seconds, and real data where it is."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else its import looks online, and warns

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from competitions.denoising import COMPETITION as DENOISING
from competitions.denoising.synthetic_pages import draw_pages

settings.register_profile(
    "slow machines", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("slow machines")
MANY_OBJECTS = 100_000
OURS = {"cats_dogs", "chest_xray", "denoising", "digits", "housing", "salt"}
TINY = {
    "folds": 2,
    "max_steps": 2,
    "validations": 1,
    "device": "cpu",
    "optim": {"name": "adamw"},  # a step of muon, the plugin's own, costs ten times as much
    "loader": {"batch_size": 2, "repeats": 1},
    "predict": {"tta": "none"},
    "options": {"crop": 32},
}


def pytest_configure() -> None:
    """A background job of a shell ignores Ctrl-C, and so would all that the tests start.

    Until the first test, libraries are imported, and nothing is garbage.
    """
    gc.disable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def plugins_as_they_were() -> Iterator[None]:
    """Plugins that a test wrote into its working folder are known to no other test."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    registry._hash_of.cache_clear()  # its keys are addresses, which other plugins may get
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("competitions.") and name.split(".")[1] not in OURS:
            del sys.modules[name]


@pytest.fixture(scope="module", autouse=True)
def libraries_are_never_garbage() -> None:
    """Else each full collection looks at the half a million objects of torch and others, which
    takes a tenth of the time of the tests."""
    if len(gc.get_objects()) > MANY_OBJECTS:  # without those that are frozen
        gc.collect()
        gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def short_measurements() -> Iterator[None]:
    """Runs in the process of the tests measure the speed of the machine for a moment only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("comp.pipeline.pace.TRIAL_S", 0.2)
        yield


@pytest.fixture(scope="session", autouse=True)
def files_that_survive_no_power_cut() -> Iterator[None]:
    """Files that this process writes are left to the cache of the disk, which takes milliseconds
    for each. Processes that tests start wait for the disk, as every other does."""

    def no_wait(number: int) -> None:
        os.fstat(number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", no_wait)
        yield


@pytest.fixture(params=[errno.ENOLCK, errno.EOPNOTSUPP])
def no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk without file locks, of which no user was warned yet."""
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr("comp.files._warned_disks", set())


@pytest.fixture(scope="session")
def drawn(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[Competition], Path]:
    """Gives the synthetic data of a competition, drawn once for all processes that run tests.

    No test may change it.
    """
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):  # a process of pytest-xdist has a folder in it
        shared = shared.parent

    def draw(competition: Competition) -> Path:
        root = shared / f"drawn-{competition.name}"
        with FileLock(f"{root}.lock"):
            if not root.exists():
                part = root.with_name(f"{root.name}.part")
                part.mkdir()
                competition.draw_synthetic(part, np.random.default_rng(0))
                part.rename(root)
        return root

    return draw


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn denoising data set with small pages: 4 clean pages under 2 noises, 2 test pages."""
    root = tmp_path_factory.mktemp("pages")
    draw_pages(root, np.random.default_rng(3), texts=4, noises=2, test_texts=2)
    return shrink(root)


def shrink(root: Path, rows: int = 40, columns: int = 56) -> Path:
    """Cut every page down, tall pages to 40 rows and short ones to 30, and the ids to fit."""
    lines = ["id,value"]
    for path in sorted(root.glob("*/*.png")):
        page = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        height = rows if page.shape[0] == 420 else rows - 10
        cv2.imwrite(str(path), page[60 : 60 + height, 60 : 60 + columns])
        if path.parent.name == "test":
            lines += [
                f"{path.stem}_{r}_{c},1"
                for r in range(1, height + 1)
                for c in range(1, columns + 1)
            ]
    (root / "sampleSubmission.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="session")
def tiny() -> RunConfig:
    """The configuration of a denoising run of two folds and two steps."""
    return resolve("denoising", [DENOISING.defaults, TINY], DENOISING.options)


@pytest.fixture(scope="session")
def real_denoising() -> Path:
    """The real data of the denoising competition: COMP_DENOISING_DATA names its zip or folder."""
    place = os.environ.get("COMP_DENOISING_DATA")
    if not place or not Path(place).exists():
        pytest.skip("COMP_DENOISING_DATA names no data")
    return Path(place)
