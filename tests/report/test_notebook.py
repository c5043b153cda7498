"""The live bar of a notebook, with a display of our own."""

from __future__ import annotations

import sys
import time
import types
from typing import Any

import pytest
from rich.progress import BarColumn, TextColumn

from comp.report import console
from comp.report.notebook import NotebookProgress, in_notebook
from comp.report.predict import PredictionReporter


class Display:
    """Takes the place of IPython's display."""

    def __init__(self) -> None:
        self.outputs: list[list[dict[str, str]]] = []

    def display(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        assert (raw, display_id) == (True, True)
        drawings = [bundle]
        self.outputs.append(drawings)
        return types.SimpleNamespace(update=lambda bundle, raw: drawings.append(bundle))

    @property
    def texts(self) -> list[list[str]]:
        return [[bundle["text/plain"] for bundle in drawings] for drawings in self.outputs]


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    display = Display()
    module = types.SimpleNamespace(display=display.display)
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return display


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_the_bar_is_one_output_that_is_drawn_again_and_removed(
    display: Display, clock: list[float]
) -> None:
    progress = NotebookProgress(TextColumn("{task.description}"), BarColumn(bar_width=10))
    task = progress.add_task("fold <0>", total=10)
    for done in range(1, 6):
        clock[0] += 0.3
        progress.update(task, completed=done)
    progress.stop()
    ((first, second, third, last),) = display.texts
    assert first.startswith("fold <0> ")
    assert first.count("━") < second.count("━") < third.count("━")
    assert last == ""
    assert display.outputs[0][0]["text/html"].startswith("<pre>fold &lt;0&gt; ")
    assert "\x1b" not in first


def test_a_bar_after_a_stop_is_a_new_output(display: Display, clock: list[float]) -> None:
    progress = NotebookProgress(TextColumn("{task.description}"))
    task = progress.add_task("a", total=2)
    progress.update(task, completed=1)
    progress.stop()
    progress.stop()
    clock[0] += 1
    progress.update(task, completed=2)
    progress.stop()
    assert display.texts == [["a", ""], ["a", ""]]


def test_a_process_without_a_kernel_is_no_notebook() -> None:
    assert not in_notebook()


def test_a_reporter_has_a_bar_in_a_notebook_and_prints_each_line_once(
    display: Display, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "in_notebook", lambda: True)
    with PredictionReporter() as reporter:
        reporter.step(0, 1, 4)
        reporter.note("4 samples predicted")
    ((bar, last),) = display.texts
    assert "1/4" in bar
    assert last == ""
    assert capsys.readouterr().out == "4 samples predicted\n"
