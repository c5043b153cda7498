"""Rules about the data: imbalance, wrong labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from review_runs import ReviewRun, calibrated, chances

from comp.contract.metrics import ACCURACY, AUC
from comp.review.coach.data import imbalanced, noisy_labels, shifted

TRUTH = np.arange(400) % 2


def flipped(share: float) -> np.ndarray:
    """The labels, of which a part is wrong."""
    wrong = np.random.default_rng(1).random(400) < share
    return np.where(wrong, 1 - TRUTH, TRUTH)


def test_wrong_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = flipped(0.1)
    run = ReviewRun(tmp_path, monkeypatch, labels, chances(TRUTH, 4.0))
    note = noisy_labels(run.facts())
    assert note
    wrong = int((labels != TRUTH).sum())
    assert f"about {wrong} of 400 labels may be wrong" in str(note.text)
    assert note.command == f"comp suspects {run.folder.name}"


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 1.5, 2.0, 4.0])
def test_errors_of_a_model_are_no_wrong_labels(
    sharpness: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH, sharpness))
    assert noisy_labels(run.facts()) is None


@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0, 4.0])
def test_errors_of_calibrated_probabilities_are_no_wrong_labels(
    spread: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, found = calibrated(2000, spread=spread)
    run = ReviewRun(tmp_path, monkeypatch, truth, found)
    assert noisy_labels(run.facts()) is None


def rare(tmp_path: Path, patch: pytest.MonkeyPatch, found: int, metric: object) -> ReviewRun:
    """20 of 400 samples are of class b, of which `found` are found."""
    truth = np.array([1] * 20 + [0] * 380)
    predictions = np.full(400, 0.1)
    predictions[:found] = 0.9
    return ReviewRun(tmp_path, patch, truth, predictions, metric=metric)


def test_a_rare_class_that_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = imbalanced(rare(tmp_path, monkeypatch, 3, ACCURACY).facts())
    assert note
    assert str(note.text).startswith("Imbalance: b, 5.0% of the samples, is found in 15% of them")


@pytest.mark.parametrize(("found", "metric"), [(11, ACCURACY), (3, AUC)])
def test_a_rare_class_that_is_found_or_does_not_count(
    found: int, metric: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert imbalanced(rare(tmp_path, monkeypatch, found, metric).facts()) is None


def test_no_shift_without_a_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH))
    assert shifted(run.facts()) is None
