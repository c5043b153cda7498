"""The progress and the result of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from comp.contract.metric import Metric
from comp.report.apart import apart_tables
from comp.report.classes import adaptation_lines, class_lines, classes_table, shows_table
from comp.report.clock import duration
from comp.report.console import LINE_EVERY_S, Live
from comp.report.fold_table import FoldTable
from comp.report.freezing import freezing_table
from comp.report.members import full_line, model_tables
from comp.report.run_progress import ProgressCollector
from comp.report.run_table import run_table
from comp.report.scores import scores_table
from comp.report.step_parts import bar_name, step_parts
from comp.runs.progress import RunStart, StageReport, Step
from comp.runs.results import FoldResult, RunSummary


class TerminalReporter(Live):
    """Shows the progress and the result of a run."""

    shows_folds = True
    """Whether a terminal keeps a table of the folds above the bars."""

    def __init__(self, metric: Metric, to_stderr: bool = False) -> None:
        super().__init__(to_stderr)
        self._metric = metric
        self._collector = ProgressCollector(metric)
        self._step_shown_at: dict[str, float] = {}
        self._freezing_shown = False
        self._about = ""
        self._unit = "images"

    def run_started(self, run_start: RunStart) -> None:
        """Print the data and the device of the run, and its estimated time."""
        self._collector.run_started(run_start)
        self._unit = run_start.unit
        if run_start.jobs > 1:
            self.show_several()
        if run_start.synthetic:
            self._console.print(
                "SYNTHETIC DATA: this run trains on synthetic data, because it found no real data "
                "or you asked for a demo. Its score says nothing about the competition. Give "
                "--data for real data.",
                style="bold yellow",
            )
        self.note(f"run {run_start.run_id} of {run_start.competition}, in {run_start.run_dir}")
        self.note(
            f"{run_start.train} training samples in {run_start.groups} groups ({run_start.group}), "
            f"{run_start.test} test samples, {run_start.of_folds} folds; data in "
            f"{run_start.data}"
        )
        jobs = f", {run_start.jobs} folds at the same time" if run_start.jobs > 1 else ""
        self.note(f"on {run_start.device}, precision {run_start.precision}{jobs}")
        if run_start.preliminary:
            self._about = "~"
            self.note(
                "scores with ~ are preliminary: the table at the end has those with decisions that "
                "are fitted on the other folds"
            )
        if run_start.budget:
            self.note(f"budget {duration(run_start.budget)} for the whole command")
        elif run_start.seconds:
            hint = (
                "" if run_start.seconds < 300 else ": give --budget 10m or use a GPU to shorten it"
            )
            self.note(f"this will take about {duration(run_start.seconds)}{hint}")
        self._show_folds()

    def _show_folds(self) -> None:
        if self._has_bar and self.shows_folds:
            progress = self._collector.progress()
            self.pin(FoldTable(progress) if progress.folds else None)

    def step(self, step: Step) -> None:
        """Show the progress of a fold; without a bar, one line every 15 s and one at the end."""
        left = self._collector.step(step)
        name = bar_name(step, self._several)
        text = step_parts(step, self._metric.name, self._about, self._unit, left, self._several)
        self._show_folds()
        if self._has_bar:
            self.show_progress(name, step.step, step.steps, text)
            return
        now, key = time.perf_counter(), name if self._several else ""
        if step.step == step.steps or now - self._step_shown_at.get(key, 0.0) > LINE_EVERY_S:
            self._step_shown_at[key] = now
            self._console.print(f"{name}  {text}")

    def freezing_report(self, _fold: int, parts: Sequence[StageReport]) -> None:
        """Show how each stage of the network trains, once per run."""
        if parts and not self._freezing_shown:
            self._console.print(freezing_table(parts))
        self._freezing_shown = True

    def validated(self, fold: int, step: int, score: float) -> None:
        """Show the score in the table of the folds."""
        self._collector.validated(fold, step, score)
        self._show_folds()

    def images_decoded(self, done: int, total: int, doing: str = "decoding") -> None:
        """Show how many images are decoded, or processed in the way that `doing` names."""
        self.show_progress(doing, done, total, f"{done}/{total} images")
        if done == total:
            self.remove_bar()

    def predicted(self, fold: int, done: int, total: int) -> None:
        """Show how many samples a fold has predicted, in the bar only."""
        self._collector.predicted(fold, done, total)
        self._show_folds()
        if self._has_bar:
            self.show_progress(f"fold {fold}", done, total, f"predicting  {done}/{total} samples")

    def fold_done(self, result: FoldResult, submission: object) -> None:
        """Print the result of a fold."""
        self._collector.fold_done(result)
        if self._several:
            self.remove_bar(f"fold {result.fold}")
        early = ", stopped early" if result.stopped_early else ""
        how = (
            f"best at step {result.step} of {result.steps}{early}; "
            f"{result.images_per_second:.0f} {self._unit}/s"
        )
        if result.seeds:
            how = "mean of seeds " + ", ".join(
                f"{self._about}{s['score']:.5f}" for s in result.seeds
            )
        elif result.members:
            how = "blend of " + ", ".join(
                f"{m['name']} {self._about}{m['score']:.5f} x {m['weight']:.2f}"
                for m in result.members
            )
        elif result.estimator:
            how = f"{result.steps} iterations in {result.estimate_s:.0f} s"
        self.note(
            f"fold {result.fold}: {self._metric.name} {self._about}{result.score:.5f} "
            f"({how}); submission so far in {submission}"
        )
        self._show_folds()

    def _show_test(self, summary: RunSummary) -> None:
        """What was adapted to the test, and the classes that are decided on it."""
        record = summary.test_classes
        lines = adaptation_lines(summary.adaptation) if summary.adaptation else []
        for line in [*lines, *(class_lines(record) if record else [])]:
            self.note(line)
        if record and shows_table(record):
            self._console.print(classes_table(record))

    def summary(self, summary: RunSummary) -> None:
        """Print the scores, the medal lines and the paths of the results."""
        self.pin(None)
        self.remove_bar()
        say = self._console.print
        say(run_table(summary))
        for model_table in model_tables(summary):
            say(model_table)
        if summary.classes:
            say(scores_table(summary.classes, "classes.csv and confusion.csv of the run"))
        for part in apart_tables(summary):
            say(part)
        self._show_test(summary)
        if summary.left_out:
            done, folds = len(summary.fold_scores), len(summary.fold_scores) + len(summary.left_out)
            left_out = ", ".join(map(str, summary.left_out))
            say(
                f"ONLY {done} OF {folds} FOLDS: the budget had no time for {left_out}, so the "
                "score is that of a part of the training samples",
                style="bold yellow",
            )
        if summary.skipped:
            say(f"{len(summary.skipped)} images could not be decoded and were skipped")
        if summary.synthetic:
            say("synthetic data: the score says nothing about the competition", style="bold yellow")
        elif summary.standing:
            say(f"by the out-of-fold score: {summary.standing}")
        if summary.full:
            self.note(full_line(summary))
        self.note(f"submission  {summary.submission} ({summary.n_rows:,} rows, checked)")
        self.note(f"run         {summary.run_dir}")
        self.note(f"took {duration(summary.seconds)}")
