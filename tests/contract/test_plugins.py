"""A broken plugin stops only its own competition."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from comp.cli import main
from comp.contract import registry
from comp.doctor.plugins import plugins
from comp.errors import CompetitionError

Call = Callable[..., tuple[int, str, str]]
GOOD = (
    "from comp.tasks.classification import image_classification\n"
    "COMPETITION = image_classification(\n"
    "    name='NAME', title='L', kaggle='competitions/l', classes=('a', 'b')\n"
    ")\n"
)
BROKEN = {
    "syntax.py": ("x = 1\ndef (:\n", 2, "SyntaxError: invalid syntax"),
    "library.py": ("\nimport no_such_library\n", 2, "No module named 'no_such_library'"),
    "field.py": (GOOD.replace("title", "titles").replace("NAME", "my-field"), 2, "TypeError"),
    "value.py": (GOOD.replace("('a', 'b')", "('a',)"), 2, "ValueError: classes"),
    "leaves.py": ("raise SystemExit(3)\n", 1, "SystemExit"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a plugin that works."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "other.py").write_text(GOOD.replace("NAME", "other"))
    return tmp_path / "competitions"


@pytest.fixture
def comp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call the command line: its exit code, stdout and stderr."""

    def call(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["comp", *args])
        with pytest.raises(SystemExit) as caught:
            main()
        return int(caught.value.code or 0), *capsys.readouterr()

    return call


@pytest.mark.parametrize("file", BROKEN)
def test_broken_plugin_is_one_line_of_the_list_and_the_others_work(
    folder: Path, comp: Call, file: str
) -> None:
    source, line, reason = BROKEN[file]
    (folder / file).write_text(source)

    code, out, _ = comp("list")
    (broken,) = [row for row in out.splitlines() if row.startswith("broken: ")]

    assert code == 0
    assert broken.startswith(f"broken: competitions/{file}, line {line}: cannot be imported (")
    assert reason in broken
    assert any(row.startswith("other ") for row in out.splitlines())
    assert registry.get("other").name == "other"


def test_json_of_the_list_has_the_broken_plugins(folder: Path, comp: Call) -> None:
    (folder / "syntax.py").write_text(BROKEN["syntax.py"][0])

    code, out, _ = comp("list", "--json")
    values = json.loads(out)

    assert code == 0
    assert "other" in [row["name"] for row in values["competitions"]]
    (row,) = values["broken"]
    assert (row["file"], row["line"]) == ("competitions/syntax.py", 2)
    assert set(row) == {"file", "line", "reason", "advice"}


@pytest.mark.parametrize("name", ["field", "my-field"])
def test_run_of_a_broken_plugin_names_file_line_and_reason(
    folder: Path, comp: Call, name: str
) -> None:
    (folder / "field.py").write_text(BROKEN["field.py"][0])

    code, _, err = comp("run", name)

    assert code == 2
    assert len(err.splitlines()) == 1
    assert err.startswith("comp: competitions/field.py, line 2: cannot be imported (TypeError: ")
    assert "did you mean 'title'?" in err


def test_two_plugins_of_one_name_stop_only_that_name(folder: Path) -> None:
    (folder / "twin.py").write_text(GOOD.replace("NAME", "twin"))
    (folder / "again.py").write_text(GOOD.replace("NAME", "twin"))

    with pytest.raises(CompetitionError, match=r"also has the name 'twin', as .*: rename one"):
        registry.get("twin")
    assert "twin" not in registry.competitions()
    assert registry.get("other").name == "other"


def test_unknown_name_mentions_broken_plugins(folder: Path) -> None:
    (folder / "syntax.py").write_text(BROKEN["syntax.py"][0])

    with pytest.raises(CompetitionError, match="; 1 broken: see 'comp list';"):
        registry.get("qqq")


def test_doctor_has_a_line_for_plugins(folder: Path) -> None:
    assert plugins().state == "ok"
    (folder / "syntax.py").write_text(BROKEN["syntax.py"][0])
    (folder / "library.py").write_text(BROKEN["library.py"][0])

    check = plugins()

    assert check.state == "problem"
    assert check.found.startswith("competitions/library.py, line 2: cannot be imported (")
    assert check.found.endswith("; 1 more are broken")
    assert check.remedy == "correct it or move it; 'comp list' shows all"
