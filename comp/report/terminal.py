"""A run on the terminal: live bars where there is one, plain lines where there is none."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.progress import BarColumn, TaskID, TextColumn
from rich.table import Table

from comp.contract.metrics import Metric
from comp.report.clock import Clock, duration
from comp.report.console import LINE_EVERY_S, Live
from comp.report.freezing import freezing_table
from comp.report.names import visible
from comp.report.scores import scores_table
from comp.runs.progress import RunStart, StageReport, Step
from comp.runs.results import FoldResult, RunSummary


class TerminalReporter(Live):
    """Shows a run as it goes."""

    def __init__(self, metric: Metric, to_stderr: bool = False) -> None:
        super().__init__(
            to_stderr,
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[words]}", markup=False),
        )
        self._metric = metric
        self._task: TaskID | None = None
        self._reading: TaskID | None = None
        self._clock = Clock(1)
        self._stepped = 0.0
        self._shown = False

    def run_started(self, run_start: RunStart) -> None:
        """Say what the run works on."""
        say = self._console.print
        self._clock = Clock(len(run_start.folds))
        if run_start.synthetic:
            say(
                "SAMPLE DATA: no real data was found or asked for, so this run trains on drawn "
                "data. Its score says nothing about the competition. Give --data for real data.",
                style="bold yellow",
            )
        say(
            f"run {run_start.run_id} of {run_start.competition}, in {visible(str(run_start.run_dir))}"
        )
        say(
            f"{run_start.train} training samples in {run_start.groups} groups ({run_start.group}), "
            f"{run_start.test} test samples, {run_start.of_folds} folds; data in "
            f"{visible(str(run_start.data))}"
        )
        say(f"on {run_start.device}, precision {run_start.precision}")
        if run_start.budget:
            say(f"budget {duration(run_start.budget)} for the whole command")
        elif run_start.seconds:
            hint = "" if run_start.seconds < 300 else "; shorten it with --budget 10m or use a GPU"
            say(f"this will take about {duration(run_start.seconds)}{hint}")

    def step(self, step: Step) -> None:
        """Show where a fold stands."""
        words = (
            f"epoch {step.epoch}/{step.epochs}  step {step.step}/{step.steps}  "
            f"loss {step.loss:.5f}  lr {step.lr:.1e}  {step.rate:.0f} images/s  "
            f"{self._left(step)}"
        )
        words += f"  {self._metric.name} {step.score:.5f}" if step.score is not None else ""
        if self._console.is_terminal:
            self._show(step, words)
        elif step.step == step.steps or time.perf_counter() - self._stepped > LINE_EVERY_S:
            self._stepped = time.perf_counter()
            self._console.print(f"fold {step.fold}  {words}")

    def transfer(self, _fold: int, parts: Sequence[StageReport]) -> None:
        """Show how each stage of the network trains; once a run."""
        if parts and not self._shown:
            self._console.print(freezing_table(parts))
        self._shown = True

    def reading(self, done: int, total: int, doing: str = "decoding") -> None:
        """Show how many images are decoded, or what else is done with them."""
        if self._reading is None:
            self._reading = self._progress.add_task("images", total=total, words="")
        words = f"{doing}  {done}/{total} images"
        self._progress.update(self._reading, completed=done, total=total, words=words)
        self.now_and_then(words)
        if done == total:
            self._progress.remove_task(self._reading)
            self._reading = None

    def note(self, words: str) -> None:
        """Say what is about to be done."""
        self._console.print(visible(words))

    def predicted(self, fold: int, done: int, total: int) -> None:
        """Show how far the predictions of a fold are; only where there is a terminal."""
        if self._task is not None:
            self._progress.update(
                self._task,
                description=f"fold {fold}",
                completed=done,
                total=total,
                words=f"predicting  {done}/{total} samples",
            )

    def _left(self, step: Step) -> str:
        left = self._clock.left(step)
        return f"fold {duration(left[0])}, run {duration(left[1])} left" if left else ""

    def _show(self, step: Step, words: str) -> None:
        """Move the live bar."""
        if self._task is None:
            self._task = self._progress.add_task("", total=step.steps, words="")
        self._progress.update(
            self._task,
            description=f"fold {step.fold}",
            completed=step.step,
            total=step.steps,
            words=words,
        )

    def fold_done(self, result: FoldResult, submission: object) -> None:
        """Say how a fold ended."""
        self._clock.fold_done(result.setup_s + result.fit_s + result.predict_s)
        early = ", stopped early" if result.stopped_early else ""
        self._console.print(
            f"fold {result.fold}: {self._metric.name} {result.score:.5f} "
            f"(best at step {result.step} of {result.steps}{early}; "
            f"{result.images_per_second:.0f} images/s); submission so far in {submission}"
        )

    def summary(self, summary: RunSummary) -> None:
        """Print the table of scores, the medal lines, and where everything is."""
        better = "lower" if summary.direction == "min" else "higher"
        table = Table(title=f"{summary.metric} of {summary.competition} ({better} is better)")
        table.add_column("fold")
        table.add_column("score", justify="right")
        table.add_column("steps", justify="right")
        for fold, score in summary.fold_scores.items():
            table.add_row(str(fold), f"{score:.5f}", str(summary.plan[fold]))
        table.add_section()
        table.add_row("out of fold", f"{summary.cv_score:.5f}", "")
        table.add_row("mean ± std", f"{summary.mean:.5f} ± {summary.std:.5f}", "")
        self._progress.stop()
        say = self._console.print
        say(table)
        if summary.classes:
            say(scores_table(summary.classes))
        if summary.skipped:
            say(f"{len(summary.skipped)} images could not be decoded and were left out")
        if summary.synthetic:
            say("sample data: the score says nothing about the competition", style="bold yellow")
        elif summary.standing:
            say(f"by the out-of-fold score: {summary.standing}")
        say(f"submission  {summary.submission} ({summary.n_rows:,} rows, checked)")
        say(f"run         {summary.run_dir}")
        say(f"took {duration(summary.seconds)}")
