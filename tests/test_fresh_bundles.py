"""Bundles in an environment that holds only torch, timm, numpy, pillow and pandas.

`nox -s bundle` makes the environment, and gives its Python as COMP_FRESH_PYTHON.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bundled import RUNS, Bundled, bundled

from comp.bundle.rehearsal_table import table_lines
from comp.bundle.rehearse import run_rehearsal
from comp.bundle.scene import RehearsalSettings

__all__ = ["bundled"]
PYTHON = os.environ.get("COMP_FRESH_PYTHON")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="COMP_FRESH_PYTHON is not set: use nox -s bundle"),
]


@pytest.mark.parametrize("name", ["comp", "cv2", "polars", "albumentations", "scipy", "sklearn"])
def test_the_environment_is_fresh(name: str) -> None:
    command = [str(PYTHON), "-I", "-c", f"import {name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("name", RUNS)
def test_a_bundle_of_each_kind(
    name: str, bundled: Callable[[str], Bundled], tmp_path: Path
) -> None:
    made = bundled(name)
    folder = tmp_path / "bundle"
    shutil.copytree(made.folder, folder)
    found = run_rehearsal(
        folder, made.workspace, print, RehearsalSettings(python=Path(str(PYTHON)))
    )
    sys.stdout.write("\n".join(table_lines(found, 140)))
    assert found.problems == []
    assert [step.passed for step in found.steps] == [True] * 4
