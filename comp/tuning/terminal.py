"""The progress and the result of a study in a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from comp.config.explain import format_value
from comp.contract.metric import Metric
from comp.report.clock import duration
from comp.report.parts import Part, Parts
from comp.report.terminal import TerminalReporter
from comp.tuning.outcome import Outcome, TrialProgress
from comp.tuning.progress import StudyStart
from comp.tuning.result import TrialRow, TuneResult

SHOWN = 10
"""Trials in the table at the end; trials.csv has all."""
REASONS = 5
"""Reasons of failed trials that are shown."""


class TuneReporter(TerminalReporter):
    """Shows a line for each trial, the running trials in the bar, and the result."""

    def __init__(self, metric: Metric, to_stderr: bool = False) -> None:
        super().__init__(metric, to_stderr)
        self._trials, self._done, self._done_before = 0, 0, 0
        self._best: float | None = None
        self._running: dict[int, str] = {}
        self._started_at = time.perf_counter()

    def study_started(self, start: StudyStart) -> None:
        """Print what is tuned, and how."""
        self._trials, self._done = start.trials, start.finished
        self._done_before, self._started_at = start.finished, time.perf_counter()
        if start.synthetic:
            self._console.print(
                "SYNTHETIC DATA: its scores say nothing about the competition", style="bold yellow"
            )
        self.note(f"study {start.study} of {start.competition}, in {start.folder}")
        for key, values in start.space.items():
            self.note(f"  {key}: {values}")
        length = f", {start.length}" if start.length else ""
        self.note(
            f"{start.trials} trials of {start.folds} folds{length}; sampler {start.sampler}, "
            f"pruner {start.pruner}; {start.slots} at the same time on {start.device}"
        )
        if start.finished or start.running > 1:
            self.note(
                f"continues: {start.finished} trials are finished, {start.running} wait or run"
            )
        if start.default_outside and not start.finished:
            self.note(
                f"the space does not contain the default of {', '.join(start.default_outside)}: "
                "trial 0 has it, and the sampler does not learn from it"
            )

    def trial_started(self, number: int) -> None:
        """Show a trial among those that run."""
        self._running[number] = "starts"
        self._show()

    def trial_progress(self, progress: TrialProgress) -> None:
        """Show how far a trial is."""
        score = "" if progress.score is None else f" {progress.score:.5f}"
        self._running[progress.number] = f"fold {progress.fold} {progress.share:.0%}{score}"
        self._show()

    def trial_done(self, number: int, outcome: Outcome, best: float | None, done: int) -> None:
        """Print a line."""
        self._running.pop(number, None)
        self._best, self._done = best, done
        name = self._metric.name
        result = f"{outcome.state}: {outcome.reason}"
        if outcome.value is not None:
            result = f"{name} {outcome.value:.5f}"
        best_text = "" if best is None else f"; best {best:.5f}"
        self.note(
            f"trial {number}: {result} ({duration(outcome.seconds)}){best_text}; "
            f"{done} of {self._trials}"
        )

    def _show(self) -> None:
        running = "  ".join(f"#{number} {text}" for number, text in sorted(self._running.items()))
        parts = [Part(text=running, rank=2, short=f"{len(self._running)} run")]
        if self._best is not None:
            best = f"best {self._best:.5f}"
            parts.insert(0, Part(text=best, rank=0, short=best))
        left_s = self._left_s()
        if left_s is not None:
            left = f"{duration(left_s)} left"
            parts.append(Part(text=left, rank=1, short=left))
        self.show_progress("trials", self._done, self._trials, Parts(parts))

    def _left_s(self) -> float | None:
        """Seconds left, if the other trials take as long as those that ended since the start."""
        ended, left = self._done - self._done_before, self._trials - self._done
        spent = time.perf_counter() - self._started_at
        return spent / ended * left if ended > 0 else None

    def result(self, result: TuneResult) -> None:
        """Print the table, the importances, the warnings, and what the best trial is worth."""
        self.remove_bar()
        for part in result_parts(result):
            self._console.print(part)


def result_parts(result: TuneResult) -> Sequence[RenderableType]:
    """What to print of a result."""
    parts: list[RenderableType] = [_trials_table(result)]
    if result.importances:
        parts.append(_importance_table(result))
    parts += _failures(result)
    parts.append(_counts(result))
    parts += [f"warning: {text}" for text in result.warnings]
    if result.synthetic:
        parts.append("synthetic data: the scores say nothing about the competition")
    parts.append(result.words)
    parts += _honest(result)
    if result.config:
        parts.append(f"best     {result.config}  (comp run {result.competition} --config FILE)")
    if result.picture:
        parts.append(f"picture  {result.picture}")
    parts.append(f"took {duration(result.seconds)}")
    return parts


def _trials_table(result: TuneResult) -> Table:
    better = "lower" if result.direction == "min" else "higher"
    table = Table(title=f"{result.metric} ({better} is better), the best first; * is the default")
    names = _short_names(list(result.trials[0].values) if result.trials else [])
    for column in ("trial", "state", result.metric, "trained"):
        table.add_column(column, justify="left" if column == "state" else "right", no_wrap=True)
    table.add_column("values")
    rows = sorted(result.trials, key=lambda row: _order(row, result))
    shown = [row for n, row in enumerate(rows) if n < SHOWN or row.is_default]
    for row in shown:
        out = row.outcome
        score = out.value if out.value is not None else _last(row)
        about = "" if out.value is not None else "~"
        table.add_row(
            f"{row.number}{'*' if row.is_default else ''}",
            out.state,
            "" if score is None else f"{about}{score:.5f}",
            f"{out.share:.0%}",
            ", ".join(f"{name} {_short(row.values[key])}" for key, name in names.items()),
        )
    return table


def _short_names(keys: Sequence[str]) -> Mapping[str, str]:
    """Each key with its last part, if no other key has the same."""
    parts = [key.rpartition(".")[2] for key in keys]
    short = [part if parts.count(part) == 1 else key for key, part in zip(keys, parts, strict=True)]
    return dict(zip(keys, short, strict=True))


def _order(row: TrialRow, result: TuneResult) -> tuple[bool, float, float]:
    """Complete trials by their score, then the others by how far they came."""
    value = row.outcome.value
    sign = 1 if result.direction == "min" else -1
    return value is None, 0.0 if value is None else sign * value, -row.outcome.share


def _last(row: TrialRow) -> float | None:
    return row.curve[max(row.curve)] if row.curve else None


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else format_value(value)


def _importance_table(result: TuneResult) -> Table:
    table = Table(title=f"importance, of {result.importances_of}")
    table.add_column("key")
    table.add_column("share", justify="right")
    for key, share in result.importances.items():
        table.add_row(key, f"{share:.0%}")
    return table


def _counts(result: TuneResult) -> str:
    """How many trials ended how, and what pruning saved."""
    states = [row.outcome.state for row in result.trials]
    counted = ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states))
    left = f"; {result.unfinished} are left" if result.unfinished else ""
    made = f"{result.fold_fits:.1f} fits of folds"
    if result.steps_of_full:
        made = f"{result.steps:,} steps of {result.steps_of_full:,}"
    whose = "full trials" + ", without the failed ones" * ("failed" in states)
    return (
        f"{len(states)} trials: {counted}{left}; trained {made}, {result.share:.0%} of {whose} "
        f"({1 - result.share:.0%} saved)"
    )


def _failures(result: TuneResult) -> list[str]:
    """Why trials failed: the first reasons, with the numbers of their trials."""
    numbers: dict[str, list[str]] = {}
    for row in result.trials:
        if row.outcome.state == "failed":
            numbers.setdefault(row.outcome.reason, []).append(str(row.number))
    lines = [
        f"failed: trial{'s' * (len(same) > 1)} {', '.join(same)}: {reason}"
        for reason, same in list(numbers.items())[:REASONS]
    ]
    more = len(numbers) - len(lines)
    return [*lines, f"{more} more reasons are in trials.csv"] if more > 0 else lines


def _honest(result: TuneResult) -> list[str]:
    """What the score of the best trial does not say."""
    if result.best is None:
        return []
    count = len(result.trials)
    lines = [
        f"the score of the best of {count} trials is optimistic: these folds have chosen it; folds "
        "with another fold_seed, or the leaderboard, say what it is worth"
    ]
    if result.left_out_score is not None:
        lines.append(
            "chosen on the other folds each time, the winners score "
            f"{result.left_out_score:.5f} on the fold left out (mean of the folds)"
        )
    return lines
