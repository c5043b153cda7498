"""Test predictions that are re-weighted for estimated class shares, and when they are not.

The metric decides: the out-of-fold predictions are drawn so that their classes have the estimated
shares, and re-weighting must not make their score worse. So accuracy gets the new shares, while
balanced accuracy, which does not depend on the shares, keeps the decisions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.metric import Pair
from comp.contract.task import Params, Task
from comp.errors import ConfigError
from comp.inference.class_shares import (
    LEAST,
    NoEstimateError,
    ShareEstimate,
    estimate_shares,
    keep_order,
    reweigh,
)
from comp.inference.oof import score
from comp.pipeline.class_arrays import ByFold, OutOfFold, exclusive_of, shares_input


@dataclass(frozen=True, kw_only=True)
class Reweighting:
    """An estimate of the class shares of the test, and why the predictions are not re-weighted for
    it, "" if they are. `estimate` is None if there is none."""

    estimate: ShareEstimate | None
    reason: str

    def record(self) -> dict[str, Any]:
        """The estimate as JSON, with `applied` and `reason`."""
        found = asdict(self.estimate) if self.estimate else {}
        fields = {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}
        return {**fields, "applied": not self.reason, "reason": self.reason}


def check_shares(competition: Competition, config: RunConfig, samples: int) -> None:
    """Check that class shares can be estimated, if the configuration says so.

    Args:
        samples: test samples, or units if the competition pools.

    Raises:
        ConfigError: classes do not exclude each other, or there are too few samples.
    """
    how = config.predict.shares
    if how == "none":
        return
    if competition.task.exclusive is None:
        raise ConfigError(
            f"predict.shares = {how} needs classes that exclude each other, but "
            f"{competition.name} predicts {competition.task.kind}: set predict.shares=none"
        )
    if samples < LEAST:
        raise ConfigError(
            f"predict.shares = {how} needs {LEAST} or more test samples, but {samples} "
            f"{'is' if samples == 1 else 'are'} given: set predict.shares=none"
        )


def estimate_reweighting(
    competition: Competition, config: RunConfig, oof: OutOfFold, test: ByFold, params: Params
) -> Reweighting:
    """Estimate the class shares as `predict.shares` says, and whether to use them."""
    how = config.predict.shares
    assert how != "none"
    try:
        estimate = estimate_shares(how, shares_input(competition.task, oof, test, params))
    except NoEstimateError as error:
        return Reweighting(estimate=None, reason=str(error))
    before, after = _scores(competition, oof, estimate, params)
    metric = competition.metric
    if metric.better(before, after):
        reason = (
            f"{metric.name} of the out-of-fold predictions at these shares would be "
            f"{after:.5f} instead of {before:.5f}"
        )
        return Reweighting(estimate=estimate, reason=reason)
    return Reweighting(estimate=estimate, reason="")


def _scores(
    competition: Competition, oof: OutOfFold, estimate: ShareEstimate, params: Params
) -> tuple[float, float]:
    """The metric at the estimated shares, without and with re-weighting."""
    rows = rows_with_shares(oof.targets, np.array(estimate.test))
    before = oof.predictions[rows]
    after = reweighted(competition.task, before, estimate)
    targets = oof.targets[rows].astype(np.float32)[:, None]
    groups = [oof.groups[row] for row in rows.tolist()]
    names = [str(number) for number in range(len(rows))]
    first, second = (
        score(
            competition,
            [Pair(*pair) for pair in zip(targets, part, names, groups, strict=True)],
            params,
        )
        for part in (before, after)
    )
    return first, second


def rows_with_shares(targets: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """As many rows as there are targets (N,), whose classes have the shares (K,): evenly spaced
    rows of each class, several times if it has too few; int, rising."""
    chosen = []
    for index, share in enumerate(shares.tolist()):
        rows, count = np.flatnonzero(targets == index), round(share * len(targets))
        chosen.append(rows[np.arange(count) * len(rows) // max(1, count)])
    return np.sort(np.concatenate(chosen))


def reweighted(task: Task, predictions: np.ndarray, estimate: ShareEstimate) -> np.ndarray:
    """Predictions (N, outputs) for the estimated shares, float32. Single numbers keep their
    order."""
    exclusive = exclusive_of(task)
    shares = reweigh(exclusive.probabilities(predictions), estimate, len(predictions))
    changed = exclusive.predictions(shares)
    if changed.shape[1] == 1:
        changed = keep_order(predictions[:, 0].astype(np.float32), changed[:, 0])[:, None]
    return changed
