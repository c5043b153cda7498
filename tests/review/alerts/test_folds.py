"""Folds that disagree beyond chance, that were left out, or that are alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from review_runs import ReviewRun, chances

from comp.contract.metrics import ACCURACY, AUC
from comp.review.alerts.folds import FOLDS_DISAGREE, FOLDS_MISSING, ONE_FOLD
from comp.review.evidence.fold_spread import fold_spread, welch

TRUTH = np.arange(300) % 2
FOLDS = [row // 2 % 3 for row in range(300)]
DEFAULTS: dict[str, Any] = {"folds": FOLDS, "metric": ACCURACY}


def one_bad_fold(wrong: float) -> np.ndarray:
    """Right probabilities, but in fold 1 a part is wrong."""
    rng, found = np.random.default_rng(0), chances(TRUTH, 6.0)
    flipped = (np.array(FOLDS) == 1) & (rng.random(300) < wrong)
    return np.where(flipped, 1 - found, found)


def test_a_fold_with_other_samples_disagrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, one_bad_fold(0.3), **DEFAULTS)
    notice = FOLDS_DISAGREE.notice(run.facts())
    assert notice
    assert str(notice.text).startswith("Fold 1 has accuracy 0.7")
    assert notice.command == f"comp run toy --repeat {run.folder.name} --set fold_seed=1"


@pytest.mark.parametrize("keys", [{"scheme": "time"}, {"folds_csv": "folds.csv"}])
def test_folds_that_are_not_drawn_have_no_other_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, str]
) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, one_bad_fold(0.3), **DEFAULTS).config(**keys)
    notice = FOLDS_DISAGREE.notice(run.facts())
    assert notice
    assert notice.command == ""
    assert "seed" not in str(notice.remedy)


def test_folds_that_saw_a_part_of_their_samples_prove_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, one_bad_fold(0.3), **DEFAULTS)
    run.curves([[0.6]] * 3, [[0.5]] * 3)
    assert FOLDS_DISAGREE.notice(run.facts())
    for path in run.folder.glob("fold-*/history.jsonl"):
        path.write_text(path.read_text().replace('"epoch": 10.0', '"epoch": 0.4'))
    assert FOLDS_DISAGREE.notice(run.facts()) is None


def test_folds_that_differ_by_chance_do_not_disagree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH, 1.0), **DEFAULTS)
    assert FOLDS_DISAGREE.notice(run.facts()) is None


def test_similar_samples_of_few_groups_prove_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bad fold has the same errors, but in six groups that are right or wrong as a whole."""
    groups = [f"fold {FOLDS[row]} group {row // 6 % 6}" for row in range(300)]
    lucky = np.array(["fold 1 group 2" in name or "fold 1 group 4" in name for name in groups])
    found = np.where(lucky, 1 - chances(TRUTH, 6.0), chances(TRUTH, 6.0))
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, found, groups=groups, **DEFAULTS)
    assert FOLDS_DISAGREE.notice(run.facts()) is None


def test_a_small_difference_is_not_worth_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = np.arange(9000) % 2
    folds = [row // 2 % 3 for row in range(9000)]
    wrong = np.zeros(9000, dtype=bool)
    for fold, every in enumerate((20, 14, 20)):  # 5 % and 7 % errors
        wrong[np.flatnonzero(np.array(folds) == fold)[::every]] = True
    found = np.where(wrong, 1 - truth, truth) * 0.8 + 0.1
    run = ReviewRun(tmp_path, monkeypatch, truth, found, folds=folds, metric=ACCURACY)
    facts = run.facts()
    spread = fold_spread(facts)
    assert spread
    assert spread.p_value < 0.01
    assert FOLDS_DISAGREE.notice(facts) is None


def test_welch_holds_its_level() -> None:
    """Equal means with unequal variances and sizes: about 1 % of the p-values are below 0.01."""
    rng, below, sizes = np.random.default_rng(0), 0, np.array([8, 20, 60])
    for _ in range(2000):
        rows = [rng.normal(0, sd, n) for sd, n in zip((3, 1, 2), sizes, strict=True)]
        means = np.array([row.mean() for row in rows])
        found = welch(means, np.array([row.var(ddof=1) / len(row) for row in rows]), sizes)
        assert found
        below += found[0] < 0.01
    assert below <= 30  # 20 are expected


def test_folds_that_the_budget_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH), metric=AUC)
    assert FOLDS_MISSING.notice(run.config(folds=3).facts()) is None
    notice = FOLDS_MISSING.notice(run.config(folds=5).fold(0).fold(1).fold(2).facts())
    assert notice
    assert "Only 3 of 5 folds" in str(notice.text)
    assert notice.command == f"comp resume {run.folder.name} --folds rest"


def test_one_fold_has_decisions_without_an_honest_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = ReviewRun(tmp_path, monkeypatch, TRUTH, 0.4 * chances(TRUTH), folds=[0] * 300, fit=True)
    notice = ONE_FOLD.notice(alone.facts())
    assert notice
    assert notice.tone == "plain"


def test_one_fold_whose_decisions_are_the_default_has_an_honest_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH), folds=[0] * 300)
    assert ONE_FOLD.notice(alone.facts()) is None


@pytest.mark.parametrize("metric", [ACCURACY, AUC])
def test_several_folds_or_no_decisions_do_not_need_it(
    metric: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folds = [0] * 300 if metric is AUC else FOLDS
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH), folds=folds, metric=metric)
    assert ONE_FOLD.notice(run.facts()) is None
