"""The classes that are decided on the test, as run.json and prediction.json record them.

The record has `classes`, and `steps`: what was done (`as trained`, `adapted`, `re-weighted`), the
share of each class among the decisions, and how many decisions differ from those of the step
before. A run adds `out_of_fold`, the shares out of fold, `p_value` of no difference, and `advice`,
what to try if they differ; shares that are estimated add `estimate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from comp.config.model import NETWORK
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import Params, Task
from comp.inference.predictions import save_predictions
from comp.inference.share_test import LEVEL, decided_shares, shares_p_value
from comp.pipeline.adapted import unadapted_file
from comp.pipeline.class_arrays import (
    ByFold,
    OutOfFold,
    classes_of,
    decided_classes,
    decisions_of,
    rows_of,
)
from comp.pipeline.reweighted import estimate_reweighting, reweighted

AS_TRAINED, ADAPTED, REWEIGHTED = "as trained", "adapted", "re-weighted"

Steps = Mapping[str, np.ndarray]
"""What was done -> the mean test predictions after it, (M, outputs), in the order of the steps."""


def prediction_steps(
    files: Sequence[Path],
    samples: Sequence[Sample],
    final: np.ndarray,
    applied: bool,
    weights: Sequence[float] | None = None,
) -> Steps:
    """The steps from the files of the folds to the final predictions (M, outputs).

    Args:
        applied: whether the final ones are re-weighted.
        weights: of the files in their mean; None: all are equal.
    """
    unadapted = [unadapted_file(file) for file in files]
    steps: dict[str, np.ndarray] = {}
    if unadapted and all(file.is_file() for file in unadapted):
        steps[AS_TRAINED] = rows_of(unadapted, samples, weights)
    if not applied:
        return {**steps, ADAPTED if steps else AS_TRAINED: final}
    steps[ADAPTED if steps else AS_TRAINED] = rows_of(files, samples, weights)
    return {**steps, REWEIGHTED: final}


def changed_decisions(task: Task, steps: Steps, params: Params) -> list[int]:
    """How many decisions of each step differ from those of the step before; 0 of the first."""
    decided = [decisions_of(task, rows, params) for rows in steps.values()]
    return [0, *(int((one != other).any(axis=1).sum()) for one, other in pairwise(decided))]


def class_record(task: Task, steps: Steps, params: Params) -> dict[str, Any]:
    """The record of a task of exclusive classes, without what needs out-of-fold predictions."""
    count = len(task.labels)
    changed = changed_decisions(task, steps, params)
    return {
        "classes": list(task.labels),
        "steps": [
            {
                "what": what,
                "shares": decided_shares(classes_of(task, rows, params), count).tolist(),
                "changed": differ,
            }
            for (what, rows), differ in zip(steps.items(), changed, strict=True)
        ],
    }


def compared_record(task: Task, oof: OutOfFold, test: ByFold, params: Params) -> dict[str, Any]:
    """`out_of_fold` and `p_value` of the record."""
    decided, count = decided_classes(task, oof, test, params), len(task.labels)
    return {
        "out_of_fold": decided_shares(decided.held_out, count).tolist(),
        "p_value": shares_p_value(decided, count),
    }


def reweigh_file(
    competition: Competition,
    config: RunConfig,
    oof: OutOfFold,
    test: ByFold,
    params: Params,
    file: Path,
    samples: Sequence[Sample],
) -> dict[str, Any]:
    """Re-weight the mean test predictions in a file for the estimated class shares; returns the
    estimate as JSON.

    Args:
        samples: all samples or units of the file.
    """
    found = estimate_reweighting(competition, config, oof, test, params)
    if found.estimate and not found.reason:
        rows = reweighted(competition.task, rows_of([file], samples), found.estimate)
        save_predictions(file, zip(samples, rows, strict=True))
    return found.record()


def shares_advice(record: Mapping[str, Any], config: RunConfig, run_id: str) -> str:
    """What to try if the shares differ by more than chance allows; "" if they do not, or if the
    predictions are adapted already."""
    if record["p_value"] >= LEVEL or len(record["steps"]) > 1:
        return ""
    keys = ["predict.shares=em"]
    if set(config.model) == {NETWORK}:
        keys.insert(0, "predict.adapt=batchnorm")
    tries = " or ".join(f"--set {key}" for key in keys)
    return (
        f"these shares differ from those out of fold by more than chance (p = "
        f"{record['p_value']:.2g}, Fisher's exact test by groups): the test images may look "
        f"different, or have other classes; try 'comp predict {run_id}' with {tries}"
    )
