"""Scores of samples that no fold of the score holds out: the data of `validation`, and with
`external_folds` the external samples.

`validation` is predicted by every fold, as the test is, and the mean is scored with the decisions
that are submitted. An external sample is predicted by the fold that does not train on it, and its
decisions are those that score this fold. Neither is in the score of the run, and neither decides
anything in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from comp.config.model import ESTIMATORS
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.metric import Pair
from comp.contract.sample import Reader, Sample
from comp.contract.task import DecidedPairs, Params
from comp.data.groups import group_keys, held_out_apart
from comp.data.images.prepare import make_reader, without_skipped
from comp.data.units import EXTERNAL, unit_of, units_of
from comp.inference.decisions import FittedDecisions
from comp.inference.oof import OofPairs
from comp.inference.predictions import (
    Predictions,
    Repeatable,
    average_predictions,
    join_predictions,
    save_predictions,
)
from comp.inference.score_interval import score_interval
from comp.pipeline.adapted import unadapted_file
from comp.pipeline.class_arrays import out_of_fold, read_by_fold
from comp.pipeline.class_report import reweigh_file
from comp.pipeline.full_model import full_folder, is_finished
from comp.pipeline.predict_folds import Folds, predict_fold
from comp.pipeline.run_classes import fold_of as fold_of_units
from comp.pipeline.run_inputs import RunContext, RunInputs
from comp.pipeline.score_records import score_records
from comp.pipeline.validation import reference_of
from comp.training.device import explain_out_of_memory, less_memory_to_predict

Name = Literal["validation", "external"]
NAMES: tuple[Name, ...] = ("validation", "external")


@dataclass(frozen=True, kw_only=True)
class Part:
    """Samples that are scored apart, those that one fold predicts or all."""

    name: Name
    samples: Sequence[Sample]
    make_reader: Callable[[Sequence[Sample]], Reader]
    """(training images that they are compared with) -> reader."""

    def file(self, folder: Path) -> Path:
        """The file of their predictions in the folder of a run or of a fold."""
        return folder / f"{self.name}.safetensors"


def forget_apart(fold_folder: Path) -> None:
    """Delete the predictions of a fold that trains again."""
    for name in NAMES:
        (fold_folder / f"{name}.safetensors").unlink(missing_ok=True)


def predict_apart(context: RunContext, fold: int) -> None:
    """Predict with the models of a finished fold, unless it was done.

    Args:
        fold: `folds` of the configuration is the full model.
    """
    inputs, full = context.inputs, fold == context.inputs.config.folds
    folder = full_folder(context.folder) if full else context.folder.fold(fold)
    competition = inputs.competition
    for part in parts_of(context, (fold,)):
        file = part.file(folder)
        if _is_complete(file, units_of(part.samples, competition.pool)):
            continue
        is_test = part.name == "validation"
        reference = reference_of(inputs, fold) if is_test else []
        job = Folds(
            competition=competition,
            config=_config(inputs.config, adapted=is_test),
            run=context.folder,
            folds=() if full else (fold,),
            samples=part.samples,
            needed=(),
            reference={fold: reference},
            full=full,
        )
        new = file.with_name(f"{part.name}-new.safetensors")
        make = partial(part.make_reader, reference)
        with explain_out_of_memory(less_memory_to_predict(inputs.config)):
            predict_fold(job, make, fold, new, context.reporter.predicted)
        if unadapted_file(new).is_file():
            unadapted_file(new).replace(unadapted_file(file))
        new.replace(file)


def parts_of(context: RunContext, folds: Sequence[int]) -> list[Part]:
    """What is scored apart, by at least one of the folds."""
    inputs, reader = context.inputs, context.folder.reader_folder
    competition, config = inputs.competition, inputs.config
    parts = []
    if inputs.validation:
        make = partial(inputs.validation.reader, competition, config, reader)
        parts.append(Part(name="validation", samples=inputs.validation.samples, make_reader=make))
    external = external_of(inputs, folds)
    if external:
        readable = [*inputs.train, *without_skipped(inputs.test, inputs.images.skipped)]

        def make_external(_reference: Sequence[Sample]) -> Reader:
            return make_reader(competition, readable, config, reader)

        parts.append(Part(name="external", samples=external, make_reader=make_external))
    return parts


def external_of(inputs: RunInputs, folds: Sequence[int]) -> list[Sample]:
    """The external samples that one of the folds does not train on because it predicts them."""
    if not inputs.config.external_folds:
        return []
    external = [sample for sample in inputs.train if EXTERNAL.match(sample.id)]
    return [sample for sample in external if held_out_apart(inputs.folds[sample.id]) in folds]


def count_apart(inputs: RunInputs, fold: int) -> int:
    """How many samples a fold predicts because they are scored apart."""
    validation = len(inputs.validation.samples) if inputs.validation else 0
    return validation + len(external_of(inputs, (fold,)))


def validation_share(inputs: RunInputs) -> float:
    """How many images `validation` has, in relation to those of the run."""
    count = len(inputs.validation.samples) if inputs.validation else 0
    return count / max(1, len(inputs.train) + len(inputs.test))


def _config(config: RunConfig, adapted: bool) -> RunConfig:
    """The configuration of the predictions. Networks need no pretrained weights: the folds have
    their own."""
    if not set(config.model) & set(ESTIMATORS):
        config = config.model_copy(update={"pretrained": False, "weights": None})
    if adapted:
        return config
    predict = config.predict.model_copy(update={"adapt": "none"})
    return config.model_copy(update={"predict": predict})


def _is_complete(file: Path, units: Sequence[Sample]) -> bool:
    return file.is_file() and {unit.id for unit in units} <= set(Predictions(file))


def scores_apart(
    context: RunContext,
    folds: Sequence[int],
    fitted: FittedDecisions | None,
    oof: Iterable[Pair],
) -> dict[str, Any]:
    """The scores of `validation` and of the external samples by name, as JSON: `score`, `low` and
    `high` (95 %, by groups), the score of each of `folds`, `scores` of the task, and what was
    scored; {} for each that a run does not have.

    Args:
        folds: those that are finished.
        oof: the out-of-fold pairs, from which class shares are estimated.
    """
    found: dict[str, Any] = {name: {} for name in NAMES}
    for part in parts_of(context, folds):
        files = {fold: part.file(context.folder.fold(fold)) for fold in folds}
        if not all(file.is_file() for file in files.values()):
            continue  # a blend has no folds of its own
        score = _score_validation if part.name == "validation" else _score_external
        found[part.name] = score(context, part, files, fitted, oof)
    return found


def _score_validation(
    context: RunContext,
    part: Part,
    files: Mapping[int, Path],
    fitted: FittedDecisions | None,
    oof: Iterable[Pair],
) -> dict[str, Any]:
    """Score the mean of the folds, with the full model if the run has one, and each fold, with the
    decisions that are submitted."""
    inputs = context.inputs
    competition, config, validation = inputs.competition, inputs.config, inputs.validation
    assert validation
    units, mean = units_of(part.samples, competition.pool), part.file(context.folder.path)
    averaged, weights = [*files.values()], [1.0] * len(files)
    if is_finished(context.folder, config):
        averaged.append(part.file(full_folder(context.folder)))
        weights.append(float(config.full))
    save_predictions(mean, average_predictions(averaged, units, weights))
    params, reader = fitted.params if fitted else (), part.make_reader(())
    more: dict[str, Any] = {}
    if config.predict.shares != "none":
        known = out_of_fold(oof, fold_of_units(context, list(files)))
        tests = read_by_fold(files, units)
        more["shares"] = reweigh_file(competition, config, known, tests, params, mean, units)

    def pairs_in(file: Path) -> Iterable[Pair]:
        return OofPairs(competition.task, partial(join_predictions, [file], units), reader)

    by_fold = {
        fold: _finite(
            competition.metric.score(_scored(competition, pairs_in(file), lambda _: params))
        )
        for fold, file in files.items()
    }
    of = {"path": str(validation.path), "split": validation.data.split}
    return of | _record(context, pairs_in(mean), lambda _: params, params, by_fold) | more


def _score_external(
    context: RunContext,
    part: Part,
    files: Mapping[int, Path],
    fitted: FittedDecisions | None,
    _oof: Iterable[Pair],
) -> dict[str, Any]:
    """Score the predictions of the folds that did not train on the samples."""
    inputs, competition = context.inputs, context.inputs.competition
    units, joined = units_of(part.samples, competition.pool), part.file(context.folder.path)
    save_predictions(joined, join_predictions([*files.values()], units))
    fold_of = {unit_of(s): held_out_apart(inputs.folds[s.id]) for s in part.samples}
    params, reader = fitted.params if fitted else (), part.make_reader(())

    def params_of(pair: Pair) -> Params:
        return fitted.by_fold[fold_of[pair.id]] if fitted else ()

    def pairs_of(ids: Sequence[Sample]) -> Iterable[Pair]:
        return OofPairs(competition.task, partial(join_predictions, [joined], ids), reader)

    by_fold = {}
    for fold in files:
        chosen = [unit for unit in units if fold_of[unit.id] == fold]
        scored = _scored(competition, pairs_of(chosen), params_of)
        by_fold[fold] = _finite(competition.metric.score(scored)) if chosen else None
    return _record(context, pairs_of(units), params_of, params, by_fold)


def _scored(
    competition: Competition, pairs: Iterable[Pair], params_of: Callable[[Pair], Params]
) -> Iterable[Pair]:
    """What the metric takes: predictions, or decisions."""
    decision = competition.task.decision
    if decision is None or competition.metric.takes == "predictions":
        return pairs
    return DecidedPairs(decision, pairs, params_of)


def _record(
    context: RunContext,
    pairs: Iterable[Pair],
    params_of: Callable[[Pair], Params],
    params: Params,
    by_fold: Mapping[int, float | None],
) -> dict[str, Any]:
    competition, seed = context.inputs.competition, context.inputs.config.seed
    scored = Repeatable(partial(_scored, competition, pairs, params_of))
    interval = score_interval(competition.metric, scored, seed)
    samples = [Sample(id=pair.id, group=pair.group) for pair in scored]
    return {
        "n": len(samples),
        "groups": len(set(group_keys(samples))),
        "score": _finite(competition.metric.score(scored)),
        "low": interval[1] if interval else None,
        "high": interval[2] if interval else None,
        "fold_scores": dict(by_fold),
        "scores": score_records(competition.task.scores(pairs, params, seed)),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
