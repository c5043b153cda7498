"""Out-of-fold scores against a leaderboard: agreement, noise, and the verdict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oof_runs import OofRuns

from comp.contract.metrics import ACCURACY, RMSE
from comp.contract.sample import Sample
from comp.pipeline.trust import agreements, trust
from comp.runs.trust import ScoredSubmission, Trust
from comp.submission.ledger import Ledger

N = 300
IDS = [f"s{row}" for row in range(N)]
FOLDS = {name: row % 3 for row, name in enumerate(IDS)}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comp.pipeline.trust.DRAWS", 100)


def a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> OofRuns:
    """A workspace of 300 samples of two classes, and a test of 200."""
    samples = [Sample(id=name, target=float(row % 2)) for row, name in enumerate(IDS)]
    test = [Sample(id=f"t{row}") for row in range(200)]
    fields = {"classes": ("no", "yes"), "metric": ACCURACY} | fields
    return OofRuns(tmp_path, monkeypatch, samples, test, **fields)


def add(
    runs: OofRuns,
    run_id: str,
    wrong: Sequence[int],
    public: float,
    private: str = "",
    **record: Any,
) -> None:
    """A run whose decisions are wrong for some samples, with a public score."""
    chances = {
        name: 0.9 if (row % 2 == 1) != (row in wrong) else 0.1 for row, name in enumerate(IDS)
    }
    runs.write(run_id, chances, FOLDS, fit=False, **record)
    submit(runs, run_id, public, private)


def submit(
    runs: OofRuns, run_id: str | None, public: float, private: str = "", **facts: Any
) -> None:
    ledger = Ledger(runs.workspace.ledger)
    tag = f"comp:{len(list(ledger.events()))}"
    ledger.append("intent", tag, "toy", run_id=run_id, **facts)
    ledger.append("scored", tag, "toy", public=str(public), private=private)


def found(runs: OofRuns, **options: Any) -> Trust:
    result = trust(runs.competition, runs.workspace, **options)
    json.dumps(asdict(result))
    return result


def test_scores_over_other_folds_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = a_workspace(tmp_path, monkeypatch)
    add(runs, "a1", range(30), 0.88)
    add(runs, "b1", range(15, 51), 0.90)
    assert found(runs).notes == []
    chances = {name: 0.9 if row % 2 else 0.1 for row, name in enumerate(IDS)}
    runs.write("c1", chances, {name: row // 100 for row, name in enumerate(IDS)}, fit=False)
    submit(runs, "c1", 0.89)
    (note,) = found(runs).notes
    assert note.startswith("these runs have 2 splits into folds")


def test_two_close_submissions_cannot_be_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = a_workspace(tmp_path, monkeypatch)
    add(runs, "a1", range(30), 0.88)
    add(runs, "b1", range(15, 51), 0.90)
    result = found(runs)
    assert [one.run_id for one in result.submissions] == ["b1", "a1"]
    assert (result.test_samples, result.public_samples, result.share_assumed) == (200, 60, True)
    (difference,) = result.differences
    assert (difference.paired, difference.real) == (True, False)
    # 15 and 21 of 300 samples differ: the variance of one is 0.12 - 0.02^2
    assert difference.noise == pytest.approx((0.1196 / 60) ** 0.5, rel=0.25)
    assert result.words[0] == (
        "the public test cannot tell these two apart: trust the folds, which prefer a1"
    )
    assert "2 submissions are too few for a rank correlation" in result.words[1]
    assert result.words[1].startswith("OOF equals the public score on average")
    assert "60 of 200 samples (30%, which is assumed: give --share)" in result.words[2]


def test_a_pair_on_the_same_samples_is_less_noisy_than_each_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = a_workspace(tmp_path, monkeypatch)
    add(runs, "a1", range(60), 0.80)
    add(runs, "b1", range(66), 0.78)
    (difference,) = found(runs, share=1.0).differences
    (first, second) = found(runs, share=1.0).submissions
    assert difference.noise is not None
    assert difference.noise < 0.5 * min(first.noise or 0, second.noise or 0)


def test_a_contradiction_beyond_the_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = a_workspace(tmp_path, monkeypatch)
    add(runs, "a1", range(15), 0.60)
    add(runs, "b1", range(60), 0.95)
    result = found(runs, share=1.0)
    assert result.differences[0].contradicts
    assert result.words[0].startswith("do not trust the folds alone: in 1 of 1 differences")
    assert not result.share_assumed


def test_agreement_beyond_the_noise_with_private_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = a_workspace(tmp_path, monkeypatch)
    for number, name in enumerate("abcde"):
        oof = 1 - (10 + 30 * number) / N
        add(runs, f"{name}1", range(10 + 30 * number), oof - 0.02, str(oof - 0.03))
    result = found(runs, share=1.0)
    public, private = result.agreements
    assert (public.n, public.rank_correlation) == (5, pytest.approx(1))
    assert public.p_value == pytest.approx(2 / 120)
    assert (public.mean_difference, private.mean_difference) == pytest.approx((0.02, 0.03))
    assert public.spread == pytest.approx(0, abs=1e-9)
    assert result.words[0].startswith("trust the folds: they agree with all 4 public differences")
    assert "OOF is 0.02000 better than the public score on average" in result.words[1]


def test_an_error_that_is_larger_out_of_fold_is_worse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toys import values

    runs = a_workspace(tmp_path, monkeypatch, classes=(), task=values(), metric=RMSE)
    add(runs, "a1", range(10), 0.1)
    add(runs, "b1", range(60), 0.3)
    result = found(runs)
    assert [one.run_id for one in result.submissions] == ["a1", "b1"]
    assert "worse than the public score" in result.words[1]


def test_what_cannot_be_compared_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = a_workspace(tmp_path, monkeypatch)
    add(runs, "a1", range(30), 0.85)
    submit(runs, "a1", 0.88)  # again: the last one counts
    add(runs, "b1", range(30), 0.9, synthetic=True)
    add(runs, "c1", range(30), 0.9, config={"folds": 5})
    submit(runs, None, 0.91)
    submit(runs, "gone", 0.91)
    submit(runs, "gone too", 0.70, cv_score=0.75, metric="accuracy")
    submit(runs, "another metric", 0.70, cv_score=0.75, metric="AUC")
    result = found(runs)
    assert [(one.run_id, one.public, one.oof) for one in result.submissions] == [
        ("a1", 0.88, pytest.approx(0.9)),
        ("gone too", 0.7, 0.75),
    ]
    assert dict(result.skipped) == {
        "are of a run that was submitted again": 1,
        "are of runs on synthetic data": 1,
        "are of runs over some folds only": 1,
        "are not of a run": 1,
        "are of runs without an out-of-fold score": 1,
        "are of runs with another metric": 1,
    }
    (difference,) = result.differences
    alone = result.submissions[0].noise
    assert alone is not None
    assert (difference.paired, difference.noise) == (False, pytest.approx(2**0.5 * alone))
    assert any("the noise of gone too is not known" in note for note in result.notes)


def test_one_submission_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = a_workspace(tmp_path, monkeypatch)
    assert found(runs).words == [
        "0 scored submissions of runs: it takes at least two to say how far the folds predict the "
        "leaderboard"
    ]
    add(runs, "a1", range(30), 0.85)
    assert (found(runs).agreements, found(runs).differences) == ([], [])


def test_equal_scores_have_no_rank_correlation() -> None:
    same = [ScoredSubmission(run_id=str(n), oof=0.5, public=0.4 + n / 100) for n in range(6)]
    (found,) = agreements(same)
    assert (found.rank_correlation, found.p_value) == (None, None)
    rng = np.random.default_rng(0)
    many = [
        ScoredSubmission(run_id=str(n), oof=float(value), public=float(value + 0.01 * n))
        for n, value in enumerate(rng.normal(size=9))
    ]
    assert 0.9 < (agreements(many)[0].rank_correlation or 0) <= 1


def test_equal_runs_are_seldom_called_different() -> None:
    """Public tests of two equally good models: about 5 % of the differences exceed the noise."""
    from comp.inference.public_noise import score_noise
    from comp.pipeline.trust import LEVEL

    rng = np.random.default_rng(1)
    right = rng.random((2, 1000)) < 0.8
    change = (right[0].astype(float) - right[1])[:, None]
    noise = score_noise(
        lambda w: float(w @ change[:, 0] / w.sum()), [str(n) for n in range(1000)], 200, draws=300
    )
    assert noise is not None
    tests = rng.random((2, 400, 200)) < 0.8
    differences = tests[0].mean(axis=1) - tests[1].mean(axis=1)
    called = (np.abs(differences) > LEVEL * noise).mean()
    assert 0.02 < called < 0.09
