"""A blend in progress: the runs, how they are combined, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol

from comp.pipeline.blend_fit import fit_of, read_table
from comp.pipeline.blend_oof import NestedBlend, check_ranks, ranks
from comp.pipeline.blend_runs import BlendRuns


class BlendReporter(Protocol):
    """Shows the progress of a blend."""

    def note(self, text: str) -> None:
        """A message to the user."""

    def progress(self, task: str, done: int, total: int) -> None:
        """`done` of `total` steps of a task are done."""


class SilentReporter:
    """A reporter that shows nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    def progress(self, task: str, done: int, total: int) -> None:
        """Show nothing."""


@dataclass(frozen=True, kw_only=True)
class BlendJob:
    """The blend in progress."""

    method: str
    nested: NestedBlend
    mean: NestedBlend
    """The equal mean of the same runs."""
    reporter: BlendReporter

    @property
    def runs(self) -> BlendRuns:
        """The runs that are blended."""
        return self.nested.runs

    def fits(self, task: str) -> Callable[[], None]:
        """A function to call after each of the fits of a task."""
        total, done = len(self.runs.folds) + 1, count(1)
        return lambda: self.reporter.progress(task, min(next(done), total), total)


def make_job(method: str, runs: BlendRuns, reporter: BlendReporter) -> BlendJob:
    """Read the predictions of the runs.

    Args:
        method: of `comp.pipeline.blend_fit.check_method`.

    Raises:
        ConfigError: the metric does not allow the method.
    """

    def on_row(done: int, total: int) -> None:
        reporter.progress("reading predictions", done, total)

    table = None
    if runs.competition.task.output == "numbers":
        table = read_table(runs, on_row)
    mean = NestedBlend(runs=runs, table=table, fit=fit_of("mean", runs, table, on_row))
    if method == "rank" and table is not None:
        check_ranks(runs, table)
        table = replace(table, members=ranks(table.members))
    nested = NestedBlend(runs=runs, table=table, fit=fit_of(method, runs, table, on_row))
    return BlendJob(method=method, nested=nested, mean=mean, reporter=reporter)
