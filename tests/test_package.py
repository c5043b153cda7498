"""The package as a whole: what it ships, how big its parts are, and what its tests mirror."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

import comp

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SHIPPED = ("comp", "competitions")
MODULES = sorted(path.relative_to(ROOT) for top in SHIPPED for path in (ROOT / top).rglob("*.py"))
TESTS = sorted(path.relative_to(ROOT / "tests") for path in ROOT.glob("tests/**/test_*.py"))
WITHOUT_A_MODULE = {
    "browser/test_demo.py": "the page of comp demo, in a browser",
    "browser/test_galleries.py": "every kind of block of comp/page/, in a browser",
    "browser/test_names.py": "hostile names through a whole run and its pages, in a browser",
    "browser/test_reports.py": "the report of each competition, in a browser",
    "cli/test_mistakes.py": "every kind of bad input, through the whole program",
    "cli/test_messages.py": "every help text and message, through the whole program",
    "cli/test_start.py": "what every command has in common",
    "discovery/test_table_competitions.py": "tables that can be read in two ways, by comp new",
    "doctor/test_checks.py": "every check of comp/doctor/, on planted faults",
    "kaggle/test_download_request.py": "what a download is asked for, of comp/kaggle/download.py",
    "test_peers.py": "the benchmark against other programs, without them",
    "test_contract_fields.py": "the less usual fields of a competition, through a whole run",
    "test_docs.py": "README against the program",
    "test_fresh_bundles.py": "bundles in an environment without comp and its libraries",
    "test_fuzz.py": "damaged images and odd texts, through the whole program",
    "test_not_square.py": "inputs of another height than width, through a whole run",
    "test_notebook.py": "comp/api.py in a Jupyter kernel",
    "test_noxfile.py": "noxfile.py",
    "test_package.py": "this file",
    "test_soak.py": "killed runs in processes of their own",
    "test_soak_jobs.py": "killed runs whose folds train at the same time",
}
LONGEST_MODULE = 300
LONGEST_FUNCTION = 50

Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def tree(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"), filename=str(module))


def public_definitions(module: Path) -> list[tuple[str, Documented]]:
    """Public functions, classes and methods; `forward` is explained by its class."""
    found: list[tuple[str, Documented]] = []
    pending: list[tuple[str, ast.AST]] = [("", tree(module))]
    while pending:
        prefix, node = pending.pop()
        for child in ast.iter_child_nodes(node):
            public = isinstance(child, Documented) and not child.name.startswith("_")
            if public and child.name != "forward":
                found.append((prefix + child.name, child))
                if isinstance(child, ast.ClassDef):
                    pending.append((f"{child.name}.", child))
    return found


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the `def` to the end, the docstring not counted."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - (docstring.end_lineno or docstring.lineno) + docstring.lineno - 1


def test_the_installed_version_is_that_of_the_source() -> None:
    assert version("comp") == comp.__version__


def test_the_wheel_holds_the_framework_and_the_competitions() -> None:
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [
        "comp",
        "competitions",
    ]


def test_competitions_stays_a_namespace_so_that_users_can_add_to_it() -> None:
    assert not (ROOT / "competitions" / "__init__.py").exists()
    assert (ROOT / "comp" / "__init__.py").is_file()


def test_the_script_comp_is_the_command_line() -> None:
    (script,) = entry_points(group="console_scripts", name="comp")
    assert script.value == "comp.cli:main"


def test_six_is_declared_since_kaggle_forgets_it() -> None:
    names = [line.partition(">")[0] for line in PROJECT["project"]["dependencies"]]
    assert {"kaggle", "six"} <= set(names)


def test_torch_is_left_to_the_user_to_choose() -> None:
    lines = [line for line in PROJECT["project"]["dependencies"] if line.startswith("torch")]
    assert len(lines) == 2
    assert [line for line in lines if any(c in line for c in ("+", "@", "==", "cpu", "<"))] == []
    assert "sources" not in str(PROJECT.get("tool", {}).get("uv", {}))


def test_no_albumentations_after_the_last_mit_release() -> None:
    (line,) = [d for d in PROJECT["project"]["dependencies"] if d.startswith("albumentations")]
    assert line == "albumentations>=2.0.8,<2.1"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_no_module_or_function_is_too_long(module: Path) -> None:
    lines = (ROOT / module).read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_MODULE
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    lengths = {n.name: length(n) for n in ast.walk(tree(module)) if isinstance(n, functions)}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("module", [m for m in MODULES if m.parts[0] == "comp"], ids=str)
def test_everything_public_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(tree(module))
    assert [name for name, node in public_definitions(module) if not ast.get_docstring(node)] == []


def mirrored(test: Path) -> list[Path]:
    """The modules that a test file may mirror; those of a competition stand in one folder."""
    name = test.stem.removeprefix("test_")
    if test.parts[0] == "competitions":
        plugins = [module for module in MODULES if module.parts[0] == "competitions"]
        return [m for m in plugins if name in (m.stem, Path(m.parts[1]).stem)]
    place = Path("comp") / test.parent / name
    return [m for m in (place.with_suffix(".py"), place / "__init__.py") if m in MODULES]


@pytest.mark.parametrize("test", TESTS, ids=str)
def test_a_test_file_mirrors_a_module(test: Path) -> None:
    assert mirrored(test) or test.as_posix() in WITHOUT_A_MODULE


def test_the_limits_would_notice() -> None:
    assert len(MODULES) > 30
    assert Path("comp/pipeline/run.py") in MODULES
    names = [name for name, _ in public_definitions(Path("comp/runs/progress.py"))]
    assert {"Step", "Reporter.run_started", "Silent.fold_done"} <= set(names)
    assert mirrored(Path("data/test_folds.py")) == [Path("comp/data/folds.py")]
    assert mirrored(Path("test_folds.py")) == []


def test_git_knows_source_alone() -> None:
    """Data, drawn or real, weights and what runs leave behind are in no commit."""
    if not (ROOT / ".git").exists():
        pytest.skip("no clone")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("git cannot read the clone")
    names = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    binary = {".png", ".jpg", ".csv", ".npy", ".npz", ".parquet", ".safetensors", ".pt", ".zip"}
    assert [n for n in names if n.suffix in binary and n.parts[0] != "docs"] == []
    assert [n for n in names if (ROOT / n).is_file() and (ROOT / n).stat().st_size > 1e6] == []
