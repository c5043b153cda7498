"""The chores: which there are, which run by default, and that what they name exists."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOXFILE = (ROOT / "noxfile.py").read_text(encoding="utf-8")


def test_default_sessions_need_neither_gpu_nor_network() -> None:
    pytest.importorskip("nox")
    done = subprocess.run(
        [sys.executable, "-m", "nox", "--list", "--nocolor"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    marks = {name: mark for mark, name in re.findall(r"^([*-]) (\w+) ->", done.stdout, re.M)}
    assert {name for name, mark in marks.items() if mark == "*"} == {"lint", "typecheck", "tests"}
    assert {"gpu", "docs", "benchmarks"} <= set(marks)


def test_every_benchmark_is_a_chore_and_every_chore_exists() -> None:
    named = re.search(r"for script in \(([^)]*)\)", NOXFILE)
    assert named
    scripts = set(re.findall(r'"(\w+)"', named[1]))
    there = {
        path.stem
        for path in (ROOT / "benchmarks").glob("*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    assert scripts == there


def test_linters_stand_among_the_development_tools() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tools = {re.split(r"[<>=]", line)[0] for line in project["optional-dependencies"]["dev"]}
    linters = re.search(r"LINTERS = \[([^\]]*)\]", NOXFILE)
    assert linters
    assert set(re.findall(r'"([\w-]+)"', linters[1])) <= tools
