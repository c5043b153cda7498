"""A reporter that also sends what it shows to trackers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comp.runs.progress import Reporter, RunStart, StageReport, Step
from comp.runs.results import FoldResult
from comp.trackers.link import Link

POINTS = 500
"""Points of a training that a tracker gets, at most, beside those of validations."""


class TrackedReporter:
    """Passes everything on to `reporter`, and the progress to the links.

    Args:
        folds: the number of folds; the fold after them is the full model.
    """

    def __init__(self, reporter: Reporter, links: Sequence[Link], folds: int) -> None:
        self._reporter, self._links, self._folds = reporter, links, folds
        self._jobs = 1
        self._last: dict[str, Step] = {}
        """The last step of each series, the newest last."""
        self._sent: dict[str, int] = {}

    def run_started(self, run_start: RunStart) -> None:
        """Pass it on."""
        self._jobs = run_start.jobs
        self._reporter.run_started(run_start)
        self._pump()

    def note(self, text: str) -> None:
        """Pass it on, and send it."""
        self._reporter.note(text)
        self._send("note", text=text)

    def freezing_report(self, fold: int, stages: Sequence[StageReport]) -> None:
        """Pass it on."""
        self._reporter.freezing_report(fold, stages)
        self._pump()

    def images_decoded(self, done: int, total: int, doing: str = "decoding") -> None:
        """Pass it on."""
        self._reporter.images_decoded(done, total, doing)
        self._pump()

    def step(self, step: Step) -> None:
        """Pass it on, and send it unless the last one is too near."""
        self._reporter.step(step)
        series = self._series(step.fold, step.part)
        self._last.pop(series, None)
        self._last[series] = step
        before = self._sent.get(series)
        near = before is not None and 0 <= step.step - before < step.steps / POINTS
        if near and step.step < step.steps:
            return self._pump()
        self._sent[series] = step.step
        values = {"loss": step.loss, "lr": step.lr, "samples_per_second": step.rate}
        return self._metrics(series, step.step, values)

    def validated(self, fold: int, step: int, score: float) -> None:
        """Pass it on, and send it with the series and the step that this training reported last."""
        self._reporter.validated(fold, step, score)
        if fold < self._folds:  # the full model holds nothing out
            series, step = self._validated_series(fold, step)
            self._metrics(series, step, {"score": score})

    def predicted(self, fold: int, done: int, total: int) -> None:
        """Pass it on."""
        self._reporter.predicted(fold, done, total)
        self._pump()

    def fold_done(self, result: FoldResult, submission: Path) -> None:
        """Pass it on, and send the result."""
        self._reporter.fold_done(result, submission)
        name = f"fold-{result.fold}"
        values = {f"result/{name}": result.score, f"seconds/{name}": result.seconds}
        self._send("summary", values=finite(values))

    def _series(self, fold: int, part: str) -> str:
        name = "full" if fold == self._folds else f"fold-{fold}"
        part = part.removeprefix("full model").strip()
        return "-".join(filter(None, (name, re.sub(r"\W+", "-", part))))

    def _validated_series(self, fold: int, step: int) -> tuple[str, int]:
        """The series and the step of a validation: those of the last report of the fold. Of several
        trainings at the same time it is the one that made this step."""
        mine = [(name, last) for name, last in self._last.items() if last.fold == fold]
        same = [each for each in mine if each[1].step == step and self._jobs > 1]
        if not mine:
            return self._series(fold, ""), step
        name, last = (same or mine)[-1]
        return name, last.step

    def _metrics(self, series: str, step: int, values: Mapping[str, float]) -> None:
        known = finite(values)
        if known:
            mark = f"{series} {' '.join(values)}"
            self._send("metrics", series=series, mark=mark, step=step, values=known)

    def _send(self, kind: str, **values: Any) -> None:
        for link in self._links:
            link.send(kind, **values)

    def _pump(self) -> None:
        for link in self._links:
            link.pump()


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """The values that are numbers."""
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}
