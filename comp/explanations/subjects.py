"""The samples of a run that are explained: by their ids, the worst ones, or the surest ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from comp.config.nearest import did_you_mean
from comp.contract.metric import Pair
from comp.contract.sample import Sample
from comp.contract.task import Params, decide
from comp.data.units import unit_of
from comp.errors import ConfigError
from comp.explanations.question import kind_of
from comp.inference.decisions import FittedDecisions
from comp.inference.oof import read_target
from comp.inference.predictions import Predictions
from comp.pipeline.run_oof import RunOof, fitted_decisions


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A sample with what the run recorded of it."""

    id: str
    test: bool
    sample: Sample
    """Of a unit of several samples, the first."""
    fold: int
    """The fold whose network explains it."""
    truth: np.ndarray | None
    """The encoded target; None of a test sample."""
    prediction: np.ndarray | None
    """Out of fold; of a test sample the mean over the folds. None if it is not recorded."""
    decision: np.ndarray | None
    """None if the task makes no decisions, or there is no prediction."""

    @property
    def wrong(self) -> bool | None:
        """Whether the decision is not the truth; None if one of them is unknown or a mask."""
        if self.truth is None or self.decision is None or self.truth.ndim != 1:
            return None
        return not np.array_equal(self.truth, self.decision)


@dataclass
class Subjects:
    """All samples of a run that can be explained, by id."""

    run: RunOof
    notes: list[str] = field(default_factory=list)

    @cached_property
    def _fitted(self) -> FittedDecisions | None:
        return fitted_decisions(self.run)

    @cached_property
    def _images(self) -> dict[str, Sample]:
        """The first training sample of each unit."""
        first: dict[str, Sample] = {}
        for sample in self.run.data.train:
            first.setdefault(unit_of(sample), sample)
        return first

    @cached_property
    def _test(self) -> dict[str, Sample]:
        first: dict[str, Sample] = {}
        for sample in self.run.data.test:
            first.setdefault(unit_of(sample), sample)
        return first

    @cached_property
    def _test_predictions(self) -> Predictions | None:
        path = self.run.folder.test
        return Predictions(path) if path.is_file() else None

    def of(self, ids: Sequence[str], test: bool = False) -> list[Subject]:
        """The samples with these ids, each once.

        Args:
            test: these are ids of test samples; else an id of both splits is that of the training
                sample.

        Raises:
            ConfigError: the run has no such sample, or did not predict it out of fold.
        """
        names = list(dict.fromkeys(ids))
        if test:
            return [self._of_test(name) for name in names]
        return [self._of(name) for name in names]

    def in_both(self, ids: Sequence[str]) -> list[str]:
        """The ids that a training sample and a test sample have."""
        return [name for name in ids if name in self._test and name in self.run.samples]

    def _of(self, name: str) -> Subject:
        run = self.run
        if name in run.samples:
            params = self._params(run.fold_of[name])
            prediction = run.predictions[name]
            return Subject(
                id=name,
                test=False,
                sample=self._images[name],
                fold=run.fold_of[name],
                truth=read_target(run.competition.task, run.samples[name], run.reader),
                prediction=prediction,
                decision=self._decided(prediction, params),
            )
        if name in self._test:
            return self._of_test(name)
        if name in self._images:
            raise ConfigError(
                f"sample {name!r} has no out-of-fold prediction in run {run.run_id}: its fold is "
                "not trained, or it is never held out; give another id, or finish the run"
            )
        raise self._unknown(name, [*run.samples, *self._test])

    def _unknown(self, name: str, known: Sequence[str]) -> ConfigError:
        return ConfigError(
            f"no sample {name!r} among the {len(known):,} of run {self.run.run_id}: "
            f"{did_you_mean(name, known)}give ids of training samples, or of test samples"
        )

    def _of_test(self, name: str) -> Subject:
        if name not in self._test:
            raise self._unknown(name, list(self._test))
        recorded = self._test_predictions
        prediction = recorded[name] if recorded is not None and name in recorded else None
        fold = min(self.run.fold_of.values())
        note = f"test samples are explained by the network of fold {fold} alone"
        if note not in self.notes:
            self.notes.append(note)
        params = self._fitted.params if self._fitted else None
        return Subject(
            id=name,
            test=True,
            sample=self._test[name],
            fold=fold,
            truth=None,
            prediction=prediction,
            decision=None if prediction is None else self._decided(prediction, params),
        )

    def _params(self, fold: int) -> Params | None:
        return self._fitted.by_fold.get(fold, self._fitted.params) if self._fitted else None

    def _decided(self, prediction: np.ndarray, params: Params | None) -> np.ndarray | None:
        decision = self.run.competition.task.decision
        return None if decision is None or params is None else decide(decision, prediction, params)

    def worst(self, count: int) -> list[str]:
        """The ids of the samples with the largest errors, the most confidently wrong first."""
        errors = {pair.id: error for pair, error in self._errors() if np.isfinite(error)}
        return sorted(errors, key=lambda name: -errors[name])[:count]

    def surest(self, each: int, classes: int) -> list[str]:
        """The ids of the samples of each class that are decided right with the highest
        probability, of the `classes` largest classes; empty if there are no classes."""
        task = self.run.competition.task
        if task.exclusive is None:
            return []
        found: dict[int, list[tuple[float, str]]] = {}
        for pair in self.run.pairs():
            chances = task.exclusive.probabilities(np.asarray(pair[1])[None])[0]
            column = int(pair[0][0])
            if np.isfinite(chances).all() and int(chances.argmax()) == column:
                found.setdefault(column, []).append((-float(chances[column]), pair.id))
        largest = sorted(found, key=lambda column: (-len(found[column]), column))[:classes]
        return [name for column in largest for _, name in sorted(found[column])[:each]]

    def _errors(self) -> Iterator[tuple[Pair, float]]:
        """How wrong each prediction is: 1 - the probability of the true class; the largest error of
        a label; else the mean absolute error, of numbers in units of the targets' deviation."""
        task = self.run.competition.task
        kind = kind_of(task)
        scale = np.ones(1)
        if kind == "numbers":
            scale = np.stack([target for target, _ in self.run.pairs()]).std(axis=0) + 1e-12
        for pair in self.run.pairs():
            target, prediction = pair
            if kind == "classes" and task.exclusive is not None:
                chances = task.exclusive.probabilities(np.asarray(prediction)[None])[0]
                yield pair, 1 - float(chances[int(target[0])])
            elif kind == "labels":
                yield pair, float(np.abs(target - prediction).max())
            else:
                yield pair, float((np.abs(target - prediction) / scale).mean())
