"""Confident learning, by hand and on planted labels."""

from __future__ import annotations

import numpy as np
import pytest

from comp.inference.confident import confident_labels, thresholds


def test_thresholds_joint_and_margin_by_hand() -> None:
    probabilities = np.array(
        [
            [0.9, 0.1, 0.0],  # class 0
            [0.5, 0.5, 0.0],
            [0.1, 0.9, 0.0],  # class 0, but 0.9 reaches the threshold of class 1
            [0.3, 0.7, 0.0],  # class 1
            [0.45, 0.55, 0.0],
            [0.52, 0.48, 0.0],  # class 1; 0.52 reaches the threshold of class 0
        ]
    )
    given = np.array([0, 0, 0, 1, 1, 1])
    assert thresholds(probabilities, given) == pytest.approx([0.5, 1.73 / 3, np.inf])
    found = confident_labels(probabilities, given)
    assert found.wrong.tolist() == [False, False, True, False, False, True]
    assert found.suggested.tolist() == [1, 1, 1, 0, 0, 0]
    assert found.margin == pytest.approx([0.9, 0.5, 0.1, 0.7, 0.55, 0.48])


def test_a_given_label_that_is_most_probable_is_not_wrong() -> None:
    """Class 1 has a low threshold: both classes are counted, and the given one is more probable."""
    probabilities = np.array([[0.55, 0.45], [0.8, 0.2], [0.9, 0.1], [0.6, 0.4]])
    found = confident_labels(probabilities, np.array([0, 1, 0, 1]))
    assert found.wrong.tolist() == [False, True, False, False]  # 0.6 is below 0.725


def test_planted_labels_come_first() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=600)
    logits = rng.normal(size=(600, 3)) + 4 * np.eye(3)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    planted = rng.choice(600, 30, replace=False)
    given = truth.copy()
    given[planted] = (truth[planted] + 1 + rng.integers(2, size=30)) % 3
    found = confident_labels(probabilities, given)
    first = np.argsort(found.margin)[:30]
    assert len(np.intersect1d(first, planted)) >= 25
    assert (found.suggested[planted] == truth[planted]).mean() > 0.8
    assert 20 <= found.wrong.sum() <= 45
