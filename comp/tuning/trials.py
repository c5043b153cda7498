"""Which trial runs next, and what became of the others; all processes of a study share it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comp.config.schema import RunConfig
from comp.errors import ConfigError
from comp.signals import defer_signals
from comp.tuning.folder import StudyFolder
from comp.tuning.optuna_study import suggest
from comp.tuning.outcome import COUNTED, Outcome
from comp.tuning.settings import Settings

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

ATTEMPTS = 3
"""A trial whose process dies this many times is not tried again."""
REPEATS = 20
"""A sampler may propose known values this many times; then they are tried again."""
WORKER, OUTCOME, DEFAULT, ATTEMPT = "worker", "outcome", "default", "attempt"
"""What the study records of a trial beside its values."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A trial to run: its numbers, its configuration, and whether it is the default one."""

    number: int
    trial_id: int
    config: RunConfig
    is_default: bool


@dataclass(frozen=True, kw_only=True)
class Trials:
    """The trials of a study, for one of the processes that work on it."""

    folder: StudyFolder
    study: Study
    settings: Settings
    worker: str
    """The id of this process."""

    def enqueue_default(self) -> None:
        """Make the default configuration trial 0, of a new study."""
        settings = self.settings
        inside = not settings.space.outside(settings.config)
        values = settings.space.stored(settings.config) if inside else {}
        self.study.enqueue_trial(values, user_attrs={DEFAULT: True, ATTEMPT: 1})

    def ask(self, most: int) -> Asked | None:
        """The next trial; None if `most` trials are finished or run.

        Raises:
            RunError: another process holds the lock of the study.
            StoppedError: a signal came.
        """
        with self.folder.locked(), defer_signals():
            self._recover()
            for repeat in itertools.count():
                trials = self._all()
                waiting = any(trial.state.name == "WAITING" for trial in trials)
                if not waiting and not self._may_start(trials, most):
                    return None
                asked = self._next(() if waiting or repeat >= REPEATS else trials)
                if asked:
                    return asked
        return None

    def _next(self, others: Sequence[FrozenTrial]) -> Asked | None:
        """Ask for a trial; None if its values do not go together, so that it has failed, or if they
        are those of one of the others."""
        from optuna.trial import TrialState

        trial = self.study.ask()
        trial.set_user_attr(WORKER, self.worker)
        settings, is_default = self.settings, bool(trial.user_attrs.get(DEFAULT))
        config = settings.config
        if not is_default or not settings.space.outside(config):
            stored = suggest(trial, settings.space)
            if any(_counts(other) and other.params == stored for other in others):
                self.study.tell(trial.number, state=TrialState.FAIL)
                return None
            layer = settings.space.layer(stored)
            try:
                config = settings.with_values(layer)
            except ConfigError as error:
                self.finish(trial.number, Outcome(state="failed", reason=str(error)))
                return None
        return Asked(
            number=trial.number, trial_id=trial._trial_id, config=config, is_default=is_default
        )

    def finish(self, number: int, outcome: Outcome) -> None:
        """Record how a trial ended; one that was cut or lost runs again."""
        from optuna.trial import TrialState

        with defer_signals():
            trial = self._all()[number]
            if trial.state.is_finished():  # another process thought that this one had died
                return
            attempt = int(trial.user_attrs.get(ATTEMPT, 1))
            if outcome.state == "lost" and attempt >= ATTEMPTS:
                reason = f"its process died {attempt} times: {outcome.reason}"
                outcome = Outcome(state="failed", reason=reason)
            self.study._storage.set_trial_user_attr(trial._trial_id, OUTCOME, outcome.record())
            known = trial.params or not trial.user_attrs.get(DEFAULT)
            if outcome.state == "complete" and known:
                self.study.tell(number, outcome.value)
            elif outcome.state == "pruned" and known:
                self.study.tell(number, state=TrialState.PRUNED)
            else:  # samplers do not learn from it
                self.study.tell(number, state=TrialState.FAIL)
            if outcome.state in ("cut", "lost"):
                self.folder.remove_trial(number)
                self._again(trial, attempt + (outcome.state == "lost"))

    def _again(self, trial: FrozenTrial, attempt: int) -> None:
        attributes = {DEFAULT: bool(trial.user_attrs.get(DEFAULT)), ATTEMPT: attempt}
        self.study.enqueue_trial(dict(trial.params), user_attrs=attributes)

    def _recover(self) -> None:
        """Finish the trials of processes that died; the caller holds the lock."""
        for trial in self._all():
            worker = str(trial.user_attrs.get(WORKER, ""))
            if trial.state.name != "RUNNING" or worker == self.worker:
                continue
            if not worker or not self.folder.works(worker):
                recorded = trial.user_attrs.get(OUTCOME)
                lost = Outcome(state="lost", reason="it ended without a result")
                self.finish(trial.number, Outcome.of(recorded) if recorded else lost)

    def _may_start(self, trials: Sequence[FrozenTrial], most: int) -> bool:
        """Whether the study has room for a new trial; the next one of a grid is enqueued."""
        return sum(map(_counts, trials)) < most and self._enqueue_of_grid(trials)

    def _enqueue_of_grid(self, trials: Sequence[FrozenTrial]) -> bool:
        """Enqueue the next point of a grid; whether there is one, or the sampler is another one."""
        settings = self.settings
        if settings.options.sampler != "grid":
            return True
        tried = {tuple(sorted(trial.params.items())) for trial in trials if _counts(trial)}
        for point in _grid(settings):
            if tuple(sorted(point.items())) not in tried:
                self.study.enqueue_trial(point)
                return True
        return False

    def _all(self) -> list[FrozenTrial]:
        return list(self.study.get_trials(deepcopy=False))

    def outcomes(self) -> Iterator[tuple[FrozenTrial, Outcome]]:
        """The finished trials that count, in order."""
        for trial in self._all():
            if trial.state.is_finished() and _counts(trial):
                yield trial, Outcome.of(trial.user_attrs[OUTCOME])

    def running(self) -> int:
        """How many trials run or wait."""
        return sum(not trial.state.is_finished() for trial in self._all())


def _counts(trial: FrozenTrial) -> bool:
    """Whether a trial is one of the number of trials: it runs, waits, or will not run again."""
    if not trial.state.is_finished():
        return True
    recorded = trial.user_attrs.get(OUTCOME)
    return bool(recorded) and recorded["state"] in COUNTED


def _grid(settings: Settings) -> Iterator[Mapping[str, Any]]:
    """All points of the grid, in a random order that is that of all processes."""
    axes = [[p.stored(v) for v in p.values()] for p in settings.space.parameters]
    names = [p.key for p in settings.space.parameters]
    points = list(itertools.product(*axes))
    random.Random(settings.config.seed).shuffle(points)
    for point in points:
        yield dict(zip(names, point, strict=True))
