"""Trains the folds of a run at the same time, in the processes of an engine.

Each fold and seed is a task; with several seeds, one more task averages them. The results are put
in the order of the folds, so all files of the run are those of a run that trains one fold after
another with as many threads. Only this process writes run.json, the scores and the submission.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig
from comp.engines.engine import Engine
from comp.pipeline.between_folds import decisions_s, fit_full_model, leave_out, remove_leftovers
from comp.pipeline.budget_rounds import (
    estimator_seconds_in_rounds,
    left_in_rounds,
    round_count,
    seconds_in_rounds,
    steps_in_rounds,
)
from comp.pipeline.ensemble import write_ensemble
from comp.pipeline.fit_full import Fits
from comp.pipeline.fold_task import FoldTask
from comp.pipeline.fold_time import record_time
from comp.pipeline.halved import record_of_run
from comp.pipeline.members import estimator_names, network_names, read_result
from comp.pipeline.part_times import summarized
from comp.pipeline.report_time import readings_after
from comp.pipeline.run_inputs import RunContext
from comp.pipeline.scored_apart import forget_apart, predict_apart
from comp.pipeline.seeds import trainings
from comp.pipeline.spent import record_spent
from comp.pipeline.trainings import Trainings, prepare_reader, tasks_of_seeds
from comp.runs.progress import Reporter
from comp.runs.results import FoldResult, RunSummary
from comp.training.budget import FoldCost, cost_of, enough_steps


class SideBySide:
    """The folds of a run on an engine; the arguments are those of
    `comp.pipeline.train_folds.train_folds`."""

    def __init__(
        self,
        context: RunContext,
        plan: Mapping[int, int],
        cost: FoldCost | None,
        began: float,
        engine: Engine,
    ) -> None:
        self._context, self._config, self._began = context, context.inputs.config, began
        self._steps, self._cost = dict(plan), cost
        self._trainings = Trainings(engine, context, context.reporter)
        self._waiting: deque[FoldTask] = deque()
        self._seeds_left: dict[int, int] = {}
        self._seconds: dict[int, float | None] = {}
        self._results: dict[int, FoldResult] = {}
        self._estimate_s, self._end_s, self._n_rows = 0.0, 0.0, 0
        self._total, self._closed = 0, False

    def train(self) -> RunSummary:
        """Train the folds that are not finished, write a submission after each, and score them.

        Raises:
            CompError: a training failed, or its process died; the others have saved their state.
            Stopped: a signal came; all have saved their state.
        """
        context = self._context
        remove_leftovers(context.folder, context.submission)
        if self._cost and self._cost.halved:
            record_of_run(context.folder)
        self._take_finished()
        if self._waiting:
            prepare_reader(context)
        try:
            self._train_waiting()
            results, cost = self._ordered, self._cost
            trained = fit_full_model(context, results, cost, self._began, self._full_fits())
        except BaseException:
            self._trainings.stop()
            raise
        remove_leftovers(context.folder, context.submission)
        if trained or not self._n_rows:
            self._n_rows = write_ensemble(context, results).n_rows
        return summarized(context, results, self._n_rows, self._began)

    @property
    def _ordered(self) -> list[FoldResult]:
        """The results of the finished folds, in the order of the folds."""
        return [self._results[fold] for fold in sorted(self._results)]

    def _take_finished(self) -> None:
        """Take the results of finished folds, and let the others wait."""
        context, config = self._context, self._config
        for fold in context.inputs.folds_to_train:
            result = read_result(context.folder.fold(fold), config)
            if result:
                predict_apart(context, fold)
                self._results[fold] = result
                context.reporter.fold_done(result, context.submission)
            elif estimator_names(config) and self._is_planned_here(fold):
                self._waiting.append(FoldTask(kind="estimators", fold=fold))
            else:
                self._waiting.extend(tasks_of_seeds(config, fold))
        self._total = self._not_started()

    def _train_waiting(self) -> None:
        """Train until no task waits or runs."""
        while self._waiting or self._trainings.running:
            self._fill()
            if not self._trainings.running:
                continue
            ended = [self._ended(task, value) for task, value in self._trainings.wait()]
            self._fill()  # before the parent predicts and writes
            for result in filter(None, ended):
                self._publish(result)

    def _fill(self) -> None:
        """Start tasks in all free slots."""
        slots = self._trainings.engine.slots
        while self._waiting and len(self._trainings.running) < slots:
            task = self._waiting[0]
            if self._cost is None and self._trainings.running and self._is_planned_here(task.fold):
                return  # until a fold that runs has shown what a fold costs
            self._waiting.popleft()
            if task.fold not in self._seconds:
                self._begin_fold(task)
            if task.kind != "train" or self._has_time(task):
                place, steps = self._context.folder.fold(task.fold), self._steps.get(task.fold)
                self._record_time(task, place)
                self._trainings.start(task, self._config, place, steps, self._seconds[task.fold])

    def _is_planned_here(self, fold: int) -> bool:
        """Whether the budget decides the steps of a fold, and has not done it."""
        networks = network_names(self._config)
        return bool(self._config.budget and networks) and fold not in self._steps

    def _begin_fold(self, task: FoldTask) -> None:
        """Before the first task of a fold starts."""
        fold, left = task.fold, self._left(task)
        slots, spent = self._trainings.engine.slots, time.perf_counter() - self._began
        seconds = estimator_seconds_in_rounds(self._context.inputs, left, slots, spent)
        self._seconds[fold], self._seeds_left[fold] = seconds, self._config.seeds
        forget_apart(self._context.folder.fold(fold))

    def _has_time(self, task: FoldTask) -> bool:
        """Plan the steps of a fold with a budget. If too few are left, leave out all folds that
        have no plan."""
        if not self._cost or not self._is_planned_here(task.fold):
            return True
        context, slots = self._context, self._trainings.engine.slots
        spent, left = time.perf_counter() - self._began, self._left(task)
        steps = steps_in_rounds(context.inputs, left, slots, self._cost, spent, self._estimate_s)
        if enough_steps(steps, self._ordered):
            self._steps[task.fold] = steps
            context.folder.update_record(plan=self._steps)
            return True
        self._waiting = deque(t for t in self._waiting if t.fold in self._steps)
        self._closed = True
        kept = {*self._steps, *self._results}
        leave_out(context, [fold for fold in context.inputs.folds_to_train if fold in kept])
        return False

    def _record_time(self, task: FoldTask, place: Path) -> None:
        """Record what a training may take, in a run with a budget."""
        if task.kind == "train" and self._cost and self._config.budget:
            spent, left = time.perf_counter() - self._began, self._left(task)
            given = (left, self._trainings.engine.slots, self._cost, spent, self._estimate_s)
            seconds, last = seconds_in_rounds(self._context.inputs, *given)
            _, one = trainings(self._config, place)[task.seed]
            record_time(self._context, one, self._cost, seconds, last=last)

    def _left(self, task: FoldTask) -> int:
        """The trainings of the round of `task`, which starts now, and of the rounds after it."""
        started = self._total - self._not_started(task)
        return left_in_rounds(self._total, started, self._trainings.engine.slots)

    def _not_started(self, *more: FoldTask) -> int:
        """The trainings that wait, with `more`, and those of folds whose estimators are fitted."""
        counts = {"estimators": self._config.seeds, "train": 1, "join": 0}
        fitted = [task for task in self._trainings.running if task.kind == "estimators"]
        return sum(counts[task.kind] for task in (*more, *self._waiting, *fitted))

    def _ended(self, task: FoldTask, value: Any) -> FoldResult | None:
        """What follows a task; returns the result of the fold if it is finished."""
        if task.kind == "estimators":
            self._estimate_s = value
            if not self._closed:  # else the fold is left out
                self._waiting.extendleft(reversed(tasks_of_seeds(self._config, task.fold)))
            return None
        if task.kind == "train" and self._config.seeds > 1:
            self._seeds_left[task.fold] -= 1
            if not self._seeds_left[task.fold]:
                self._waiting.appendleft(FoldTask(kind="join", fold=task.fold))
            return None
        result: FoldResult = value
        self._results[task.fold] = result
        if network_names(self._config):
            self._cost = cost_of(result, result.seconds, self._end_s, readings_after(self._config))
        if result.halved:
            record_of_run(self._context.folder)
        return result

    def _publish(self, result: FoldResult) -> None:
        """Write the submission of the finished folds, while other folds train."""
        context, started = self._context, time.perf_counter()
        predict_apart(context, result.fold)
        ensemble = write_ensemble(context, self._ordered)
        self._n_rows = ensemble.n_rows
        write_s = time.perf_counter() - started
        self._end_s = write_s + decisions_s(context.inputs, len(self._results), ensemble.fit_s)
        context.reporter.fold_done(result, context.submission)
        record_spent(context, self._began)

    def _full_fits(self) -> Fits:
        """How the full model is trained: each seed is a task."""
        seeds, slots = self._config.seeds, self._trainings.engine.slots
        return Fits(
            seeds=self._fit_full_seeds,
            estimators=self._fit_full_estimators,
            rounds=round_count(seeds, slots) / seeds,
        )

    def _fit_full_seeds(
        self,
        config: RunConfig,
        fold: int,
        _data: Path,
        _folder: Path,
        steps: int | None,
        reporter: Reporter,
        seconds: float | None,
        place: Path,
    ) -> None:
        tasks = tasks_of_seeds(config, fold, full=True)
        join = FoldTask(kind="join", fold=fold, full=True)
        for stage in (tasks, [join] if len(tasks) > 1 else []):
            self._run_all(stage, config, steps, reporter, seconds, place)

    def _fit_full_estimators(
        self,
        config: RunConfig,
        fold: int,
        _data: Path,
        _folder: Path,
        reporter: Reporter,
        seconds: float | None,
        place: Path,
    ) -> float:
        task = FoldTask(kind="estimators", fold=fold, full=True)
        (estimate_s,) = self._run_all([task], config, None, reporter, seconds, place)
        return float(estimate_s)

    def _run_all(
        self,
        tasks: Sequence[FoldTask],
        config: RunConfig,
        steps: int | None,
        reporter: Reporter,
        seconds: float | None,
        place: Path,
    ) -> list[Any]:
        """Run tasks of the full model to their end; returns their results."""
        self._trainings = Trainings(self._trainings.engine, self._context, reporter)
        for task in tasks:
            self._trainings.start(task, config, place, steps, seconds)
        values = []
        while self._trainings.running:
            values += [value for _, value in self._trainings.wait()]
        return values
