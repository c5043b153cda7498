"""An error in a function of a plugin ends with one line for its author."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from comp.cli import main
from comp.cli.plugin_error import PluginFailure
from comp.engines.engine import TaskTraceback

PLUGIN = """
import csv
from pathlib import Path
from comp.contract.sample import Sample
from comp.tasks.classification import image_classification


def draw(root, rng):
    (root / "train.csv").write_text("id,species\\na,oak\\n")


def samples(root, split):
    with open(root / "FILE") as file:
        return [sample_of(row) for row in csv.DictReader(file)]


def sample_of(row):
    return Sample(id=row["id"], image=Path("x"), target=row["label"])


COMPETITION = image_classification(
    name="leaves", title="L", kaggle="competitions/l", classes=("a", "b"),
    samples=samples, draw_synthetic=draw
)
"""
Call = Callable[..., list[str]]


@pytest.fixture
def failing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Run a changed plugin, which exits with 2; returns the lines on stderr."""

    def call(*changes: tuple[str, str]) -> list[str]:
        source = PLUGIN
        for old, new in (*changes, ("FILE", "train.csv")):
            source = source.replace(old, new)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        (tmp_path / "competitions").mkdir()
        (tmp_path / "competitions" / "leaves.py").write_text(source)
        monkeypatch.setattr(sys, "argv", ["comp", "run", "leaves", "--sample"])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 2
        return capsys.readouterr().err.splitlines()

    return call


def test_missing_column_is_one_line_without_a_traceback(failing: Call) -> None:
    (line,) = failing()

    assert line.startswith("comp: competitions/leaves.py, line 18: samples(root=")
    assert line.endswith(
        ", split='train') failed: KeyError: 'label': correct the plugin or the data"
    )


def test_missing_file_is_one_line_without_a_traceback(failing: Call) -> None:
    (line,) = failing(("FILE", "labels.csv"))

    assert "line 13: samples(root=" in line
    assert "failed: FileNotFoundError: " in line
    assert "labels.csv" in line


def test_another_error_keeps_its_traceback_before_the_line(failing: Call) -> None:
    lines = failing(("sample_of(row) for", "row + 1 for"))

    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1].startswith("comp: competitions/leaves.py, line 14: samples(root=")
    assert lines[-1].endswith("for +: 'dict' and 'int': correct the plugin")


def test_function_is_named_by_the_field_of_the_contract(failing: Call) -> None:
    lines = failing(("samples=samples", "samples=lambda root, split: undefined"))

    assert "line 23: samples(root=" in lines[-1]
    assert "NameError: name 'undefined' is not defined" in lines[-1]


def test_error_in_a_process_that_loads_images_is_found_in_its_text() -> None:
    error = RuntimeError(
        "Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback (most recent "
        'call last):\n  File "/x/torch/fetch.py", line 54, in fetch\n  File "/x/competitions/a.py",'
        ' line 7, in pipeline\n    raise RuntimeError("x")\nRuntimeError: too dark\n'
    )
    failure = PluginFailure.of(error)

    assert failure is not None
    assert failure.message == (
        "/x/competitions/a.py, line 7: pipeline(...) failed: RuntimeError: too dark: correct the "
        "plugin"
    )


def test_error_of_comp_itself_is_not_a_failure_of_a_plugin() -> None:
    with pytest.raises(KeyError) as caught:
        raise KeyError("x")
    assert PluginFailure.of(caught.value) is None


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")]
)
def test_missing_memory_is_one_line_everywhere(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("comp.cli.app.build_app", fail)
    monkeypatch.setattr(sys, "argv", ["comp", "list"])
    with pytest.raises(SystemExit) as caught:
        main()
    (line,) = capsys.readouterr().err.splitlines()
    assert caught.value.code == 2
    assert line.startswith(f"comp: out of memory ({type(error).__name__}")


def test_an_error_in_the_process_of_a_fold_names_the_plugin() -> None:
    error = KeyError("label")
    error.__cause__ = TaskTraceback(
        'Traceback (most recent call last):\n  File "/work/competitions/leaves.py", line 11, in '
        "samples\n    rows[0]\nKeyError: 'label'\n"
    )
    failure = PluginFailure.of(error)
    assert failure
    words = "leaves.py, line 11: samples(...) failed: KeyError: 'label': correct the plugin"
    assert failure.message.endswith(words)
    error.__cause__ = TaskTraceback("Traceback:\n  File 'comp/x.py', line 1, in y\nKeyError: 'a'\n")
    assert PluginFailure.of(error) is None


def test_the_traceback_of_the_process_of_a_fold_is_shown_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The frames of the launcher came after it: 50 lines that say nothing about the plugin."""
    text = (
        'Traceback (most recent call last):\n  File "/w/competitions/a.py", line 7, in f\nOh: x\n'
    )

    def fail(*_: object) -> None:
        raise ValueError("x") from TaskTraceback(text)

    monkeypatch.setattr("comp.cli.app.build_app", fail)
    monkeypatch.setattr(sys, "argv", ["comp", "list"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{text}comp: ")
    assert len(error.splitlines()) == 4
