"""Bundles of a few tiny runs on drawn data, and predict.py in a process without comp.

`bundled` is a fixture of the session: import it in a test file, and ask for a run by its name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from comp.bundle.build import BundleOptions, make_bundle
from comp.config.schema import resolve
from comp.contract import registry
from comp.data.location import DataSource
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.workspace import Workspace

BLOCKED = (
    *("comp", "competitions", "accelerate", "albumentations", "captum", "cv2", "kaggle"),
    *("polars", "pydantic", "scipy", "sklearn"),
)
"""Modules that predict.py cannot import."""
PRELUDE = """
import runpy, sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        missing = name.partition(".")[0] in {blocked!r}
        return None if missing else self.finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self.finder, name)
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
sys.path[:] = [path for path in sys.path if path]
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
TINY: Mapping[str, Any] = {
    "folds": 2,
    "max_steps": 4,
    "validations": 1,
    "device": "cpu",
    "pretrained": False,
    "loader": {"batch_size": 4, "workers": 0},
}
RUNS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "classes": ("chest-xray", {"backbone": "test_resnet", "image": {"size": 64}}),
    "masks": ("salt", {"backbone": "test_resnet", "loader": {"batch_size": 4}}),
    "pages": ("denoising", {"optim": {"name": "adamw"}, "options": {"crop": 32}}),
    "photos": ("cats-dogs", {"backbone": "test_vit", "image": {"size": 64}}),
}
"""Name -> (competition, keys of the configuration)."""


@dataclass(frozen=True)
class Bundled:
    """A run, the data that it was trained on, and its bundle."""

    run_id: str
    workspace: Workspace
    data: Path
    folder: Path

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.workspace.find_run(self.run_id)


@pytest.fixture(scope="session")
def bundled(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: Callable[..., Path],
    pages: Path,
    request: pytest.FixtureRequest,
) -> Callable[[str], Bundled]:
    """Gives the bundle of a run of `RUNS`, made when it is first asked for, once for all processes
    that run tests. No test may change it; copy it first."""
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):  # a process of pytest-xdist has a folder in it
        shared = shared.parent

    def make(name: str) -> Bundled:
        folder = shared / f"bundled-{name}"
        with FileLock(f"{folder}.lock"):
            made = folder / "made.json"
            if not made.exists():
                trained = trained_run(name, folder, pages if name == "pages" else drawn)
                options = BundleOptions(out=trained.folder)
                make_bundle(trained.run_id, trained.workspace, options, lambda _line: None)
                made.write_text(json.dumps([trained.run_id, str(trained.data)]))
            run_id, data = json.loads(made.read_text())
        return Bundled(run_id, Workspace.at(folder), Path(data), folder / "the-bundle")

    return make


def trained_run(name: str, folder: Path, data: Path | Callable[..., Path]) -> Bundled:
    """Train a run of `RUNS` in a folder; the bundle is not made yet.

    Args:
        data: its data, or the fixture `drawn`.
    """
    competition, keys = RUNS[name]
    found = registry.get(competition)
    root = data if isinstance(data, Path) else data(found)
    config = resolve(found.name, [found.defaults, TINY, keys], found.options)
    workspace = Workspace.at(folder)
    summary = run(config, DataSource(root, True), workspace, Silent())
    return Bundled(summary.run_id, workspace, root, folder / "the-bundle")


def run_predict(
    folder: Path, mount: Path, output: Path, *arguments: str, allowed: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run predict.py of a bundle in a process without comp and without other libraries.

    Args:
        mount: where it looks for the data.
        output: the folder that it writes to, which is made.
        allowed: modules of `BLOCKED` that it may import.
    """
    output.mkdir(parents=True, exist_ok=True)
    blocked = tuple(name for name in BLOCKED if name not in allowed)
    command = [sys.executable, "-c", PRELUDE.format(blocked=blocked), str(folder / "predict.py")]
    command += ["--input", str(mount), "--output", str(output), *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=output,
        env=environment,
        timeout=600,
        check=False,
    )
