"""The nox sessions: their names, the default ones, and that everything they name exists."""

from __future__ import annotations

import importlib.util
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
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    marks = {name: mark for mark, name in re.findall(r"^([*-]) (\w+) ->", done.stdout, re.M)}
    assert {name for name, mark in marks.items() if mark == "*"} == {"lint", "typecheck", "tests"}
    assert {"gpu", "docs", "benchmarks"} <= set(marks)


def test_libraries_that_pip_leaves_uncompiled_are_compiled_without_their_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nox")
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    assert spec
    assert spec.loader
    noxfile = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(noxfile)
    for name in ("fern/core.py", "fern/tests/data.py", "fern/testing/tools.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(noxfile.sysconfig, "get_path", lambda _: str(tmp_path))
    assert noxfile.compile_libraries().wait(600) == 0
    compiled = {path.name.split(".")[0] for path in tmp_path.rglob("*.pyc")}
    assert compiled == {"core", "tools"}
    assert "export PIP_NO_COMPILE=0" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_benchmark_is_in_the_session_and_exists() -> None:
    named = re.search(r"for script in \(([^)]*)\)", NOXFILE)
    assert named
    scripts = set(re.findall(r'"(\w+)"', named[1]))
    scripts |= set(re.findall(r'"benchmarks/(\w+)\.py"', NOXFILE))
    existing = {
        path.stem
        for path in (ROOT / "benchmarks").glob("*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    assert scripts == existing


def test_linters_are_in_the_development_tools() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tools = {re.split(r"[<>=]", line)[0] for line in project["optional-dependencies"]["dev"]}
    linters = re.search(r"LINTERS = \[([^\]]*)\]", NOXFILE)
    assert linters
    assert set(re.findall(r'"([\w-]+)"', linters[1])) <= tools


def test_session_docs_checks_the_pages_and_builds_the_site_strictly() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tools = {re.split(r"[<>=]", line)[0] for line in project["optional-dependencies"]["dev"]}
    assert "mkdocs-material" in tools
    body = NOXFILE.split("def docs(")[1].split("@nox.session")[0]
    assert '"tests/test_docs.py"' in body
    assert '"mkdocs", "build", "--strict"' in body
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    site = re.search(r"^site_dir: (\w+)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    assert site
    assert f"/{site[1]}/" in ignored
