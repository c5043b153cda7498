"""Shows a run that another process works on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from comp.report.clock import duration
from comp.report.console import Live
from comp.report.fold_table import FoldTable
from comp.report.parts import Parts
from comp.report.step_parts import bar_name, step_parts
from comp.runs.live import PREDICTS, FoldProgress, RunProgress
from comp.runs.watched import WatchedRun

_OLD_NOTES = 3
"""Messages from before that are shown first."""


class WatchDisplay(Live):
    """A table of the folds with a bar for each that trains, and the messages of the run above."""

    def __init__(self, to_stderr: bool = False) -> None:
        super().__init__(to_stderr)
        self.show_several()
        self._notes_seen = 0

    def introduce(self, run: WatchedRun) -> None:
        """Print which run it is, and its newest messages."""
        self.note(f"run {run.run_id} of {run.competition} is {run.state}, in {run.path}")
        self._show_notes(run.progress.notes[-_OLD_NOTES:])
        self._notes_seen = run.progress.note_count

    def show(self, run: WatchedRun) -> None:
        """Show how far the run is; new messages are printed."""
        progress, seen = run.progress, self._notes_seen
        new = progress.note_count - seen if progress.note_count >= seen else progress.note_count
        self._show_notes(progress.notes[-new:] if new else ())
        self._notes_seen = progress.note_count
        if run.state == "running":
            self.pin(FoldTable(progress))
            bars = list(_bars(progress))
            self.keep_bars([name for name, *_ in bars])
            for name, done, total, text in bars:
                self.show_progress(name, done, total, text)

    def _show_notes(self, notes: Sequence[str]) -> None:
        for text in notes:
            self.note(text)

    def print_state(self, run: WatchedRun) -> None:
        """Print the table, the text of the bars and, of a finished run, its score."""
        self.pin(None)
        self.remove_bar()
        self._console.print(FoldTable(run.progress))
        progress = run.progress
        if run.state == "running":
            for name, _, _, text in _bars(progress):
                self._console.print(f"{name}  {text}", soft_wrap=True)
        elif run.state == "finished":
            score = "" if run.cv_score is None else f": {progress.metric} {run.cv_score:.5f}"
            self.note(f"run {run.run_id} is finished{score}{' out of fold' * bool(score)}")


def _bars(progress: RunProgress) -> Iterator[tuple[str, int, int, str | Parts]]:
    """The name, the steps done and in all, and the text of each bar."""
    age = max(0.0, time.time() - progress.updated)
    about = "~" if progress.preliminary else ""
    for fold in progress.folds:
        if fold.state == PREDICTS and len(fold.predicted) == 2:
            done, total = fold.predicted
            yield f"fold {fold.fold}", done, total, f"predicting  {done}/{total} samples"
            continue
        for step in fold.steps:
            text = step_parts(
                step,
                progress.metric or "score",
                about,
                progress.unit,
                _left(fold, progress, age),
                several=True,
            )
            yield bar_name(step, several=True), step.step, step.steps, text
    if progress.doing:
        left = "" if progress.left_s is None else f"{duration(max(0, progress.left_s - age))} left"
        yield progress.doing, 0, 1, left


def _left(fold: FoldProgress, progress: RunProgress, age: float) -> tuple[float, float] | None:
    """Seconds left for the fold and the run, `age` seconds after they were estimated."""
    if fold.left_s is None or progress.left_s is None:
        return None
    return max(0.0, fold.left_s - age), max(0.0, progress.left_s - age)
