"""The verdict on a run, and what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reported import two_classes

from comp.contract.competition import Competition
from comp.contract.metrics import ACCURACY
from comp.contract.sample import Sample, Split
from comp.files import write_json
from comp.pipeline import run_samples
from comp.review.facts import read_facts
from comp.review.verdict import (
    before,
    changed_score,
    interval,
    scored_pairs,
    sent,
    verdict,
)


def test_the_verdict_has_the_score_with_its_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    found = interval(facts)
    assert found is not None
    low, high = found
    score = facts.scores["cv_score"]
    assert low <= score <= high
    assert low < high
    assert f"AUC is {score:.5f}" in str(verdict(facts))
    assert f"{low:.5f} to {high:.5f}" in str(verdict(facts))


def test_an_unfinished_run_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds, finished=False, state="running")
    assert "not finished: 2 of 2 folds" in str(verdict(facts))


def test_the_run_before_is_the_newest_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch, count=200)
    rng = np.random.default_rng(1)
    noise = {name: float(rng.random()) for name in predictions}
    runs.add("a", noise, folds, started="2026-01-01T10:00:00+00:00")
    runs.add("b", noise, folds, started="2026-01-02T10:00:00+00:00")
    newest = runs.add("c", predictions, folds, started="2026-01-03T10:00:00+00:00")
    found = before(newest)
    assert found is not None
    assert found.run_id == "b"
    assert found.difference is not None
    assert found.difference.real
    assert found.difference.value > 0.2


def test_the_data_of_both_runs_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    for number in (1, 2):
        runs.add(f"r{number}", predictions, folds, started=f"2026-01-0{number}T10:00:00+00:00")
    listed: list[str] = []
    real = run_samples.list_samples

    def count(competition: Competition, root: Path, split: Split) -> Sequence[Sample]:
        listed.append(split)
        return real(competition, root, split)

    monkeypatch.setattr(run_samples, "list_samples", count)
    facts = read_facts("r2", runs.workspace)
    found = before(facts)
    assert found is not None
    assert found.difference is not None
    assert listed == ["test"]


def test_the_first_run_has_none_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds, started="2026-01-01T10:00:00+00:00")
    assert before(facts) is None
    assert sent(facts) is None


def test_runs_of_another_time_zone_are_ordered_by_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """09:00 in Seoul is before 00:30 in London, though its text is greater."""
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    runs.add("a", predictions, folds, started="2026-01-01T09:00:00+09:00")
    facts = runs.add("b", predictions, folds, started="2026-01-01T00:30:00+00:00")
    found = before(facts)
    assert found is not None
    assert found.run_id == "a"


def test_of_two_runs_of_one_second_none_is_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    found = [
        runs.add(name, predictions, folds, started="2026-01-01T09:00:00+00:00") for name in "ab"
    ]
    assert [before(facts) for facts in found] == [None, None]


def test_a_score_that_the_predictions_do_not_have_has_no_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    assert changed_score(facts) is None
    write_json(facts.folder.scores, {**facts.scores, "cv_score": 0.123})
    changed = read_facts("r", runs.workspace)
    assert changed_score(changed) == pytest.approx(facts.scores["cv_score"])
    assert interval(changed) is None
    assert str(verdict(changed)) == "Out of fold, AUC is 0.12300."


def test_a_score_keeps_the_name_of_its_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    runs.competition = replace(runs.competition, metric=ACCURACY)
    changed = read_facts("r", runs.workspace)
    assert str(verdict(changed)) == f"Out of fold, AUC is {facts.scores['cv_score']:.5f}."


def test_pairs_of_a_run_that_diverged_can_be_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", {**predictions, "s3": float("nan")}, folds, finished=False)
    assert len(list(scored_pairs(facts))) == 40
    assert [pair.id for pair in scored_pairs(facts, ["s5", "s1"])] == ["s5", "s1"]
