"""What targets and predictions a metric compares."""

from __future__ import annotations

import numpy as np
import pytest

from comp.contract.scoring.arrays import (
    class_probabilities,
    columns,
    decided_classes,
    decided_labels,
    label_probabilities,
    vectors,
)

PREPARED = [
    class_probabilities, columns, decided_classes, decided_labels, label_probabilities, vectors
]  # fmt: skip


def one(target, prediction):
    return [(np.asarray(target), np.asarray(prediction))]


@pytest.mark.parametrize("prepare", PREPARED)
@pytest.mark.parametrize("pairs", [[], one([0.0], [np.nan]), one([0.0], [-np.inf])])
def test_nothing_to_compare_gives_empty_arrays(prepare, pairs):
    targets, predictions = prepare(pairs)

    assert len(targets) == len(predictions) == 0


def test_a_number_is_a_row_of_one_value():
    targets, predictions = vectors([(2, 0.5), (3, 0.25)])

    assert targets.tolist() == [[2], [3]]
    assert predictions.tolist() == [[0.5], [0.25]]


@pytest.mark.parametrize("prepare", PREPARED)
def test_all_samples_of_a_metric_have_one_shape(prepare):
    with pytest.raises(ValueError, match=r"predictions have shapes \(1,\) and \(2,\)"):
        prepare(one([0], [1]) + one([0], [1, 0]))
    with pytest.raises(ValueError, match=r"targets have shapes \(1,\) and \(2,\)"):
        prepare(one([0], [1]) + one([0, 1], [1]))


@pytest.mark.parametrize("prepare", PREPARED)
def test_an_image_is_not_a_vector(prepare):
    with pytest.raises(ValueError, match=r"have shape \(4, 4, 1\), and this metric compares vec"):
        prepare(one(np.zeros((4, 4, 1)), np.zeros((4, 4, 1))))
    with pytest.raises(ValueError, match=r"predictions have shape \(3, 1\)"):
        prepare(one(np.zeros(3), np.zeros((3, 1))))


@pytest.mark.parametrize("prepare", [class_probabilities, decided_classes])
def test_several_labels_are_not_a_class_index(prepare):
    with pytest.raises(ValueError, match=r"targets have shape \(3,\).*such as mean-auc"):
        prepare(one(np.zeros(3), np.zeros(3)))


def test_probabilities_are_not_a_decided_class():
    with pytest.raises(ValueError, match=r"decisions have shape \(3,\)"):
        decided_classes(one([0], [1, 0, 0]))
