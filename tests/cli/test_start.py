"""The start of the command line: its imports, its help, and closed or broken streams."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import typer.main
from kaggle_server import KaggleServer

from comp import __version__
from comp.cli import main
from comp.cli.app import COMMANDS as TABLE
from comp.cli.app import build_app
from comp.errors import DataError
from comp.workspace import Workspace

HEAVY = {
    "albumentations",
    "cv2",
    "kaggle",
    "kagglesdk",
    "numpy",
    "pandas",
    "polars",
    "requests",
    "scipy",
    "sklearn",
    "timm",
    "torch",
}
COMMANDS = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
COMMAND_MODULES = {origin.partition(":")[0] for _, origin in TABLE.values()}

IMPORT_ONLY = "import sys, comp; print(sorted(sys.modules), file=sys.stderr)"
CALL_MAIN = """
import sys
from comp.cli import main
try:
    main()
except SystemExit as stop:
    code = stop.code or 0
print(sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def python(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


STARTS = {
    "import": (IMPORT_ONLY,),
    "help": (CALL_MAIN, "--help"),
    "version": (CALL_MAIN, "--version"),
    "list": (CALL_MAIN, "list"),
    "run-help": (CALL_MAIN, "run", "--help"),
    "mistake": (CALL_MAIN, "run", "denoisng"),
}


@pytest.fixture(scope="module")
def started(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs each of `STARTS` once, in a folder that must stay empty."""
    folder = tmp_path_factory.mktemp("empty")

    @cache
    def start(name: str) -> subprocess.CompletedProcess[str]:
        done = python("-c", *STARTS[name], cwd=folder)
        assert list(folder.iterdir()) == []
        return done

    return start


@pytest.mark.parametrize("name", STARTS)
def test_starting_imports_no_heavy_library(
    name: str, started: Callable[[str], subprocess.CompletedProcess[str]]
) -> None:
    modules = started(name).stderr.strip().splitlines()[-1]
    assert "'sys'" in modules
    assert {name for name in HEAVY if f"'{name}'" in modules} == set()


def test_a_check_needs_nothing_that_trains(pages: Path, tmp_path: Path) -> None:
    for args in (("denoising", "--data", str(pages), "--folds", "2"), ("cats-dogs", "--sample")):
        done = python("-c", CALL_MAIN, "check", *args, cwd=tmp_path)
        assert done.returncode == 0
        modules = done.stderr.strip().splitlines()[-1]
        heavy = ("albumentations", "timm", "torch")
        assert [name for name in heavy if f"'{name}'" in modules] == []


def test_a_run_asks_nobody_for_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with KaggleServer() as server:
        for name, value in server.environment(home).items():
            monkeypatch.setenv(name, value)
        words = ["run", "cats-dogs", "--sample", "--folds", "2", "--fold", "0", "--max-steps", "1"]
        words += ["--no-pretrained", "--set", "backbone=test_resnet", "--set", "image.size=32"]
        for key in ("validations=1", "predict.tta=none", "report.explain=0"):
            words += ["--set", key]
        done = python("-c", CALL_MAIN, *words, "--device", "cpu", "--json", cwd=tmp_path)
        assert server.requests == []
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["synthetic"] is True
    modules = done.stderr.strip().splitlines()[-1]
    assert "'torch'" in modules
    assert "'kaggle'" not in modules
    assert "'kagglesdk'" not in modules
    assert "aggle" not in done.stderr.replace(modules, "")
    assert not (home / ".kaggle").exists()
    assert not (home / ".config" / "kaggle").exists()


def test_python_dash_m_comp_prints_the_version(tmp_path: Path) -> None:
    done = python("-m", "comp", "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"comp {__version__}\n", "")


def test_the_installed_script_is_the_same_program(tmp_path: Path) -> None:
    script = Path(sys.executable).parent / "comp"
    if not script.is_file():
        pytest.skip("comp is not installed as a script beside this Python")
    done = subprocess.run(
        [script, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"comp {__version__}\n")


@pytest.mark.skipif(os.name != "posix", reason="needs a shell that closes streams")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("list", 0),
        ("runs --json", 0),
        ("check cats-dogs --quick --sample", 0),
        ("list 2", 2),
        ("run denoisng 2>&-", 2),
    ],
)
def test_a_command_whose_stdout_is_closed_does_its_work(
    words: str, code: int, tmp_path: Path
) -> None:
    done = shell(f"{sys.executable} -m comp {words} >&-", tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a shell that closes streams")
@pytest.mark.parametrize("words", ["list", "list --json", "runs", "check cats-dogs --quick"])
def test_a_command_that_nobody_reads_ends_like_one_of_sigpipe(words: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m comp {words}; echo $? >&2"
    done = shell(f"({command}) | true", tmp_path)
    assert done.stderr == "141\n"


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_list_names_the_competition_and_leaves_nothing_behind(
    started: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    done = started("list")
    assert done.returncode == 0
    assert "denoising   Denoising Dirty Documents  (RMSE;" in done.stdout
    assert "chest-xray  Chest X-Ray Images (Pneumonia)  (AUC;" in done.stdout
    assert "no data yet" in done.stdout


def test_list_sees_data_in_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "data" / "denoising" / "train").mkdir(parents=True)
    done = python("-m", "comp", "list", cwd=tmp_path)
    assert "data in data/denoising" in done.stdout


def test_list_marks_data_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusing(_workspace: Workspace, name: str) -> bool:
        raise DataError(f"cannot read data/{name}")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Workspace, "has_data", refusing)
    monkeypatch.setattr(sys, "argv", ["comp", "list"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    assert "(RMSE; data/denoising cannot be read)" in capsys.readouterr().out


def test_help_shows_every_command(
    started: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    done = started("help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"  {name} " in done.stdout


def test_the_commands_are_those_of_the_documentation() -> None:
    assert {"list", "run", "predict", "sample"} <= set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_every_parameter_says_what_it_is(name: str) -> None:
    command = COMMANDS[name]
    assert command.help.endswith(".")
    for parameter in command.params:
        assert parameter.help, f"{name} {parameter.name} has no help"


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("runz",), "runz"),
        (("run", "denoising", "--fold", "first"), "--fold"),
        (("run", "denoising", "--epoch", "3"), "--epoch"),
        (("run",), "NAME"),
    ],
)
def test_a_mistyped_command_line_is_refused_and_named(
    args: tuple[str, ...], found: str, tmp_path: Path
) -> None:
    done = python("-m", "comp", *args, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert found in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["typer", "comp.cli.app", "comp.kaggle.history"])
def test_ctrl_c_is_one_line_at_any_moment(tmp_path: Path, module: str) -> None:
    code = f"""
import sys
from comp.cli import main

class Impatient:
    def find_spec(self, name, *_):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Impatient())
main()
"""
    done = python("-c", code, "submissions", cwd=tmp_path)
    assert (done.returncode, done.stderr.strip()) == (130, "comp: interrupted")


def test_a_command_imports_neither_the_other_commands_nor_the_configuration(tmp_path: Path) -> None:
    done = python("-c", CALL_MAIN, "list", cwd=tmp_path)
    imported = {name for name in COMMAND_MODULES if f"'{name}'" in done.stderr}
    assert imported == {"comp.cli.list"}
    assert "'comp.contract.registry'" in done.stderr
    assert "'comp.config.schema'" not in done.stderr


def test_every_command_is_built_alone_as_it_is_built_with_the_others() -> None:
    for name, command in COMMANDS.items():
        alone = typer.main.get_command(build_app(name)).commands  # type: ignore[attr-defined]
        assert list(alone) == [name]
        assert alone[name].rich_help_panel == command.rich_help_panel


ROOT = Path(__file__).parents[2]
FIRST_STEP = ("comp.cli.run", "comp.pipeline.run", "comp.report.terminal", "comp.calls.after")
NOT_BEFORE_THE_FIRST_STEP = {
    *("captum", "catboost", "gradio", "httpx", "IPython", "jinja2", "joblib"),
    *("kaggle", "kagglesdk", "lightgbm", "matplotlib", "mlflow", "onnx", "onnxruntime", "optuna"),
    *("pandas", "ray", "requests", "sklearn", "submitit", "tensorboard", "tensorboardX"),
    *("trackio", "transformers", "wandb", "xgboost"),
}
"""Libraries that a run may need later, or never. Imports in functions do not count."""


def test_a_run_imports_nothing_before_its_first_step_that_it_does_not_need() -> None:
    pending, seen, libraries = list(FIRST_STEP), set[str](), set[str]()
    while pending:
        name = pending.pop()
        path = ROOT / Path(*name.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name in seen or not file.is_file():
            continue
        seen.add(name)
        for imported in imported_at_once(file):
            pending += [imported] if imported.startswith("comp.") else []
            libraries.add(imported.partition(".")[0])
    assert len(seen) > 200
    assert {"torch", "numpy"} < libraries
    assert not libraries & NOT_BEFORE_THE_FIRST_STEP


def imported_at_once(file: Path) -> set[str]:
    """The modules that a file imports when it is imported itself."""
    found = set[str]()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
