"""A fold of several trainings with different seeds, whose predictions are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from comp.config.schema import RunConfig
from comp.data.units import units_of
from comp.files import make_folder
from comp.inference.predictions import average_files, join_predictions
from comp.pipeline.adapted import average_adaptations
from comp.pipeline.fold import fit_estimators, fit_fold
from comp.pipeline.fold_context import make_fold_context
from comp.pipeline.member_scores import mean_importances, member_scores
from comp.pipeline.members import member_config, read_result
from comp.pipeline.seeds import trainings
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, Silent, Step
from comp.runs.results import FoldResult
from comp.training.checkpoint import META, WEIGHTS, save_meta


def fit_seeds(
    config: RunConfig,
    fold: int,
    data: Path,
    folder: Path,
    steps: int | None = None,
    reporter: Reporter | None = None,
    seconds: float | None = None,
    fold_folder: Path | None = None,
) -> FoldResult:
    """Train one fold with each of its seeds, or resume it, and average the predictions.

    The arguments are those of `comp.pipeline.fold.fit_fold`; `steps` and `seconds` are for each
    training. Each has a folder in the fold, as `comp.pipeline.seeds` names it, and finished ones
    are not trained again. With one seed the fold is that training.
    """
    if config.seeds == 1:
        return fit_fold(config, fold, data, folder, steps, reporter, seconds, fold_folder)
    fold_folder = fold_folder or RunFolder(folder).fold(fold)
    make_folder(fold_folder)
    (fold_folder / META).unlink(missing_ok=True)
    results: list[FoldResult] = []
    for number, (one, place) in enumerate(trainings(config, fold_folder)):
        in_fold = SeedReporter(reporter or Silent(), number, config.seeds)
        results.append(
            read_result(place, one)
            or fit_fold(one, fold, data, folder, steps, in_fold, seconds, place)
        )
    return _averaged(config, fold, data, folder, fold_folder, results)


def fit_seed_estimators(
    config: RunConfig,
    fold: int,
    data: Path,
    folder: Path,
    reporter: Reporter,
    seconds: float | None = None,
    fold_folder: Path | None = None,
) -> float:
    """Fit the models of a fold that are not networks, of all seeds; returns their seconds."""
    fold_folder = fold_folder or RunFolder(folder).fold(fold)
    make_folder(fold_folder)
    results = [
        fit_estimators(one, fold, data, folder, reporter, seconds, place)
        for one, place in trainings(config, fold_folder)
    ]
    return sum(result.seconds for by_name in results for result in by_name.values())


def _averaged(
    config: RunConfig,
    fold: int,
    data: Path,
    folder: Path,
    fold_folder: Path,
    results: Sequence[FoldResult],
) -> FoldResult:
    """Average the files of the trainings of a fold, and write them and meta.json."""
    configs, places = zip(*trainings(config, fold_folder), strict=True)
    for name in _prediction_files(places):
        average_files([place / name for place in places], fold_folder / name)
    average_adaptations(places, fold_folder)
    context = make_fold_context(member_config(config, config.model[0]), fold, data, folder)
    held_out = units_of(context.held_out, context.competition.pool)
    oof = fold_folder / "oof.safetensors"
    score = context.score(partial(join_predictions, [oof], held_out))
    result = _joined(score, [one.seed for one in configs], results)
    save_meta(fold_folder, asdict(result))
    return result


def _prediction_files(places: Sequence[Path]) -> list[str]:
    """The names of the files of predictions that all folders have."""
    names = [{path.name for path in place.glob("*.safetensors")} for place in places]
    return sorted(set.intersection(*names) - {WEIGHTS})


def _joined(score: float, seeds: Sequence[int], results: Sequence[FoldResult]) -> FoldResult:
    """The result of a fold of several trainings: seconds are added up, the rest are means."""
    losses = [result.loss for result in results if result.loss is not None]
    return FoldResult(
        fold=results[0].fold,
        score=score,
        loss=fmean(losses) if losses else None,
        epoch=round(fmean(result.epoch for result in results)),
        step=round(fmean(result.step for result in results)),
        steps=round(fmean(result.steps for result in results)),
        planned=round(fmean(result.planned for result in results)),
        stopped_early=any(result.stopped_early for result in results),
        setup_s=sum(result.setup_s for result in results),
        fit_s=sum(result.fit_s for result in results),
        predict_s=sum(result.predict_s for result in results),
        validate_s=sum(result.validate_s for result in results),
        images_per_second=fmean(result.images_per_second for result in results),
        wait_share=fmean(result.wait_share for result in results),
        halved=any(result.halved for result in results),
        estimate_s=sum(result.estimate_s for result in results),
        averaged=round(fmean(result.averaged for result in results)),
        members=_members(results),
        importances=mean_importances(results),
        replanned={"planned": results[0].planned_first}
        if any(result.replanned for result in results)
        else {},
        seeds=[
            {"seed": seed, "score": r.score, "steps": r.steps, "seconds": r.seconds}
            for seed, r in zip(seeds, results, strict=True)
        ],
    )


def _members(results: Sequence[FoldResult]) -> list[Mapping[str, Any]]:
    """The models of a blend: the mean score and weight over the trainings, and all seconds."""
    scores = member_scores(results)
    listed = [member for result in results for member in result.members]
    return [
        {
            "name": name,
            **scores[name],
            "seconds": sum(m["seconds"] for m in listed if m["name"] == name),
            "steps": round(fmean(m["steps"] for m in listed if m["name"] == name)),
        }
        for name in scores
    ]


@dataclass(frozen=True)
class SeedReporter:
    """Reports one of several trainings of a fold: its steps are a part of those of the fold.

    `number` counts from 0.
    """

    reporter: Reporter
    number: int
    count: int

    def step(self, step: Step) -> None:
        """Report the progress in the fold."""
        done = self.number * step.steps + step.step
        part = f"seed {self.number + 1} of {self.count}  {step.part}".rstrip()
        self.reporter.step(replace(step, step=done, steps=self.count * step.steps, part=part))

    def note(self, text: str) -> None:
        """Report a message with the number of the training."""
        self.reporter.note(f"seed {self.number + 1} of {self.count}, {text}")

    def __getattr__(self, name: str) -> Any:
        """The other methods are those of the reporter."""
        return getattr(self.reporter, name)
