"""Blends the models of a fold: weights that are fitted out of fold, and importances of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from comp.config.schema import RunConfig
from comp.contract.sample import Sample
from comp.data.groups import group_keys
from comp.data.units import units_of
from comp.errors import RunError
from comp.estimators.blend import blend_weights
from comp.inference.oof import read_target
from comp.inference.predictions import join_predictions, save_predictions
from comp.pipeline.column_importances import with_importances
from comp.pipeline.fold_context import FoldContext, fold_seed, make_fold_context
from comp.pipeline.members import member_config, member_folder, stacked, weighted_mean
from comp.runs.results import FoldResult
from comp.training.checkpoint import META, load_meta, save_meta

Weights = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Blend:
    """The held-out predictions of a fold (N, K), and the weights of its models for the test set."""

    held_out: np.ndarray
    weights: Weights


def blend_members(
    config: RunConfig,
    fold: int,
    data: Path,
    folder: Path,
    fold_folder: Path,
    results: Mapping[str, FoldResult],
) -> FoldResult:
    """Blend the predictions of the models of a fold, and write them and meta.json.

    The weights of one half of the held-out groups are fitted on the other half, so that the score
    is honest. Those of the test set are fitted on all held-out samples.

    Args:
        folder: the run's folder.
        fold_folder: has a folder for each model, and gets the files of the blend.
        results: of each model, in the order in which they were trained.
    """
    context = make_fold_context(member_config(config, config.model[0]), fold, data, folder)
    pool = context.competition.pool
    held_out, test = units_of(context.held_out, pool), units_of(context.test, pool)
    folders = {name: member_folder(fold_folder, config, name) for name in config.model}
    if held_out:
        blend = _blend(context, held_out, [folders[name] for name in config.model])
    else:
        blend = _blend_of_folds(config, folder)
    oof = fold_folder / "oof.safetensors"
    predicted = save_predictions(oof, zip(held_out, blend.held_out, strict=True))
    score = context.score(partial(join_predictions, [oof], predicted))
    tests = [stacked(path / "test.safetensors", test) for path in folders.values()]
    mean = weighted_mean(tests, blend.weights)
    save_predictions(fold_folder / "test.safetensors", zip(test, mean, strict=True))
    weights = dict(zip(map(str, config.model), blend.weights, strict=True))
    result = _joined(fold, score, results, weights)
    result = with_importances(result, context, config, fold_folder, weights)
    save_meta(fold_folder, asdict(result))
    return result


def _blend(context: FoldContext, held_out: Sequence[Sample], folders: Sequence[Path]) -> Blend:
    """The weights of the models, whose predictions are in `folders`."""
    task, metric = context.competition.task, context.competition.metric
    targets = np.stack([read_target(task, sample, context.reader) for sample in held_out])
    predictions = [stacked(path / "oof.safetensors", held_out) for path in folders]
    groups = group_keys(held_out)
    seed = fold_seed(context.config.seed, context.fold)
    known = None if metric.takes == "decisions" else metric

    def fitted(rows: np.ndarray) -> Weights:
        if not rows.any():
            return (1 / len(folders),) * len(folders)
        chosen = [group for group, used in zip(groups, rows, strict=True) if used]
        return blend_weights(targets[rows], [p[rows] for p in predictions], known, chosen, seed)

    first = _first_half(groups, seed)
    blended = np.empty_like(predictions[0])
    for half in (first, ~first):
        blended[half] = weighted_mean([p[half] for p in predictions], fitted(~half))
    return Blend(held_out=blended, weights=fitted(np.ones(len(held_out), dtype=bool)))


def _blend_of_folds(config: RunConfig, folder: Path) -> Blend:
    """The mean weights of the folds of a run, for a training that holds nothing out.

    Raises:
        RunError: no fold is finished.
    """
    metas = [load_meta(path.parent) or {} for path in sorted(folder.glob(f"fold-*/{META}"))]
    found = [{m["name"]: m["weight"] for m in meta.get("members") or ()} for meta in metas]
    if not found or any(set(weights) != set(config.model) for weights in found):
        raise RunError(f"{folder} has no weights of {', '.join(config.model)}: train its folds")
    means = tuple(fmean(weights[name] for weights in found) for name in config.model)
    return Blend(held_out=np.empty((0, 0), dtype=np.float32), weights=means)


def _first_half(groups: Sequence[str], seed: int) -> np.ndarray:
    """Which rows are in the first half of the groups, in a random order; bool (N,)."""
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    chosen = {names[index] for index in order[: len(names) // 2]}
    return np.array([group in chosen for group in groups], dtype=bool)


def _joined(
    fold: int, score: float, results: Mapping[str, FoldResult], weights: Mapping[str, float]
) -> FoldResult:
    """The result of a fold of several models: seconds are added up; steps are those of a network,
    or of the first model if there is no network."""
    networks = [result for result in results.values() if not result.estimate_s]
    lead = networks[0] if networks else next(iter(results.values()))
    members: list[dict[str, Any]] = [
        {
            "name": name,
            "score": results[name].score,
            "weight": weight,
            "seconds": results[name].seconds,
            "steps": results[name].steps,
        }
        for name, weight in weights.items()
    ]
    return replace(
        lead,
        fold=fold,
        score=score,
        estimator={},
        members=members,
        **{
            name: sum(getattr(result, name) for result in results.values())
            for name in ("setup_s", "fit_s", "estimate_s", "predict_s", "validate_s")
        },
    )
