"""The work of one process on a study: it runs trials until their number or the budget is used."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from statistics import median
from typing import Any

from comp.engines.engine import Engine, TaskDiedError
from comp.errors import RunError
from comp.pipeline.placed import task_config
from comp.pipeline.run_inputs import RunInputs
from comp.training.elsewhere import elsewhere
from comp.tuning.outcome import Outcome, TrialJob
from comp.tuning.progress import StudyReporter, StudyStart
from comp.tuning.pruning import reports_of_fold
from comp.tuning.trial import run_trial
from comp.tuning.trials import Asked, Trials

FAILURES = 5
"""If this many trials fail and none succeeds, the study stops."""
RESERVE_SHARE, RESERVE_S = 0.03, (3.0, 30.0)
"""Share of the budget for the result at the end, and its least and most seconds."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The budget of the command: `time.time()` at its end and at the end of the last trial; None
    without a budget. `reserve_s` is between them."""

    deadline: float | None
    reserve_s: float

    @classmethod
    def of(cls, budget: float | None, began: float, reading_s: float) -> Clock:
        """The clock of a command.

        Args:
            began: `time.perf_counter()` when it began.
            reading_s: seconds of reading the data, which the result does again.
        """
        least, most = RESERVE_S
        reserve = min(most, max(least, RESERVE_SHARE * (budget or most / RESERVE_SHARE)))
        if budget is None:
            return cls(deadline=None, reserve_s=reserve)
        end = time.time() + budget - (time.perf_counter() - began)
        return cls(deadline=end - reserve - reading_s, reserve_s=reserve)

    @property
    def left(self) -> float | None:
        """Seconds left for trials."""
        return None if self.deadline is None else self.deadline - time.time()


@dataclass(frozen=True, kw_only=True)
class Work:
    """What this process does for a study."""

    trials: Trials
    record: Mapping[str, Any]
    clock: Clock
    reporter: StudyReporter

    def start(self, inputs: RunInputs, slots: int) -> StudyStart:
        """What a reporter shows when the work starts."""
        settings, folder = self.trials.settings, self.trials.folder
        steps, there = self.record["steps"] or settings.config.max_steps, elsewhere()
        return StudyStart(
            study=folder.name,
            folder=folder.path,
            competition=settings.competition.name,
            synthetic=settings.source.synthetic,
            trials=self.record["trials"],
            finished=sum(1 for _ in self.trials.outcomes()),
            running=self.trials.running(),
            space={p.key: p.text() for p in settings.space.parameters},
            length=f"{steps} steps a fold" if steps else "",
            folds=len(settings.folds),
            sampler=settings.options.sampler,
            pruner=settings.options.pruner,
            device=there.text if there else inputs.device,
            slots=slots,
            default_outside=settings.space.outside(settings.config),
        )

    def run(self, engine: Engine | None) -> None:
        """Run trials until their number or the budget is used.

        Args:
            engine: None: in this process, one after another.
        """
        running: dict[int, Asked] = {}
        try:
            if engine is None:
                self._run_here(running)
            else:
                self._run_on(engine, running)
        except BaseException:
            if engine is not None:
                engine.stop()
            raise
        finally:
            for number in list(running):
                self.trials.finish(number, Outcome(state="cut", reason="the study was stopped"))

    def _run_here(self, running: dict[int, Asked]) -> None:
        """Run one trial after another in this process."""
        while asked := self._next(running):
            outcome = run_trial(self._job(asked), self.reporter.trial_progress)
            self._done(running.pop(asked.number), outcome)

    def _run_on(self, engine: Engine, running: dict[int, Asked]) -> None:
        """Run several trials at the same time."""
        futures: dict[Future[Outcome], Asked] = {}
        while True:
            while len(futures) < engine.slots and (asked := self._next(running)):
                futures[engine.submit(run_trial, self._job(asked, apart=True))] = asked
            if not futures:
                return
            done = wait(futures, timeout=0.2, return_when=FIRST_COMPLETED).done
            for event in engine.events():
                self.reporter.trial_progress(event)
            for future in done:
                asked = futures.pop(future)
                outcome = _outcome(future)
                del running[asked.number]
                self._done(asked, outcome)

    def _next(self, running: dict[int, Asked]) -> Asked | None:
        """The next trial, if one is left and there is time for one like the others."""
        seconds = [o.seconds for _, o in self.trials.outcomes() if o.seconds]
        left = self.clock.left
        if left is not None and left < (median(seconds) if seconds else 0):
            return None
        asked = self.trials.ask(self.record["trials"])
        if asked:
            running[asked.number] = asked
            self.trials.folder.remove_trial(asked.number)
            self.reporter.trial_started(asked.number)
        return asked

    def _job(self, asked: Asked, apart: bool = False) -> TrialJob:
        """The job of a trial, in this process or `apart` in another one."""
        settings, request = self.trials.settings, self.trials.settings.request
        return TrialJob(
            study=self.trials.folder.path.absolute(),
            number=asked.number,
            trial_id=asked.trial_id,
            config=task_config(asked.config) if apart else asked.config,
            source=settings.source,
            workspace=request.workspace,
            folds=settings.folds,
            steps=self.record["steps"],
            fingerprint=settings.fingerprint,
            targets=settings.targets,
            pruner=settings.options.pruner,
            reports_of_fold=reports_of_fold(settings.config),
            prunes=not asked.is_default,
            skip_bad=request.skip_bad,
            deadline=self.clock.deadline,
        )

    def _done(self, asked: Asked, outcome: Outcome) -> None:
        """Record and report the end of a trial.

        Raises:
            RunError: the first trials have all failed.
        """
        self.trials.finish(asked.number, outcome)
        found = [o for _, o in self.trials.outcomes()]
        scores = [o.value for o in found if o.value is not None]
        best = None
        if scores:
            best = min(scores) if self.trials.settings.metric.direction == "min" else max(scores)
        self.reporter.trial_done(asked.number, outcome, best, len(found))
        failed = [o for o in found if o.state == "failed"]
        if len(failed) >= FAILURES and len(failed) == len(found):
            raise RunError(f"the first {len(failed)} trials failed, the last one: {outcome.reason}")


def _outcome(future: Future[Outcome]) -> Outcome:
    """The outcome of a trial in another process."""
    try:
        return future.result()
    except TaskDiedError as error:
        return Outcome(state="lost", reason=str(error))
