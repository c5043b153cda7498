"""What a report knows of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import history, two_classes

from comp.contract.metrics import ACCURACY


def test_predictions_and_decisions_are_in_the_order_of_the_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch, metric=ACCURACY)
    numbers = runs.add("r", predictions, folds, fit=False).numbers
    assert numbers is not None
    assert numbers.predictions[:, 0] == pytest.approx([predictions[i] for i in numbers.ids])
    assert [folds[i] for i in numbers.ids] == numbers.folds.tolist()
    assert numbers.decided is not None
    assert np.array_equal(numbers.decided, numbers.predictions >= 0.5)


def test_a_damaged_line_of_the_history_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds, histories={0: history([0.5, 0.6])})
    with (facts.folds[0].path / "history.jsonl").open("a") as stream:
        stream.write('{"step": 30, "sc')
    again = runs.add("s", predictions, folds, histories={0: history([0.5])})
    from comp.review.facts import read_facts

    assert [line["step"] for line in read_facts("r", runs.workspace).folds[0].history] == [10, 20]
    assert again.folds[1].history == []


def test_without_its_data_a_run_still_has_its_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds, data_fingerprint="another")
    assert facts.oof is None
    assert facts.numbers is None
    assert "has changed" in facts.oof_missing
    assert facts.finished


def test_what_panels_share_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    calls: list[int] = []
    for _ in range(2):
        facts.once("x", lambda: calls.append(1))
    assert calls == [1]


def test_decisions_of_predictions_that_are_not_finite_are_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", {**predictions, "s3": float("nan")}, folds, finished=False)
    assert facts.decisions is not None
    assert facts.decisions.params == (0.5,)
    assert facts.numbers is not None
    assert facts.numbers.decided is not None
    assert [i for i, d in zip(facts.numbers.ids, facts.numbers.decided, strict=True) if d != d] == [
        "s3"
    ]
