"""A live bar in a notebook: one output cell that is drawn again in place.

rich needs ipywidgets for this; the display protocol of Jupyter is enough.
"""

from __future__ import annotations

import html
import importlib
import io
import time
from typing import Any

from rich.console import Console
from rich.progress import Progress, ProgressColumn, TaskID

REDRAW_EVERY_S = 0.5
"""Seconds between two drawings of the bar."""
_WIDTH = 120
"""Columns of the bar."""


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, such as Jupyter, Colab or Kaggle."""
    return Console(file=io.StringIO()).is_jupyter


class NotebookProgress(Progress):
    """A `rich.progress.Progress` that a notebook shows without ipywidgets."""

    def __init__(self, *columns: ProgressColumn) -> None:
        self._text = io.StringIO()
        self._page = Console(
            file=self._text, force_jupyter=False, force_terminal=False, width=_WIDTH
        )
        self._output: Any = None
        self._drawn_at = 0.0
        super().__init__(*columns, console=self._page, auto_refresh=False, disable=True)

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Change a task, as `rich` does, and draw the bar if it is old."""
        super().update(task_id, **changes)
        now = time.monotonic()
        if now - self._drawn_at >= REDRAW_EVERY_S:
            self._drawn_at = now
            self._page.print(self.get_renderable())
            self._show(self._text.getvalue().rstrip())
            self._text.seek(0)
            self._text.truncate()

    def stop(self) -> None:
        """Remove the bar."""
        if self._output is not None:
            self._show("")
        self._output = None
        super().stop()

    def _show(self, text: str) -> None:
        bundle = {"text/plain": text, "text/html": f"<pre>{html.escape(text)}</pre>" * bool(text)}
        if self._output is None:
            display = importlib.import_module("IPython.display").display
            self._output = display(bundle, raw=True, display_id=True)
        else:
            self._output.update(bundle, raw=True)
