"""The pages say what the program does: commands, keys, links, examples, names of functions."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import inline_comp
import numpy as np
import pytest
from typer.main import get_command

from comp import errors
from comp.cli.app import build_app
from comp.config.schema import RunConfig, keys, resolve
from comp.submission.blank import check_rows
from competitions.denoising import Options

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md", *PAGES]
DOCUMENTS = [*GUIDES, ROOT / "CHANGELOG.md", ROOT / "DECISIONS.md"]
TEXTS = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
README, CONTRIBUTING = TEXTS[ROOT / "README.md"], TEXTS[ROOT / "CONTRIBUTING.md"]
PARTS = re.compile(r"<!-- begin (\w+) -->\n(.*?)<!-- end \1 -->", re.DOTALL)

BENCHMARKS = "\n".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py")
)

SECTIONS = {
    "image", "augment", "head", "thaw", "loss", "optim", "loader", "predict", "options", "columns",
    "features", "gbdt", "linear", "knn", "mlp", "tabm", "average", "pseudo", "report", "track",
}  # fmt: skip
KEYS = {*keys(RunConfig), *(f"options.{name}" for name in Options.model_fields)}


def page(name: str) -> str:
    return TEXTS[ROOT / "docs" / name]


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(text: str, *languages: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [body for name, body in found if name in languages]


def inline_code(text: str) -> list[str]:
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [code.replace("\\|", "|") for code in re.findall(r"`([^`\n]+)`", prose)]


def command_lines() -> list[str]:
    lines = [
        line
        for path in GUIDES
        for block in blocks(TEXTS[path], "console", "sh")
        for line in block.splitlines()
    ]
    return sorted({line for line in lines if line.startswith("comp ")})


@cache
def whole_command() -> Any:
    return get_command(build_app())


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words after `comp` name, and its arguments."""
    command, args = whole_command(), list(words)
    while args and args[0] in getattr(command, "commands", {}):
        command = command.commands[args.pop(0)]
    return command, args


def comp(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "comp", *args]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, check=False)


def slug(heading: str) -> str:
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def test_first_block_installs_and_runs_the_main_job() -> None:
    first = blocks(README, "sh")[0]
    assert "pip install" in first
    assert "comp run denoising --folds 5" in first


def test_second_block_installs_and_passes_the_tests() -> None:
    second = blocks(README, "sh")[1]
    assert "pip install" in second
    assert "lint typecheck tests" in second
    assert second == blocks(CONTRIBUTING, "sh")[0]


def test_readme_fits_on_two_screens() -> None:
    assert len(README.splitlines()) <= 90


def test_readme_links_every_page() -> None:
    for path in PAGES:
        if path.name != "index.md":
            assert f"(docs/{path.name})" in README
            assert f"({path.name})" in page("index.md")


@pytest.mark.parametrize("line", command_lines())
def test_command_lines_parse(line: str) -> None:
    command, args = command_of(shlex.split(line, comments=True)[1:])
    if hasattr(command, "commands"):  # a group alone, such as `comp runs`
        assert [arg for arg in args if not arg.startswith("-")] == [], f"unknown command {args}"
    command.make_context("comp", args)


@pytest.mark.parametrize("path", GUIDES, ids=label)
def test_commands_and_options_in_the_prose_exist(path: Path) -> None:
    for code in inline_code(TEXTS[path]):
        if not code.startswith("comp ") or code == "comp predictions 2":  # the format of a file
            continue
        words = code.split("...")[0].split()[1:]
        command, args = command_of(words)
        if words[0].isupper() or words[0].startswith("-"):  # `comp COMMAND --help`, `comp --help`
            continue
        assert command is not whole_command(), code
        names = {name for option in command.params for name in option.opts + option.secondary_opts}
        assert {word for word in args if word.startswith("--")} <= names | {"--help"}, code


@pytest.mark.parametrize("path", GUIDES, ids=label)
def test_options_alone_in_the_prose_belong_to_a_command(path: Path) -> None:
    pending, known = [whole_command()], {"--help"}
    while pending:
        command = pending.pop()
        pending += getattr(command, "commands", {}).values()
        known |= {name for option in command.params for name in option.opts}
        known |= {name for option in command.params for name in option.secondary_opts}
    own = {"--no-venv"} | set(re.findall(r"add(?:_argument)?\(\s*\"(--[\w-]+)\"", BENCHMARKS))
    for code in inline_code(TEXTS[path]):
        if code.startswith("--"):
            assert re.split(r"[ =]", code)[0] in known | own, code


def test_help_of_run_is_on_the_page_of_commands(tmp_path: Path) -> None:
    """Typer's releases lay the page out differently, so option names and words are compared."""
    consoles = blocks(page("commands.md"), "console")
    shown = next(block for block in consoles if block.startswith("$ comp run --help"))
    expected = comp("run", "--help", cwd=tmp_path).stdout
    body = shown.removeprefix("$ comp run --help\n")
    assert re.findall(r"^ +(-[-a-z]+)", body, re.M) == re.findall(r"^ +(-[-a-z]+)", expected, re.M)
    for option in command_of(["run"])[0].params:
        assert " ".join((option.help or "?").split()) in " ".join(shown.split()), option.name


@cache
def generated() -> dict[str, Any]:
    """The functions that write the generated parts, by the name of the part."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parts: dict[str, Any] = module.PARTS
    return parts


@pytest.mark.parametrize("name", ["keys", "renamed", "commands", "rooms"])
def test_generated_part_is_up_to_date(name: str) -> None:
    """If this fails: `python docs/generate.py`. The help of run has a test of its own."""
    (body,) = (body for path in PAGES for n, body in PARTS.findall(TEXTS[path]) if n == name)
    assert body.strip() == generated()[name]().strip(), "run: python docs/generate.py"


def test_every_generated_part_has_a_page() -> None:
    used = [name for path in PAGES for name, _ in PARTS.findall(TEXTS[path])]
    assert sorted(used) == sorted(generated())


def test_every_exit_code_is_on_the_page_of_commands() -> None:
    table = page("commands.md").split("| exit code | meaning |")[1].split("\n\n")[0]
    codes = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type)}
    assert codes == {2, 3, 4, 5, 6, 130}
    shown = " ".join(re.findall(r"^\| ([\d, ]+) \|", table, re.M))
    assert {int(code) for code in re.findall(r"\d+", shown)} == codes | {0, 141, 143}


def test_every_configuration_key_is_on_its_page() -> None:
    rows = set(re.findall(r"^\| `([\w.]+)` \|", page("configuration.md"), re.M))
    assert KEYS - {"competition", *SECTIONS} <= rows


@pytest.mark.parametrize("path", GUIDES, ids=label)
def test_configuration_keys_exist(path: Path) -> None:
    text = TEXTS[path].split("## Old names")[0]
    named = re.findall(r"--set ([\w.]+)=", text)
    for code in inline_code(text):
        key = re.match(r"([a-z_]+\.[a-z_0-9]+)(=|$)", code)
        if (
            key
            and key[1].split(".")[0] in SECTIONS
            and not key[1].endswith((".py", ".md", ".html"))
        ):
            named.append(key[1])
    assert [key for key in named if key not in {*KEYS, "KEY", "key"}] == []


@pytest.mark.parametrize("block", [b for path in GUIDES for b in blocks(TEXTS[path], "toml")])
def test_configuration_files_are_valid(block: str) -> None:
    given = tomllib.loads(block)
    assert given
    assert resolve("denoising", [given], Options).model_dump().keys() >= given.keys()


@pytest.mark.parametrize("path", DOCUMENTS, ids=label)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", TEXTS[path]):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.M)
            assert anchor in map(slug, headings), link


def test_sessions_exist() -> None:
    sessions = re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text("utf-8"), re.M)
    named = re.findall(r"nox (?:--no-venv )?-s ([a-z ]*[a-z])", "\n".join(TEXTS.values()))
    assert named
    assert {name for names in named for name in names.split()} <= set(sessions)


def test_functions_in_the_diagrams_exist() -> None:
    """Names such as `training.fit.fit` are modules below `comp` with something in them."""
    rooms = {path.stem for path in (ROOT / "comp").iterdir()}
    text = page("how-it-is-built.md")
    names = [n for n in re.findall(r"\b(?:\w+\.){2,}\w+", text) if n.split(".")[0] in rooms]
    assert len(names) > 30
    for name in names:
        module, _, function = name.rpartition(".")
        assert hasattr(importlib.import_module(f"comp.{module}"), function), name


def test_layers_are_those_of_the_linter() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    linted = project["tool"]["importlinter"]["contracts"][0]["layers"]
    block = next(b for b in blocks(page("how-it-is-built.md"), "text") if b.startswith("api | cli"))
    assert [re.split(r" {3,}", line)[0] for line in block.splitlines()] == linted


def messages() -> str:
    """All text in the program but docstrings; what a message fills in is a blank."""
    found = []
    for path in [*(ROOT / "comp").rglob("*.py"), *(ROOT / "competitions").rglob("*.py")]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if id(node) in docstrings:
                continue
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else " " for p in node.values]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def test_messages_of_the_page_of_troubleshooting_exist() -> None:
    shown = re.findall(r"^\| `([^`]+)` \|", page("troubleshooting.md"), re.M)
    assert len(shown) > 15
    source = messages()
    missing = [text for text in shown for part in text.split(" ... ") if part not in source]
    assert missing == []


@pytest.mark.parametrize("path", GUIDES, ids=label)
def test_calls_of_the_package_in_python_exist(path: Path) -> None:
    """`comp.run(..., folds=5)` names a function of `comp`, with arguments that it has."""
    package = importlib.import_module("comp")
    for block in blocks(TEXTS[path], "python"):
        for node in ast.walk(ast.parse(block)):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="comp"), attr=name)):
                    keywords = {keyword.arg for keyword in node.keywords}
                    assert keywords <= set(inspect.signature(getattr(package, name)).parameters)
                case ast.Attribute(value=ast.Name(id="comp"), attr=name):
                    assert hasattr(package, name), name


def test_result_in_the_readme_has_its_attributes() -> None:
    (block,) = blocks(README, "python")
    used = re.findall(r"\br\.(\w+)", block)
    assert used == ["cv_score", "submission"]
    assert [name for name in used if not hasattr(importlib.import_module("comp").Run, name)] == []


def test_example_of_a_plugin_runs(tmp_path: Path) -> None:
    plugin = next(
        b for b in blocks(page("your-own-competition.md"), "python") if "COMPETITION" in b
    )
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "leaves.py").write_text(plugin, encoding="utf-8")
    assert "Leaf Diseases" in comp("list", cwd=tmp_path).stdout
    words = ["run", "leaves", "--folds", "2", "--max-steps", "1", "--json"]
    words += ["--set", "image.size=32", "--set", "report.explain=0"]
    done = inline_comp.run(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"n_rows": 20' in done.stdout.splitlines()[-1]


PLUGINS = [b for b in blocks(page("your-own-competition.md"), "python") if "COMPETITION" in b]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda text: text.splitlines()[0])
def test_examples_of_plugins_are_short_and_draw_their_data(plugin: str, tmp_path: Path) -> None:
    assert len(plugin.strip().splitlines()) <= 25
    names: dict[str, Any] = {}
    exec(plugin, names)
    competition = names["COMPETITION"]
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    samples = {split: competition.samples(tmp_path, split) for split in ("train", "test")}
    assert {competition.task.check(sample.target) for sample in samples["train"]} == {""}
    check_rows(competition, tmp_path, samples["test"])


def test_arguments_on_the_page_of_plugins_exist() -> None:
    from comp.tasks.classification import image_classification
    from comp.tasks.image_table import image_table

    table = page("your-own-competition.md").split("| argument | meaning |")[1].split("\n\n")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", table, re.M)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    known = [inspect.signature(f).parameters for f in (image_classification, image_table)]
    assert named <= {*known[0], *known[1], "defaults"}


def test_site_builds_strictly(tmp_path: Path) -> None:
    pytest.importorskip("material")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in PAGES} <= {path.name for path in tmp_path.iterdir()} | {"index"}


def test_site_needs_no_network() -> None:
    """Neither fonts nor scripts come from another server."""
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in config
    assert "mermaid" not in "".join(TEXTS.values())
    assert "http" not in config.replace("(prefers-color-scheme", "")


def test_licence_and_decisions_are_complete() -> None:
    assert "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    numbers = re.findall(r"^## (\d+)\. ", TEXTS[ROOT / "DECISIONS.md"], flags=re.MULTILINE)
    assert [int(n) for n in numbers] == list(range(1, len(numbers) + 1))
