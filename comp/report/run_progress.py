"""How far a run is, from what it reports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from comp.contract.metric import Metric
from comp.report.clock import Clock
from comp.runs.history import read_history
from comp.runs.live import DONE, PREDICTS, TRAINS, WAITS, WORKS, FoldProgress, RunProgress
from comp.runs.progress import RunStart, Step
from comp.runs.results import FoldResult

_POINTS = 128
"""Points of a curve that are kept; of more, each two become their mean."""
_NOTES = 20


@dataclass
class _Training:
    """One of several trainings of a fold."""

    step: Step
    scores: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    best: tuple[float, int] | None = None


@dataclass
class _Fold:
    """What is known of a fold."""

    trainings: dict[str, _Training] = field(default_factory=dict)
    predicted: tuple[int, ...] = ()
    began: float = 0.0
    left_s: float | None = None
    result: FoldResult | None = None


class ProgressCollector:
    """Follows a run by its reports; `progress` says how far it is."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._clock = Clock(1)
        self._folds: dict[int, _Fold] = {}
        self._run: RunStart | None = None
        self._left_s: float | None = None
        self._doing = ""
        self._notes: list[str] = []
        self._note_count = 0

    def run_started(self, run_start: RunStart) -> None:
        """The run starts."""
        self._run = run_start
        self._clock = Clock(len(run_start.folds), run_start.jobs)
        self._folds = {fold: _Fold() for fold in run_start.folds}

    def note(self, text: str) -> None:
        """A message to the user."""
        self._notes = [*self._notes, text][-_NOTES:]
        self._note_count += 1

    def step(self, step: Step) -> tuple[float, float] | None:
        """A fold made progress; returns (seconds left for the fold, seconds left for the run)."""
        left = self._clock.left(step)
        if left:
            self._left_s = left[1]
        self._doing = "" if step.fold in self._folds else step.part
        fold = self._folds.get(step.fold)
        if fold is None:
            return left
        fold.began = fold.began or time.perf_counter()
        fold.left_s, fold.predicted = left[0] if left else None, ()
        if step.part not in fold.trainings:
            fold.trainings[step.part] = self._new_training(step)
        training = fold.trainings[step.part]
        training.step = step
        training.losses = _shorter([*training.losses, step.loss])
        return left

    def _new_training(self, step: Step) -> _Training:
        """A training that makes its first report: a resumed one has a history."""
        training = _Training(step)
        if self._run and not step.part:
            history = read_history(self._run.run_dir / f"fold-{step.fold}")
            training.scores, training.losses = list(history.scores), list(history.losses)
            training.best = history.best(self._metric.direction)
        return training

    def validated(self, fold: int, step: int, score: float) -> None:
        """A fold has scored its network."""
        known = self._folds.get(fold)
        if known is None or not known.trainings:
            return
        newest = list(known.trainings.values())[::-1]
        side_by_side = bool(self._run and self._run.jobs > 1)
        of_step = [each for each in newest if side_by_side and each.step.step == step]
        training = (of_step or newest)[0]
        training.scores = _shorter([*training.scores, score])
        if training.best is None or self._metric.better(score, training.best[0]):
            training.best = score, training.step.step
            training.step = replace(training.step, score=score)

    def predicted(self, fold: int, done: int, total: int) -> None:
        """A fold has predicted some samples."""
        if fold in self._folds:
            known = self._folds[fold]
            known.began = known.began or time.perf_counter()
            known.predicted = done, total

    def fold_done(self, result: FoldResult) -> None:
        """A fold is finished."""
        self._clock.fold_done(result.seconds)
        self._folds.setdefault(result.fold, _Fold()).result = result

    def progress(self) -> RunProgress:
        """How far the run is."""
        run = self._run
        folds = [self._fold(number, fold) for number, fold in self._folds.items()]
        busy = sum(max(1, len(fold.steps)) for fold in folds if fold.state in (TRAINS, PREDICTS))
        free = (run.jobs if run else 1) - busy
        for place, fold in enumerate(folds):  # those that have not said anything yet
            if fold.state == WAITS and free > 0 and not self._doing:
                folds[place], free = replace(fold, state=WORKS), free - 1
        return RunProgress(
            metric=self._metric.name,
            direction=self._metric.direction,
            unit=run.unit if run else "images",
            preliminary=bool(run and run.preliminary),
            folds=tuple(folds),
            doing=self._doing,
            left_s=self._left_s,
            notes=tuple(self._notes),
            note_count=self._note_count,
            updated=time.time(),
        )

    def _fold(self, number: int, fold: _Fold) -> FoldProgress:
        trainings = list(fold.trainings.values())
        newest = trainings[-1] if trainings else None
        scores = [each.step.score for each in trainings if each.step.score is not None]
        result = fold.result
        if result:
            return self._finished(result, newest)
        return FoldProgress(
            fold=number,
            state=PREDICTS if fold.predicted else TRAINS if newest else WAITS,
            score=scores[-1] if scores else None,
            best_step=newest.best[1] if newest and newest.best else None,
            scores=tuple(newest.scores) if newest else (),
            losses=tuple(newest.losses) if newest else (),
            steps=self._running(trainings),
            predicted=fold.predicted,
            left_s=fold.left_s,
            seconds=time.perf_counter() - fold.began if fold.began else None,
        )

    def _running(self, trainings: Sequence[_Training]) -> tuple[Step, ...]:
        """The newest steps of the trainings that run now."""
        steps = [training.step for training in trainings]
        if self._run and self._run.jobs > 1:
            return tuple(step for step in steps if step.step < step.steps) or tuple(steps[-1:])
        return tuple(steps[-1:])

    def _finished(self, result: FoldResult, newest: _Training | None) -> FoldProgress:
        scores, losses = (newest.scores, newest.losses) if newest else ([], [])
        if newest is None and self._run:
            history = read_history(self._run.run_dir / f"fold-{result.fold}")
            scores, losses = list(history.scores), list(history.losses)
        whole = not (result.seeds or result.members or result.estimator)
        return FoldProgress(
            fold=result.fold,
            state=DONE,
            score=result.score,
            best_step=result.step if whole else None,
            scores=tuple(scores),
            losses=tuple(losses),
            seconds=result.seconds,
            stopped_early=result.stopped_early,
        )


def _shorter(values: list[float]) -> list[float]:
    """The values, or half as many means of two."""
    if len(values) < 2 * _POINTS:
        return values
    return [(a + b) / 2 for a, b in zip(values[::2], values[1::2], strict=False)]
