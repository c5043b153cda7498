"""Every help text, and the message for every common mistake, is plain English."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from mistakes import RUN, SETTINGS
from wording import banned_words, message_faults

from comp.cli import main
from comp.cli.app import build_app

EXPLAIN = ("explain-config", "denoising")
DEEP = "{a={a={a={a={a={a={a={a={a={a={a=1}}}}}}}}}}}"
MISTAKES: list[str | tuple[str, ...]] = [
    *("rnu", "nonsense", "--versoin", "runs prnue", "list denoising", "cache --clera"),
    *("run", "run denoisng", "run denoising --epochs 3", "run denoising --lr 1"),
    *("run denoising --fold first", "run denoising --fold", "run denoising --bugdet 3m"),
    *("run denoising --seed 1.5", "run denoising --weights a --no-pretrained"),
    *("run denoising --resume", "run denoising --resume --fold 0", "run denoising --repeat 2099"),
    *("run denoising --data nowhere", "run denoising --data a.csv", "run denoising --data empty"),
    *("run denoising --data scans --out a.csv/b", "run denoising --sample --device tpu --json"),
    *("runs rm", "runs rm 2099 --yes", "runs prune", "runs prune --keep-best -1"),
    *("runs prune --keep-best one", "runs --json prune", "runs --competition nonesuch"),
    *("resume", "resume 2099", "resume 2020", "resume --verify", "resume ../denoising"),
    *("predict", "predict 2099", "predict 2020", "predict 2020 --fold 0", "grade 2020"),
    *("gather", "gather 2099", "gather 2020", "gather scans", "resume 2020 --folds some"),
    *("blend", "blend 2020", "blend 2020 2099", "blend 2020 2099 --method median"),
    *("compare", "compare 2020", "compare 2020 2099", "compare 2020 2020"),
    *("check nonesuch", "check denoising --data nowhere", "check denoising --folds 1 --sample"),
    *("explain-config nonesuch", "explain-config denoising --config gone.toml"),
    *("explain-config denoising --config broken.toml", "explain-config denoising --set epochs"),
    *((*EXPLAIN, "--set", text) for text in (f"backbone_args={DEEP}", "1x=3", "thaw.how=staged")),
    *((*EXPLAIN, "--set", text) for text in ("lr=1", "optim.lr=fast", "optim.lr=-1", "folds=1.")),
    *((*EXPLAIN, "--set", text) for text in ("pretrained=yes", "freeze=some", "image.size=3")),
    *((*EXPLAIN, "--set", text) for text in ("predict.tta=rot90", "options.corp=3", "loader=3")),
    (*EXPLAIN, "--set", "budget=5m", "--set", "max_steps=3"),
    (*EXPLAIN, "--set", "optim.wait=1", "--set", "optim.plateau_patience=1"),
    *("lr-find denoising --steps 3", "lr-find denoising --fold 9 --data scans", "lr-find x"),
    *("sample denoising", "sample denoising --out scans", "sample denoising --out a.csv/b"),
    *("weights resnet3", "weights denoising", "weights resnet18 --out a.csv/b --json", "weights"),
    *("login", "login --timeout soon", "download nonesuch", "download denoising"),
    *("download denoising --timeout 0s", "leaderboard denoising --score high"),
    *("leaderboard denoising --timeout -1s", "leaderboard denoising --run 2099"),
    *("submit", "submit 2099", "submit gone.csv", "submit a.csv", "submit --competition nonesuch"),
    *("submissions --competition nonesuch", "submissions --refresh --timeout never"),
    *("check-submission gone.csv", "check-submission a.csv", "check-submission 2020"),
    *("check-submission a.csv --competition nonesuch", "check-submission"),
    *("check-submission a.csv --competition denoising --data scans", "doctor --ofline"),
    *((*RUN, "--data", "scans", *args) for args, _ in SETTINGS),
]
OTHER_CODES = {"login": 3, "download denoising": 3, "submissions --refresh --timeout never": 2}
"""Exit codes other than 2: without credentials Kaggle refuses."""


@pytest.fixture(scope="module")
def folder(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with data, a damaged run, and files that are not what they seem."""
    root = tmp_path_factory.mktemp("mistakes")
    shutil.copytree(pages, root / "scans")
    (root / "empty").mkdir()
    (root / "home").mkdir()
    (root / "a.csv").write_text("id,value\n1,2\n")
    (root / "broken.toml").write_text("epochs: 3\n")
    run = root / "runs" / "denoising" / "20200101-000000-abcdef"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{")
    return root


@pytest.fixture
def call(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in the folder, without credentials: (exit code, stdout, stderr)."""
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(folder)

    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["comp", *args])
        with pytest.raises(SystemExit) as stop:
            main()
        code = stop.value.code or 0
        return int(code), *capsys.readouterr()

    return run


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m if isinstance(m, str) else m[-1][:40])
def test_a_mistake_is_one_plain_line(
    mistake: str | tuple[str, ...], call: Callable[..., tuple[int, str, str]]
) -> None:
    args = mistake.split() if isinstance(mistake, str) else mistake
    code, out, err = call(*args)
    expected = OTHER_CODES.get(mistake, 2) if isinstance(mistake, str) else 2
    assert (code, out) == (expected, ""), err
    assert message_faults(err) == [], err


def test_there_are_enough_mistakes() -> None:
    assert len(set(MISTAKES)) == len(MISTAKES) >= 60


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


HELP = list(commands(typer.main.get_command(build_app())))


def test_the_walk_reaches_the_commands_of_commands() -> None:
    assert {(), ("run",), ("runs",), ("runs", "rm"), ("runs", "prune")} <= set(HELP)


@pytest.mark.parametrize("path", HELP, ids=" ".join)
def test_help_is_plain_english(
    path: tuple[str, ...], call: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, err = call(*path, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: {' '.join(('comp', *path))} ")
    assert banned_words(out) == []
    assert [line for line in out.splitlines()[1:] if line.endswith("...")] == [], "cut off"


def test_commands_stand_under_headings(call: Callable[..., tuple[int, str, str]]) -> None:
    _, out, _ = call("--help")
    sections = out.split("\n\n")[-4:]
    headings = [section.splitlines()[0] for section in sections]
    assert headings == [
        "Train and predict:",
        "Look at data, runs and settings:",
        "Kaggle:",
        "Housekeeping:",
    ]
    assert "  run " in sections[0]
    assert "  runs " in sections[1]
    assert "  submit " in sections[2]
    assert "  doctor " in sections[3]


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ("rnu", "no command 'rnu': did you mean 'run'?"),
        ("nonsense", "no command 'nonsense': see 'comp --help'"),
        ("runs prnue", "no command 'prnue' in 'comp runs': did you mean 'prune'?"),
        ("list --jsno", "no option '--jsno' in 'comp list': did you mean '--json'?"),
        (
            "run denoising --epochs 3",
            "no option '--epochs' in 'comp run': did you mean '--set epochs=VALUE'?",
        ),
        (
            "run denoising --learning-rate 3",
            "no option '--learning-rate' in 'comp run': see 'comp run --help'",
        ),
        (
            "check denoising --lr 3",
            "no option '--lr' in 'comp check': did you mean '--set optim.lr=VALUE'?",
        ),
        ("run", "missing argument 'NAME': see 'comp run --help'"),
    ],
)
def test_a_mistyped_name_comes_with_a_suggestion(
    args: str, line: str, call: Callable[..., tuple[int, str, str]]
) -> None:
    assert call(*args.split()) == (2, "", f"comp: {line}\n")


def test_an_old_key_comes_with_one_hint(
    folder: Path, call: Callable[..., tuple[int, str, str]]
) -> None:
    (folder / "old.toml").write_text("[optim]\nwait = 2\n")
    code, out, err = call(*EXPLAIN, "--config", "old.toml", "--set", "optim.wait=3")
    assert (code, err) == (0, "comp: optim.wait is now called optim.plateau_patience\n")
    (row,) = [line.split() for line in out.splitlines() if "plateau_patience" in line]
    assert row[:3] == ["optim.plateau_patience", "3", "--set"]


def test_demo_is_sample(call: Callable[..., tuple[int, str, str]]) -> None:
    for option in ("--sample", "--demo"):
        code, out, err = call("check", "denoising", "--quick", option)
        assert (code, err) == (0, "")
        assert out.startswith("synthetic data: ")


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        ("comp: no run 'x'\n", ""),
        ("comp: Kaggle refuses the file: log in\n", ""),
        (f"comp: {'x' * 200}: {'y' * 300}\n", ""),
        ("no run 'x'\n", "not one line"),
        ("comp: no run\ncomp: no run\n", "not one line"),
        ("comp: no run", "not one line"),
        (f"comp: {'x' * 201}: delete it\n", "201 characters before the advice"),
        (f"comp: no run: {'x' * 600}\n", "608 characters"),
        ("comp: the run is gone on with\n", "'gone on' is not plain English"),
        ("comp: a heap of thereof: heed it\n", "'thereof' is not plain English"),
        ("comp: scans is no folder\n", "'is no' is not plain English"),
        ("comp: there is no folder\n", ""),
        ("comp: No run\n", "starts with a capital letter"),
        ("comp: no run.\n", "ends with a full stop"),
        ("comp: Traceback (most recent call last)\n", "contains a traceback"),
    ],
)
def test_the_check_can_fail(output: str, fault: str) -> None:
    faults = message_faults(output)
    if fault:
        assert any(found.startswith(fault) for found in faults), faults
    else:
        assert faults == []
