"""Runs whose report can be made without training: predictions and files that the test gives."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from oof_runs import OofRuns

from comp.config.schema import resolve
from comp.contract.metrics import AUC
from comp.contract.sample import Sample
from comp.files import write_json
from comp.inference.decisions import PairsOfFolds
from comp.page.blocks import Block, Figure, Notice, Page, Panel, Paragraph, Table
from comp.page.words import Say
from comp.pipeline.seed_scores import deviation
from comp.review.facts import RunFacts, read_facts
from comp.review.verdict import scored_pairs
from comp.tasks.binary import binary

META: Mapping[str, Any] = {
    "score": 0.9, "loss": 0.3, "epoch": 2, "step": 40, "steps": 40, "planned": 40,
    "stopped_early": False, "setup_s": 1.0, "fit_s": 10.0, "predict_s": 2.0, "validate_s": 1.0,
    "images_per_second": 100.0, "wait_share": 0.1, "estimate_s": 0.0,
}  # fmt: skip


class ReportedRuns(OofRuns):
    """A workspace of a competition of two classes, whose runs have all files of a report."""

    def add(
        self,
        run_id: str,
        predictions: Mapping[str, np.ndarray | float],
        folds: Mapping[str, int],
        *,
        histories: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
        metas: Mapping[int, Mapping[str, Any]] | None = None,
        keys: Mapping[str, Any] | None = None,
        **record: Any,
    ) -> RunFacts:
        """Write a run and read its facts.

        Args:
            histories: lines of history.jsonl by fold.
            metas: what differs from `META` by fold.
            keys: configuration of the run.
        """
        numbers = sorted({fold for fold in folds.values() if fold >= 0})
        config = resolve("toy", [keys or {}]).model_dump(mode="json")
        self.write(run_id, predictions, folds, **{"config": config, **record})
        for fold in numbers:
            folder = self.workspace.runs("toy") / run_id / f"fold-{fold}"
            folder.mkdir()
            meta = {**META, "fold": fold, **(metas or {}).get(fold, {})}
            (folder / "meta.json").write_text(json.dumps(meta))
            lines = (histories or {}).get(fold, ())
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (folder / "history.jsonl").write_text(text)
        self._add_fold_scores(read_facts(run_id, self.workspace))
        return read_facts(run_id, self.workspace)

    def _add_fold_scores(self, facts: RunFacts) -> None:
        """Add to scores.json what a run writes beside the score of all samples."""
        if facts.oof is None or not facts.finished:
            return
        pairs, fold_of = scored_pairs(facts), facts.oof.fold_of
        scores = {
            fold: facts.metric.score(PairsOfFolds(pairs, fold_of, fold.__eq__))
            for fold in sorted(set(fold_of.values()))
        }
        more = {
            "fold_scores": {str(fold): score for fold, score in scores.items()},
            "mean": statistics.fmean(scores.values()),
            "std": deviation(list(scores.values())),
            "standing": facts.metric.nearest_medals(facts.scores["cv_score"]),
            "seconds": float(facts.record.get("seconds") or 30.0),
        }
        write_json(facts.folder.scores, {**facts.scores, **more})


def history(scores: Sequence[float], losses: Sequence[float] | None = None) -> list[dict[str, Any]]:
    """A line every 10 steps."""
    found = losses or [1.0 / (index + 1) for index in range(len(scores))]
    return [
        {"step": 10 * (i + 1), "epoch": i + 1, "loss": loss, "lr": 1e-3, "score": score}
        for i, (score, loss) in enumerate(zip(scores, found, strict=True))
    ]


def two_classes(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, count: int = 40, **fields: Any
) -> tuple[ReportedRuns, dict[str, float], dict[str, int]]:
    """Runs over samples s0, s1, ... of alternating classes, with good predictions and two folds."""
    samples = [Sample(id=f"s{i}", target=i % 2) for i in range(count)]
    given = {"task": binary(("no", "yes")), "metric": AUC} | fields
    runs = ReportedRuns(tmp_path, monkeypatch, samples, **given)
    rng = np.random.default_rng(0)
    predictions = {
        s.id: float(np.clip(0.25 + 0.5 * (i % 2) + 0.2 * rng.standard_normal(), 0.01, 0.99))
        for i, s in enumerate(samples)
    }
    return runs, predictions, {s.id: (i // 2) % 2 for i, s in enumerate(samples)}


def texts(found: Panel | Page | Sequence[Block]) -> str:
    """All words of a panel or of blocks in English, a line each."""
    return "\n".join(_texts(found))


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, Say | str):
        yield str(found)
    elif isinstance(found, Mapping):
        yield from (text for value in found.values() for text in _texts(value))
    elif isinstance(found, Sequence):
        yield from (text for value in found for text in _texts(value))
    elif isinstance(found, Panel | Page | Paragraph | Table | Figure | Notice) or hasattr(
        found, "__dataclass_fields__"
    ):
        yield from (text for name in vars(found) for text in _texts(vars(found)[name]))
    elif isinstance(found, int | float):
        yield f"{found:g}"
