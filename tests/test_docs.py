"""What the documents say is what the program does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from comp import errors
from comp.cli.app import app
from comp.config.schema import RunConfig, keys
from competitions.denoising import Options

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


SECTIONS = {"image", "augment", "thaw", "loss", "optim", "loader", "predict", "options"}


def blocks(text: str, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [body for name, body in found if name == language]


def comp(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "comp", *args]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, check=False)


def test_first_block_installs_and_runs_the_main_job() -> None:
    first = blocks(README, "sh")[0]
    assert "pip install" in first
    assert "comp run denoising --folds 5" in first


def test_second_block_installs_and_passes_the_tests() -> None:
    second = blocks(README, "sh")[1]
    assert "pip install" in second
    assert "lint typecheck tests" in second
    assert second == blocks(CONTRIBUTING, "sh")[0]


def test_help_of_run_is_the_help_in_the_readme(tmp_path: Path) -> None:
    """Typer's releases lay the page out differently, so option names and words are compared."""
    shown = next(b for b in blocks(README, "console") if b.startswith("$ comp run --help"))
    expected = comp("run", "--help", cwd=tmp_path).stdout
    body = shown.removeprefix("$ comp run --help\n")
    assert re.findall(r"^ +(-[-a-z]+)", body, re.M) == re.findall(r"^ +(-[-a-z]+)", expected, re.M)
    command = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
    for option in command.params:
        assert " ".join((option.help or "?").split()) in " ".join(shown.split()), option.name


def test_every_command_is_in_the_readme(tmp_path: Path) -> None:
    text = comp("--help", cwd=tmp_path).stdout
    commands = re.findall(r"^  ([a-z-]+) {2,}\S", text.split("Commands:")[1], flags=re.MULTILINE)
    assert commands
    for command in commands:
        assert f"`comp {command}" in README


def test_every_exit_code_is_in_the_readme() -> None:
    table = README.split("| exit code | meaning |")[1].split("\n\n")[0]
    codes = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type)}
    assert codes == {2, 3, 4, 5, 6, 130}
    shown = " ".join(re.findall(r"^\| ([\d, ]+) \|", table, re.M))
    assert {int(code) for code in re.findall(r"\d+", shown)} == codes | {0, 141, 143}


def test_every_configuration_key_is_in_the_readme() -> None:
    table = README.split("| section | keys |")[1].split("\n\n")[0]
    for key in [*keys(RunConfig), *(f"options.{name}" for name in Options.model_fields)]:
        name = key.rsplit(".", 1)[-1]
        if key not in {"competition", *SECTIONS}:
            assert f"`{name}`" in table, key


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "DECISIONS.md"])
def test_links_between_documents_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in t]
    assert all((ROOT / target).exists() for target in targets), targets


def test_tree_of_the_readme_is_the_tree_of_the_repository() -> None:
    tree = next(b for b in blocks(README, "") if b.startswith("comp/\n  run.py"))
    for line in tree.splitlines():
        name = line.split()[0]
        assert (ROOT / ("comp" if line.startswith("  ") else "") / name).exists(), name
    for path in (ROOT / "comp").iterdir():
        if path.is_dir() and path.name != "__pycache__":
            assert f"  {path.name}/" in tree


def test_competition_of_the_contributing_guide_runs(tmp_path: Path) -> None:
    plugin = next(b for b in blocks(CONTRIBUTING, "python") if "COMPETITION" in b)
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "leaves.py").write_text(plugin, encoding="utf-8")
    assert "Leaf Diseases" in comp("list", cwd=tmp_path).stdout
    done = comp("run", "leaves", "--folds", "2", "--max-steps", "1", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"n_rows": 20' in done.stdout.splitlines()[-1]


def test_licence_and_decisions_are_complete() -> None:
    assert "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    decisions = (ROOT / "DECISIONS.md").read_text(encoding="utf-8")
    numbers = [int(n) for n in re.findall(r"^## (\d+)\. ", decisions, flags=re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
