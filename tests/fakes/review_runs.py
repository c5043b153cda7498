"""Runs with predictions, curves and times that the test gives, as the facts of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oof_runs import OofRuns

from comp.contract.metrics import ACCURACY
from comp.contract.sample import Sample
from comp.files import make_folder, read_json, write_json
from comp.review.facts import RunFacts, read_facts
from comp.runs.results import FoldResult
from comp.training.history import append_history

FOLDS = 3
RUN = "20240501-100000-abcdef"


class ReviewRun:
    """A run "toy" of N samples, whose sample i is in fold i % 3, or where `folds` says.

    Args:
        targets: of the training samples.
        predictions: (N,) or (N, K), out of fold.
        test: how many test samples there are.
        fit: fit the decisions; else they have the default parameters.
    """

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        targets: Sequence[Any],
        predictions: np.ndarray,
        *,
        folds: Sequence[int] | None = None,
        groups: Sequence[str | None] | None = None,
        test: int = 0,
        fit: bool = False,
        record: Mapping[str, Any] | None = None,
        finished: bool = True,
        **fields: Any,
    ) -> None:
        self.ids = [f"s{row}" for row in range(len(targets))]
        named = groups or [None] * len(targets)
        samples = [
            Sample(id=name, target=target, group=group)
            for name, target, group in zip(self.ids, targets, named, strict=True)
        ]
        tests = [Sample(id=f"t{row}") for row in range(test)]
        base = {"classes": ("a", "b"), "metric": ACCURACY}
        self.runs = OofRuns(folder, monkeypatch, samples, tests, **base | fields)
        self.workspace = self.runs.workspace
        chosen = folds if folds is not None else [row % FOLDS for row in range(len(targets))]
        self.runs.write(
            RUN,
            dict(zip(self.ids, predictions, strict=True)),
            dict(zip(self.ids, chosen, strict=True)),
            fit=fit,
            finished=finished,
            **dict(record or {}),
        )
        self.folder = self.workspace.runs("toy") / RUN

    def curves(
        self, scores: Sequence[Sequence[float]], losses: Sequence[Sequence[float]], **config: Any
    ) -> ReviewRun:
        """Write the curves of the folds, a validation every 10 steps and epochs."""
        for fold, (row, loss) in enumerate(zip(scores, losses, strict=True)):
            self.fold(fold)
            for index, (score, value) in enumerate(zip(row, loss, strict=True)):
                line = {"step": 10 * index + 10, "epoch": 10.0 * index + 10, "loss": value}
                path = self.folder / f"fold-{fold}" / "history.jsonl"
                append_history(path, line | {"lr": 0.001, "score": score, "seconds": 1.0})
        return self.config(**config) if config else self

    def fold(self, fold: int, **values: Any) -> ReviewRun:
        """Write meta.json of a fold."""
        base: dict[str, Any] = {"score": 0.5, "loss": 0.5, "epoch": 1, "step": 10, "steps": 10}
        base |= {"planned": 10, "stopped_early": False, "setup_s": 0.0, "fit_s": 10.0}
        base |= {"predict_s": 0.0, "validate_s": 0.0, "images_per_second": 1.0, "wait_share": 0.0}
        result = FoldResult(fold=fold, **base | values)
        make_folder(self.folder / f"fold-{fold}", parents=True)
        write_json(self.folder / f"fold-{fold}" / "meta.json", asdict(result))
        return self

    def config(self, **keys: Any) -> ReviewRun:
        """Set keys of the configuration in run.json, sections as dictionaries."""
        record = read_json(self.folder / "run.json")
        return self.record(config=record["config"] | keys)

    def record(self, **values: Any) -> ReviewRun:
        """Set values of run.json."""
        path = self.folder / "run.json"
        write_json(path, read_json(path) | values)
        return self

    def facts(self) -> RunFacts:
        """What a report knows of the run."""
        return read_facts(RUN, self.workspace)


def chances(truth: np.ndarray, sharpness: float = 2.5, seed: int = 0) -> np.ndarray:
    """Calibrated-looking probabilities of class 1, the more right the sharper: float (N,)."""
    logits = sharpness * (2 * truth - 1) + np.random.default_rng(seed).normal(size=len(truth))
    return np.asarray(1 / (1 + np.exp(-logits)))


def calibrated(count: int, seed: int = 0, spread: float = 2.5) -> tuple[np.ndarray, np.ndarray]:
    """(truth, probabilities of class 1): the truth happens with exactly this probability."""
    rng = np.random.default_rng(seed)
    probabilities = 1 / (1 + np.exp(-spread * rng.normal(size=count)))
    return (rng.random(count) < probabilities).astype(np.int64), probabilities
