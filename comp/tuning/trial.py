"""One trial of a study: the folds of a run, one after another, until its score is too bad.

It runs in this process or in another one: its argument and its result can be pickled.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from comp.data.folds import read_folds, write_folds
from comp.data.units import units_of
from comp.errors import ConfigError, DeviceError, FoldError, RunError, WeightsError
from comp.inference.decisions import PairsOfFolds, fit_decisions, fits_decisions, honest_score
from comp.inference.predictions import join_predictions, save_predictions
from comp.pipeline.ensemble import oof_pairs
from comp.pipeline.limited_test import write_limit
from comp.pipeline.members import ESTIMATOR, network_names
from comp.pipeline.plugin_check import plugin_record
from comp.pipeline.run_classes import fold_of as fold_of_units
from comp.pipeline.run_inputs import RunContext, RunInputs, prepare_run
from comp.pipeline.seeded_fold import fit_seeds
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent, Step
from comp.runs.results import FoldResult
from comp.training.checkpoint import WEIGHTS
from comp.training.state import RESUME
from comp.tuning.folder import StudyFolder
from comp.tuning.outcome import Outcome, TrialJob, TrialProgress
from comp.tuning.pruning import Scores
from comp.tuning.targets import OTHER_TARGETS, target_hash

Report = Callable[[TrialProgress], None]
BY_VALUES = (ConfigError, DeviceError, FoldError, RunError, WeightsError)
"""Errors that the values of a trial cause; every other one stops the study."""
REPORT_EVERY_S = 0.5


class TrialEndedError(Exception):
    """A trial does not train on: its score is too bad, or the time is over."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(state, reason)
        self.state, self.reason = state, reason


def run_trial(job: TrialJob, report: Report) -> Outcome:
    """Train a trial; its folder keeps the out-of-fold predictions, and no weights.

    Raises:
        CompError: something else than the values of the trial is wrong, such as a full disk.
        Stopped: a signal came.
    """
    started, folder = time.perf_counter(), RunFolder(StudyFolder(job.study).trial(job.number))
    progress = _Progress(job, report, Scores.of(job))
    result: dict[str, Any]
    try:
        result = {"state": "complete", "value": _trained(job, folder, progress)}
    except TrialEndedError as stopped:
        result = {"state": stopped.state, "reason": stopped.reason}
    except BY_VALUES as error:
        result = {"state": "failed", "reason": str(error)}
    finally:
        _remove_weights(folder.path)
        gc.collect()
    outcome = Outcome(
        **result,
        fold_scores=dict(progress.scores.finished),
        own_scores=dict(progress.scores.own),
        share=progress.share,
        steps=progress.steps_done,
        seconds=time.perf_counter() - started,
    )
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.update_record(state=outcome.state, reason=outcome.reason or None)
    return outcome


def _trained(job: TrialJob, folder: RunFolder, progress: _Progress) -> float:
    """Train the folds of a trial; returns its out-of-fold score.

    Raises:
        TrialEndedError: it does not need the rest of its folds, or has no time for them.
    """
    inputs = _inputs(job)
    _write(inputs, job, folder)
    if job.targets and target_hash(inputs, folder) != job.targets:
        raise RunError(OTHER_TARGETS)
    for index, fold in enumerate(job.folds):
        progress.start(index, fold)
        result = fit_seeds(
            inputs.config,
            fold,
            inputs.source.root,
            folder.path,
            job.steps,
            progress,
            progress.seconds_of_model(),
        )
        _check_late(result)
        _remove_weights(folder.path)
        progress.end(result)
    score, of_folds = _score(inputs, job, folder)
    progress.scores.decided_by_others(of_folds)
    return score


def _inputs(job: TrialJob) -> RunInputs:
    """The inputs of a trial, on the folds of the study.

    Raises:
        RunError: the values of the trial change the folds.
    """
    folds = read_folds(StudyFolder(job.study).folds_csv)
    inputs = prepare_run(
        job.config, job.source, job.workspace, job.folds, Silent(), job.skip_bad, recorded=folds
    )
    if inputs.folds != folds:
        raise RunError("its folds are not those of the study: leave out keys that change them")
    return inputs


def _write(inputs: RunInputs, job: TrialJob, folder: RunFolder) -> None:
    """Write what the folds read, and a run.json with which predictions can be compared."""
    write_folds(folder.folds_csv, inputs.train, inputs.folds)
    folder.update_record(
        run_id=folder.run_id,
        state="running",
        competition=inputs.config.competition,
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        synthetic=inputs.source.synthetic,
        config=inputs.config.model_dump(mode="json"),
        folds=list(job.folds),
        data_fingerprint=job.fingerprint,
        data=str(inputs.source.root),
        device=inputs.device,
        precision=inputs.precision,
        plugin=plugin_record(inputs.competition),
    )
    inputs.write_samples(folder)
    inputs.write_pointers(folder)
    write_limit(folder.reader_folder)


def _check_late(result: FoldResult) -> None:
    """Raise TrialEndedError if the deadline has made a model smaller."""
    if result.estimator.get("late"):
        raise TrialEndedError("cut", "the budget was spent")


def _score(
    inputs: RunInputs, job: TrialJob, folder: RunFolder
) -> tuple[float, Mapping[int, float]]:
    """Join the predictions of the folds, and score them as `comp run` does. Also returns the scores
    of folds whose decisions are fitted on the other folds; empty if none are fitted.

    Raises:
        RunError: the score is not finite.
    """
    competition, config = inputs.competition, inputs.config
    context = RunContext.of(inputs, folder, job.workspace, Silent())
    scored = [sample for sample in inputs.train if inputs.folds[sample.id] >= 0]
    files = [folder.fold(fold) / "oof.safetensors" for fold in job.folds]
    joined = join_predictions(files, units_of(scored, competition.pool))
    save_predictions(folder.oof, joined)
    for file in files:
        file.unlink()
    pairs, fold_of = oof_pairs(context), fold_of_units(context, job.folds)
    fitted = None
    of_folds: dict[int, float] = {}
    if fits_decisions(competition):
        fitted = fit_decisions(competition, pairs, fold_of, config.seed)
        for fold in job.folds:
            part = PairsOfFolds(pairs, fold_of, fold.__eq__)
            of_folds[fold] = float(honest_score(competition, part, fitted, fold_of))
    score = float(honest_score(competition, pairs, fitted, fold_of))
    if score != score or score in (float("inf"), float("-inf")):
        raise RunError(f"its {competition.metric.name} is {score}")
    return score, of_folds


def _remove_weights(folder: Path) -> None:
    """Remove what only predictions of new data need."""
    names = {WEIGHTS, ESTIMATOR, RESUME, "test.safetensors"}
    for path in [path for path in folder.rglob("*") if path.name in names]:
        path.unlink(missing_ok=True)


@dataclass
class _Progress(Silent):
    """Reports the progress of a trial, and stops it."""

    job: TrialJob
    report: Report
    scores: Scores
    index: int = 0
    fold: int = 0
    share: float = 0.0
    steps_done: int = 0
    _before: tuple[float, int] = (0.0, 0)
    """Share and steps at the start of the fold."""
    _reported_at: float = field(default=0.0)

    def start(self, index: int, fold: int) -> None:
        """A fold, of that index among those of the trial, starts."""
        self.index, self.fold = index, fold
        self._before = self.share, self.steps_done
        self._send(at_once=True)

    def step(self, step: Step) -> None:
        """A network has made a step."""
        networks = max(1, len(network_names(self.job.config)))
        done = step.step / step.steps / networks
        share, steps = self._before
        self.share = share + done / len(self.job.folds)
        self.steps_done = steps + step.step
        self._check_time()
        self._send()

    def validated(self, _fold: int, _step: int, score: float) -> None:
        """A network was scored; stop the trial if that is too bad."""
        if self.scores.validated(self.index, score):
            self._prune()

    def end(self, result: FoldResult) -> None:
        """A fold is finished; stop the trial if its score is too bad and folds are left."""
        networks = len(network_names(self.job.config))
        self.share = (self.index + 1) / len(self.job.folds)
        self.steps_done = self._before[1] + networks * result.steps
        stop = self.scores.fold_done(self.index, self.fold, result.score)
        self._send(at_once=True)
        if stop and self.index + 1 < len(self.job.folds):
            self._prune()
        self._check_time()

    def seconds_of_model(self) -> float | None:
        """Seconds for each model that is not a network in this fold; None without a deadline."""
        deadline = self.job.deadline
        left = None if deadline is None else deadline - time.time()
        return None if left is None else max(1.0, left / len(self.job.config.model))

    def _prune(self) -> None:
        done = f"after {self.share:.0%} of the training"
        raise TrialEndedError("pruned", f"{self.scores.last:.5f} {done}")

    def _check_time(self) -> None:
        deadline = self.job.deadline
        if deadline is not None and time.time() > deadline and self.share < 1:
            raise TrialEndedError("cut", "the budget was spent")

    def _send(self, at_once: bool = False) -> None:
        now = time.perf_counter()
        if at_once or now - self._reported_at > REPORT_EVERY_S:
            self._reported_at = now
            job, score = self.job, self.scores.last
            self.report(
                TrialProgress(number=job.number, fold=self.fold, share=self.share, score=score)
            )
