"""Completion by the shells, which call the program with environment variables."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

IDS = ("20240501-100000-aaaaaa", "20240502-100000-bbbbbb")
HEAVY = {"kaggle", "kagglesdk", "numpy", "pandas", "polars", "sklearn", "timm", "torch"}
CALL_MAIN = """
import sys
sys.argv = ["comp"]
from comp.cli import main
try:
    main()
finally:
    print(sorted(sys.modules), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with two runs, and a folder `elsewhere` with one."""
    root = tmp_path_factory.mktemp("completion")
    for base, run_id in [*((root, i) for i in IDS), (root / "elsewhere", "20250101-000000-cccccc")]:
        run = base / "runs" / "denoising" / run_id
        run.mkdir(parents=True)
        (run / "run.json").write_text("{")  # only the name of the folder matters
    return root


def completed(folder: Path, shell: str, line: str) -> str:
    """What the completion script of a shell gets for a line with the cursor at its end."""
    words = line.split(" ")
    variables = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }
    done = subprocess.run(
        [sys.executable, "-c", CALL_MAIN],
        cwd=folder,
        env=os.environ | variables[shell] | {"_COMP_COMPLETE": f"complete_{shell}"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (modules,) = done.stderr.splitlines()
    assert [name for name in HEAVY if f"'{name}'" in modules] == []
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_completes_commands_names_and_run_ids(folder: Path, shell: str) -> None:
    commands = completed(folder, shell, "comp expl")
    assert "explain-config" in commands
    assert "list" not in commands
    names = completed(folder, shell, "comp run den")
    assert "denoising" in names
    assert "chest-xray" not in names
    ids = completed(folder, shell, "comp resume ")
    assert [ids.count(run_id) for run_id in IDS] == [1, 1]
    assert ids.index(IDS[1]) < ids.index(IDS[0])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("comp predict 20240502", {IDS[1]}),
        ("comp predict 2023", set()),
        ("comp predict --runs elsewhere 2025", {"20250101-000000-cccccc"}),
        ("comp runs rm 20240501", {IDS[0]}),
        ("comp run denoising --repeat 20240501", {IDS[0]}),
        ("comp grade 20240501", {IDS[0]}),
        ("comp submit 20240501", {IDS[0]}),
        ("comp check chest", {"chest-xray"}),
        ("comp leaderboard chest", {"chest-xray"}),
        ("comp runs --competition chest", {"chest-xray"}),
    ],
)
def test_bash_completes(folder: Path, line: str, found: set[str]) -> None:
    assert set(completed(folder, "bash", line).split()) == found


def test_a_broken_plugin_does_not_disturb_the_shell(tmp_path: Path) -> None:
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "broken.py").write_text("1 / 0\n")
    assert "Error" not in completed(tmp_path, "bash", "comp run den")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_shows_and_installs_its_script(tmp_path: Path) -> None:
    env = os.environ | {"HOME": str(tmp_path)}
    done = {
        option: subprocess.run(
            ["bash", "-c", f'"{sys.executable}" -m comp --{option}-completion; exit $?'],
            env=env,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        for option in ("show", "install")
    }
    assert [each.returncode for each in done.values()] == [0, 0], done
    assert "_COMP_COMPLETE=complete_bash" in done["show"].stdout
    assert "complete -o default -F _comp_completion comp" in done["show"].stdout
    assert str(tmp_path) in done["install"].stdout
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert script.read_text().strip() == done["show"].stdout.strip()
    assert str(script) in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize(("shell", "word"), [("zsh", "compdef"), ("fish", "complete --command")])
def test_the_scripts_of_the_other_shells(shell: str, word: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "comp", "--show-completion", shell],
        env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert word in done.stdout
    assert f"_COMP_COMPLETE=complete_{shell}" in done.stdout


def test_an_unknown_shell_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import shellingham

    from comp.cli import main

    def fail() -> None:
        raise shellingham.ShellDetectionFailure

    monkeypatch.setattr(shellingham, "detect_shell", fail)
    monkeypatch.setattr(sys, "argv", ["comp", "--show-completion"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        "comp: cannot detect the shell to complete for: run this command in bash, zsh or fish\n"
    )
