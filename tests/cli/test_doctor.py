"""`comp doctor` as a command of its own, on this machine and on one with planted faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import TOKEN, KaggleServer

COMP = Path(sys.executable).parent / "comp"
EXPIRED = "KGAT_expired-and-secret"
TORCH = """
__version__ = "2.9.0+cpu"
class version: cuda = None
class cuda: is_available = staticmethod(lambda: False)
class backends:
    class mps: is_available = staticmethod(lambda: False)
class zeros:
    def __init__(self, *_): pass
    def numpy(self): return None
"""
VISION = """raise RuntimeError("operator torchvision::nms does not exist")"""
NAMES = [
    *("Python", "packages", "six", "albumentations", "trackers", "plugins", "cores", "threads"),
    *("load", "workers", "shared memory", "open files", "HOME", "data/", "runs/", "submissions/"),
    *("free disk", "write speed", "torch", "torchvision", "numpy", "OpenCV", "GPU", "precision"),
]
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def server() -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        yield running


@pytest.fixture
def early(tmp_path: Path) -> Path:
    """A folder before all others on Python's path, with a torch that is quick to import."""
    place = tmp_path / "early"
    (place / "torch").mkdir(parents=True)
    (place / "torch" / "__init__.py").write_text(TORCH)
    (place / "torchvision").mkdir()
    (place / "torchvision" / "__init__.py").write_text(
        "class ops: nms = staticmethod(lambda *_: None)\nclass version: pass\n"
        "__version__ = '0.24.0+cpu'\n"
    )
    return place


@pytest.fixture
def here(tmp_path: Path) -> Path:
    place = tmp_path / "here"
    place.mkdir()
    return place


@pytest.fixture
def call(server: KaggleServer, tmp_path: Path, here: Path, early: Path) -> Call:
    """Runs `comp doctor` in the folder `here`, which it must leave as it was."""
    home = tmp_path / "home"
    home.mkdir()

    def run(
        *args: str, credentials: Any = "none", limit: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, [str(early), os.environ.get("PYTHONPATH", "")]))
        before = sorted(here.iterdir())
        done = subprocess.run(
            ["/bin/sh", "-c", f'{limit} exec "$0" doctor "$@"', COMP, *args],
            cwd=here,
            env=server.environment(home, credentials) | {"PYTHONPATH": path} | variables,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert sorted(here.iterdir()) == before
        assert "Traceback" not in done.stdout + done.stderr
        assert [s for s in (TOKEN, EXPIRED) if s in done.stdout + done.stderr] == []
        return done

    return run


def distribution(place: Path, name: str, version: str) -> None:
    """Plants what pip leaves of an installed package."""
    folder = place / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    values = json.loads(done.stdout.splitlines()[-1])
    found = {check["name"]: check for check in values["checks"]}
    assert values["problems"] == sum(check["state"] == "problem" for check in found.values())
    assert values["notes"] == sum(check["state"] == "note" for check in found.values())
    assert (done.returncode == 2) is (values["problems"] > 0)
    for check in found.values():
        assert bool(check["remedy"]) is (check["state"] != "ok"), check
    return found


def test_this_machine_with_its_own_libraries(server: KaggleServer, tmp_path: Path) -> None:
    """What is installed here must be fit to run comp, so there are no problems with it."""
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [COMP, "doctor", "--json"],
        cwd=tmp_path,
        env=server.environment(home, "none"),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    found = checks(done)
    assert [*found] == [*NAMES, "hub", "Kaggle"]
    for name in (
        "Python",
        "packages",
        "six",
        "albumentations",
        "torch",
        "torchvision",
        "numpy",
        "OpenCV",
    ):
        assert found[name]["state"] == "ok", found[name]
    assert (found["hub"]["state"], found["Kaggle"]["state"]) == ("note", "note")
    assert "environment" in json.loads(done.stdout)
    assert done.stderr.splitlines()[0].split()[:2] == ["ok", "Python"]
    assert list(tmp_path.iterdir()) == [home]


def test_planted_faults_are_all_found_at_once(call: Call, early: Path, here: Path) -> None:
    (early / "torchvision" / "__init__.py").write_text(VISION)
    (early / "torchvision" / "version.py").write_text("__version__ = '0.24.0+cu128'\n")
    (early / "sitecustomize.py").write_text("import sys\nsys.modules['six'] = None\n")
    distribution(early, "albumentations", "2.0.5")
    distribution(early, "opencv-python", "4.11.0.86")
    distribution(early, "timm", "0.9.0")
    (here / "runs").write_text("")

    done = call("--json", "--offline", limit="ulimit -n 64;", OMP_NUM_THREADS="999")

    found = checks(done)
    assert done.returncode == 2
    problems = {name for name, check in found.items() if check["state"] == "problem"}
    assert problems >= {
        *("packages", "six", "albumentations", "open files", "runs/", "torchvision", "OpenCV")
    }
    assert "timm 0.9.0 (needs >=" in found["packages"]["found"]
    assert "'timm>=" in found["packages"]["remedy"]
    assert found["six"]["remedy"] == "pip install six"
    assert found["albumentations"]["found"] == "2.0.5, comp needs 2.0.8"
    assert found["open files"]["found"].startswith("64 at most")
    assert "0.24.0+cu128 is built for CUDA, torch 2.9.0+cpu for" in found["torchvision"]["found"]
    assert "overwrite each other's files" in found["OpenCV"]["found"]
    assert found["threads"]["state"] == "note"
    assert found["torch"]["state"] == "ok"


def test_the_table_shows_what_to_do(call: Call, early: Path) -> None:
    (early / "torchvision" / "__init__.py").write_text(VISION)
    done = call("--offline")
    assert (done.returncode, done.stderr) == (2, "")
    rows = done.stdout.splitlines()
    (at,) = [i for i, row in enumerate(rows) if row.startswith("problem  torchvision")]
    assert "its operators are missing" in rows[at]
    assert rows[at + 1].strip().startswith("-> reinstall both from one index: pip install")
    assert rows[-1].startswith("1 problem, ") or " problems, " in rows[-1]


def test_offline_nobody_is_asked(call: Call, server: KaggleServer) -> None:
    done = call("--json", "--offline", credentials="token")
    found = checks(done)
    assert "hub" not in found
    assert found["Kaggle"]["found"] == "not checked; credentials from KAGGLE_API_TOKEN"
    assert server.requests == []


def test_credentials_that_work(call: Call) -> None:
    found = checks(call("--json", credentials="token"))
    assert found["Kaggle"]["state"] == "ok"
    assert found["Kaggle"]["found"] == "accepts the credentials from KAGGLE_API_TOKEN of ada"
    assert found["hub"]["state"] == "note"


def test_credentials_that_kaggle_refuses_are_a_problem(call: Call) -> None:
    done = call("--json", KAGGLE_API_TOKEN=EXPIRED)
    found = checks(done)
    assert done.returncode == 2
    assert (found["Kaggle"]["state"], found["Kaggle"]["found"]) == (
        "problem",
        "refuses the credentials from KAGGLE_API_TOKEN",
    )


def test_a_kaggle_that_does_not_answer_is_noted_in_time(call: Call, server: KaggleServer) -> None:
    server.fail("IntrospectToken", "hang", times=9)
    found = checks(call("--json", credentials="token"))
    assert server.count("IntrospectToken") <= 1  # it would be asked again after half a minute
    assert found["Kaggle"]["state"] == "note"
    assert "cannot be reached" in found["Kaggle"]["found"]
