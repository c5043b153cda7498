"""The table of the folds of a run that trains, with their curves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult

from comp.report.clock import duration
from comp.report.fitting import Column, fitting, plain_table
from comp.report.sparkline import only_ascii, sparkline
from comp.runs.live import DONE, PREDICTS, STOPPED, TRAINS, WAITS, WORKS, FoldProgress, RunProgress

_LEAST_CURVE, _WIDEST_CURVE = 8, 24
"""Characters of a curve."""
_OTHER_LINES = 5
"""Lines of the terminal that the table leaves to the bars and the messages, beside one a bar."""
_ORDER = (TRAINS, PREDICTS, WORKS, STOPPED, DONE, WAITS)
"""The states, those first whose folds are shown if not all have room."""


@dataclass(frozen=True)
class FoldTable:
    """A line for each fold, as wide and as high as the terminal.

    Where there is no room, the curves are short, the least useful columns are left out, and of many
    folds those that train are shown.
    """

    progress: RunProgress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the table."""
        folds = self.progress.folds
        if not folds:
            return
        shown = _shown(folds, console.size.height) if console.is_terminal else list(folds)
        columns = self._columns(shown, options.max_width, only_ascii(options))
        yield plain_table(columns)
        last = [self._hidden(len(folds) - len(shown)), self._left()]
        if any(last):
            yield "; ".join(filter(None, last))

    def _hidden(self, count: int) -> str:
        """How many folds are not shown."""
        folds = self.progress.folds
        done = sum(fold.state == DONE for fold in folds)
        return f"{count} more folds, {done} of {len(folds)} are done" if count else ""

    def _left(self) -> str:
        """The time left for the run, if no bar says it."""
        left_s, states = self.progress.left_s, {fold.state for fold in self.progress.folds}
        if left_s is None or TRAINS in states or not states & {PREDICTS, WORKS, WAITS}:
            return ""
        age = max(0.0, time.time() - self.progress.updated)
        return f"run about {duration(max(0.0, left_s - age))} left"

    def _columns(self, folds: Sequence[FoldProgress], width: int, ascii_only: bool) -> list[Column]:
        columns = self._with_curves(folds, _LEAST_CURVE, ascii_only)
        kept = {column.header for column in fitting(columns, width, between=2, around=0)}
        curve = _LEAST_CURVE
        while curve < _WIDEST_CURVE:
            wider = [c for c in self._with_curves(folds, curve + 1, ascii_only) if c.header in kept]
            if len(fitting(wider, width, between=2, around=0)) < len(wider):
                break
            columns, curve = wider, curve + 1
        return [column for column in columns if column.header in kept]

    def _with_curves(
        self, folds: Sequence[FoldProgress], width: int, ascii_only: bool
    ) -> list[Column]:
        about = "~" if self.progress.preliminary else ""
        name = self.progress.metric or "score"
        curves = [sparkline(fold.scores, width, ascii_only).ljust(width) for fold in folds]
        losses = [sparkline(fold.losses, width, ascii_only).ljust(width) for fold in folds]
        return [
            Column(header="fold", cells=[str(fold.fold) for fold in folds], right=True),
            Column(
                header=name if len(name) <= 12 and name != "loss" else "score",
                cells=["" if f.score is None else f"{about}{f.score:.5f}" for f in folds],
                right=True,
                style="bold",
            ),
            Column(
                header="curve",
                cells=curves,
                rank=2,
                style="cyan",
            ),
            Column(header="loss", cells=losses, rank=5, style="cyan"),
            Column(
                header="best step",
                cells=["" if f.best_step is None else f"{f.best_step:,}" for f in folds],
                rank=4,
                right=True,
            ),
            Column(header="state", cells=[_state(fold) for fold in folds], rank=1),
            Column(
                header="time",
                cells=["" if f.seconds is None else duration(f.seconds) for f in folds],
                rank=3,
                right=True,
            ),
        ]


def _state(fold: FoldProgress) -> str:
    """The state in a word, or the share of the steps that are done."""
    if fold.state == TRAINS and fold.steps:
        done, steps = sum(s.step for s in fold.steps), sum(s.steps for s in fold.steps)
        return f"{done / max(1, steps):.0%}"
    if fold.state == DONE and fold.stopped_early:
        return "done early"
    return fold.state


def _shown(folds: Sequence[FoldProgress], height: int) -> list[FoldProgress]:
    """The folds that have room in a terminal, in their order."""
    bars = sum(max(1, len(fold.steps)) for fold in folds if fold.state in (TRAINS, PREDICTS))
    room = max(1, height - _OTHER_LINES - bars)
    if len(folds) <= room:
        return list(folds)
    newest_done = [f for f in folds if f.state == DONE][::-1]
    others = [f for f in folds if f.state != DONE]
    ranked = sorted([*others, *newest_done], key=lambda fold: _ORDER.index(fold.state))
    kept = {fold.fold for fold in ranked[:room]}
    return [fold for fold in folds if fold.fold in kept]
