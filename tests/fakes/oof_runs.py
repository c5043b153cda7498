"""Runs on disk with out-of-fold predictions that the test makes, without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import toy

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.fingerprint import fingerprint
from comp.data.folds import write_folds
from comp.data.units import units_of
from comp.files import write_json
from comp.inference.decisions import FittedDecisions, fit_decisions, honest_score
from comp.inference.oof import OofPairs
from comp.inference.predictions import save_predictions
from comp.workspace import Workspace


class OofRuns:
    """A workspace of one competition named "toy", whose samples the test gives.

    Args:
        samples: the training samples.
        test: the test samples.
    """

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        samples: Sequence[Sample],
        test: Sequence[Sample] = (),
        **fields: Any,
    ) -> None:
        self.data = {folder / "data": list(samples)}
        self.test = list(test)
        self.competition: Competition = toy(**fields, samples=self._samples)
        self.workspace = Workspace.at(folder)
        monkeypatch.setattr(registry, "competitions", lambda: {"toy": self.competition})

    def _samples(self, root: Path, split: str) -> Sequence[Sample]:
        return self.data[root] if split == "train" else self.test

    def write(
        self,
        run_id: str,
        predictions: Mapping[str, np.ndarray | float],
        folds: Mapping[str, int],
        *,
        finished: bool = True,
        data: str = "data",
        test: Mapping[str, np.ndarray | float] | None = None,
        fit: bool = True,
        **record: Any,
    ) -> None:
        """Write a run with the predictions of some samples, in any order.

        Args:
            fit: fit its decisions; else they have the default parameters, which is faster.
        """
        folder, root = self.workspace.runs("toy") / run_id, self.workspace.root / data
        root.mkdir(exist_ok=True)
        folder.mkdir(parents=True)
        samples = self.data[root]
        write_folds(folder / "folds.csv", samples, dict(folds))
        units = {s.id: s for s in units_of(samples, self.competition.pool)}
        found = {name: as_array(values) for name, values in predictions.items()}
        save_predictions(folder / "oof.safetensors", [(units[name], found[name]) for name in found])
        if test is not None:
            arrays = {name: as_array(values) for name, values in test.items()}
            rows = [(sample, arrays[sample.id]) for sample in self.test if sample.id in arrays]
            save_predictions(folder / "test.safetensors", rows)
        trained = sorted({fold for fold in folds.values() if fold >= 0})
        values: dict[str, Any] = {
            "run_id": run_id,
            "competition": "toy",
            "config": {"folds": max(2, len(trained))},
            "data": str(root),
            "synthetic": False,
            "data_fingerprint": fingerprint([*samples, *self.test]),
            "state": "finished" if finished else "interrupted",
            "folds": trained,
            "started": f"2024-05-0{len(list(folder.parent.iterdir()))}T10:00:00+00:00",
        }
        write_json(folder / "run.json", values | record)
        if finished:
            make, task = self.competition.reader, self.competition.task
            reader = make(samples, RunConfig(competition="toy"), folder) if make else None
            pairs = OofPairs(task, lambda: ((units[n], found[n]) for n in found), reader)
            fold_of = {name: folds[name] for name in found}
            decision = self.competition.task.decision
            fitted = None
            if fit:
                fitted = fit_decisions(self.competition, pairs, fold_of, 0)
            elif decision:
                fitted = FittedDecisions(
                    names=decision.names,
                    params=decision.default,
                    by_fold=dict.fromkeys(trained, decision.default),
                )
            card = {
                "metric": self.competition.metric.name,
                "direction": self.competition.metric.direction,
                "cv_score": honest_score(self.competition, pairs, fitted, fold_of),
                "decision": asdict(fitted) if fitted and fitted.names else None,
            }
            write_json(folder / "scores.json", card)

    def change_target(self, data: str, index: int, **fields: Any) -> None:
        """Change a sample of a data folder."""
        samples = self.data[self.workspace.root / data]
        samples[index] = replace(samples[index], **fields)


def as_array(values: np.ndarray | float) -> np.ndarray:
    """A prediction, float32 (K,) or (H, W, K)."""
    return np.atleast_1d(np.asarray(values, dtype=np.float32))
