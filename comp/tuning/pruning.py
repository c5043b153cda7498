"""The scores of a trial while it trains: they go to the study, whose pruner decides.

The progress of a trial is counted in reports. A fold has as many as a training has validations, one
if scores of a training do not tell of a fold, because it has several models or none is a network.
The value of a report is the mean of the finished folds and of the one that trains, so that trials
are compared at the same progress on the same samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean
from typing import Any

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.pipeline.members import network_names
from comp.signals import defer_signals
from comp.tuning.folder import StudyFolder
from comp.tuning.optuna_study import make_pruner, open_study
from comp.tuning.outcome import TrialJob


def reports_of_fold(config: RunConfig) -> int:
    """Reports of a fold, at least 1."""
    single = len(config.model) == 1 and len(network_names(config)) == 1
    return config.validations if single else 1


class Scores:
    """The scores of a trial.

    Args:
        trial: of Optuna.
        validations: reports of a fold in this study.
        prunes: whether a bad score stops the trial.
    """

    def __init__(self, trial: Any, validations: int, reports: bool, prunes: bool) -> None:
        self.trial, self.validations = trial, validations
        self.reports, self.prunes = reports, prunes
        self.finished: dict[int, float] = {}
        self.own: dict[int, float] = {}
        self.last: float | None = None
        self._count = (-1, 0)

    @classmethod
    def of(cls, job: TrialJob) -> Scores:
        """The scores of a job, which go to the storage of its study."""
        from optuna.trial import Trial

        metric = registry.get(job.config.competition).metric
        validations = job.reports_of_fold
        pruner = make_pruner(job.pruner, len(job.folds), validations)
        study = open_study(StudyFolder(job.study), metric.direction, pruner=pruner)
        reports = reports_of_fold(job.config) > 1
        return cls(Trial(study, job.trial_id), validations, reports, job.prunes)

    def validated(self, index: int, score: float) -> bool:
        """Report the score of a validation in a fold; returns whether the trial should stop.

        Args:
            index: of the fold among those of the trial.
        """
        fold, count = self._count
        self._count = index, (count + 1 if fold == index else 1)
        if not self.reports or self._count[1] >= self.validations or math.isnan(score):
            return False
        values = [*self._known(), score]
        return self._report(index * self.validations + self._count[1], fmean(values))

    def fold_done(self, index: int, fold: int, score: float) -> bool:
        """Report the score of a finished fold; returns whether the trial should stop. A score that
        is not defined in the fold, such as the AUC of one class, says nothing."""
        self.finished[fold] = score
        if math.isnan(score):
            return False
        return self._report((index + 1) * self.validations, fmean(self._known()))

    def decided_by_others(self, scores: Mapping[int, float]) -> None:
        """Replace the scores of all folds by those of decisions that are fitted on the other folds;
        nothing if no decisions are fitted."""
        if scores:
            self.own, self.finished = self.finished, dict(scores)

    def _known(self) -> list[float]:
        return [score for score in self.finished.values() if not math.isnan(score)]

    def _report(self, progress: int, value: float) -> bool:
        self.last = value
        with defer_signals():
            self.trial.report(value, progress)
            return bool(self.trial.should_prune()) and self.prunes
