"""Suspects of every kind of task, on runs whose wrong labels are planted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oof_runs import OofRuns
from toys import values

from comp.contract.metrics import ACCURACY, AUC, IOU, MEAN_AUC, RMSE
from comp.contract.sample import Sample
from comp.errors import RunError
from comp.pipeline.suspects import find_suspects
from comp.runs.suspects import SuspectList
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal

N = 200
IDS = [f"s{row}" for row in range(N)]
PLANTED = list(range(0, N, 20))
"""The rows of 5 % of the samples, whose labels are wrong."""
Make = Callable[..., OofRuns]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """(targets, predictions, fields of the competition) -> a workspace with the run r1."""

    def made(targets: Sequence[Any], predictions: np.ndarray, **fields: Any) -> OofRuns:
        groups = fields.pop("groups", [None] * N)
        rows = zip(IDS, targets, groups, strict=True)
        samples = [Sample(id=i, target=t, group=g) for i, t, g in rows]
        runs = OofRuns(tmp_path, monkeypatch, samples, **fields)
        folds = {name: row % 3 for row, name in enumerate(IDS)}
        runs.write("r1", dict(zip(IDS, predictions, strict=True)), folds, fit=False)
        return runs

    return made


def found(runs: OofRuns, **options: Any) -> SuspectList:
    result, run = find_suspects("r1", runs.workspace, **options)
    assert run.run_id == "r1"
    json.dumps(asdict(result))
    return result


def rows_of(result: SuspectList) -> list[int]:
    return [int(one.id[1:]) for one in result.suspects]


def chances(truth: np.ndarray, seed: int = 0) -> np.ndarray:
    """Probabilities of class 1 of a model that has learned the truth quite well."""
    logits = 2.5 * (2 * truth - 1) + np.random.default_rng(seed).normal(size=len(truth))
    chance: np.ndarray = 1 / (1 + np.exp(-logits))
    return chance


def test_planted_labels_of_two_classes_come_first(make: Make) -> None:
    truth = np.arange(N) % 2
    given = truth.copy()
    given[PLANTED] = 1 - given[PLANTED]
    groups = [f"p{row // 2}" for row in range(N)]
    groups[1] = groups[21] = "p0"
    groups[20] = "p0"  # two of the planted are of one patient
    fields = {"classes": ("no", "yes"), "metric": AUC, "group": "patient"}
    runs = make(given.astype(float), chances(truth), groups=groups, **fields)
    result = found(runs, top=len(PLANTED))
    assert len(set(rows_of(result)) & set(PLANTED)) >= 0.6 * len(PLANTED)
    first = result.suspects[0]
    assert (first.rank, first.given, first.suggested) == (1, "yes", "no")
    assert first.p_given is not None
    assert first.p_given + (first.p_suggested or 0) == pytest.approx(1)
    assert first.score == pytest.approx(first.p_given)  # the margin of two classes
    assert first.group == groups[int(first.id[1:])]
    (group,) = [group for group in result.groups if group.name == "p0"]
    assert (group.suspects, group.samples) == (2, 4)
    everything = found(runs)
    assert (
        everything.estimated_wrong
        == len(everything.suspects)
        == sum(swap.count for swap in everything.swaps)
    )
    assert set(rows_of(everything)) <= set(PLANTED)
    assert len(everything.suspects) >= 0.6 * len(PLANTED)
    assert everything.words.startswith(f"{everything.estimated_wrong} of 200 labels are estimated")


def test_several_classes_name_the_true_one(make: Make) -> None:
    truth = np.arange(N) % 3
    given = truth.copy()
    given[PLANTED] = (truth[PLANTED] + 1) % 3
    predictions = np.full((N, 3), 0.1)
    predictions[np.arange(N), truth] = 0.8
    result = found(make(given.astype(float), predictions, classes=("a", "b", "c"), metric=ACCURACY))
    assert sorted(rows_of(result)) == PLANTED
    assert {one.id: one.suggested for one in result.suspects} == {
        IDS[row]: "abc"[truth[row]] for row in PLANTED
    }
    assert all(one.estimated_wrong for one in result.suspects)


def test_each_of_several_labels_is_judged_alone(make: Make) -> None:
    truth = np.stack([np.arange(N) % 2, np.arange(N) // 2 % 2], axis=1)
    given = truth.copy()
    given[PLANTED, 1] = 1 - given[PLANTED, 1]
    predictions = np.where(truth == 1, 0.9, 0.2)
    task = multilabel(("x", "y"))
    result = found(make(given.tolist(), predictions, task=task, metric=MEAN_AUC))
    assert (result.samples, result.labels) == (N, 2 * N)
    assert {one.label for one in result.suspects} == {"y"}
    assert sorted(rows_of(result)) == PLANTED
    assert {(one.given, one.suggested) for one in result.suspects} == {("yes", "no")}


def test_grades_are_ranked_by_error_and_named(make: Make) -> None:
    truth = np.arange(N) % 4
    given = truth.copy()
    given[PLANTED] = 3 - given[PLANTED]  # 0 becomes 3
    predictions = truth + 0.2 * np.sin(np.arange(N))
    task = ordinal(("none", "mild", "much", "all"))
    result = found(make(given.astype(float), predictions, task=task, metric=RMSE))
    assert sorted(rows_of(result)) == PLANTED
    first = result.suspects[0]
    assert (first.given, first.suggested) == ("all", "none")
    assert (result.estimated_wrong, first.estimated_wrong, first.p_given) == (None, None, None)
    assert "not an estimate of wrong targets" in result.words


def test_columns_of_numbers_are_compared_by_their_usual_error(make: Make) -> None:
    """Errors of the second column are a thousand times as large, and those of the first planted."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(N, 2)) * [0.01, 10]
    targets = rng.normal(size=(N, 2)) * [1, 1000]
    predictions = targets + noise
    targets[PLANTED, 0] += 2
    runs = make(targets.tolist(), predictions, task=values(2), metric=RMSE)
    assert sorted(rows_of(found(runs))) == PLANTED
    assert len(found(runs, top=3).suspects) == 3


def test_masks_are_ranked_by_the_error_of_their_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.tasks.segmentation import segmentation

    rng = np.random.default_rng(0)
    masks = {name: rng.random((6, 5, 1)) > 0.5 for name in IDS[:20]}

    def reader(
        _samples: object, _config: object, _folder: Path
    ) -> Callable[[Sample], Mapping[str, np.ndarray]]:
        def read_one(sample: Sample) -> Mapping[str, np.ndarray]:
            return {"target": masks[sample.id].astype(np.uint8) * 255}

        return read_one

    fields = {"task": segmentation(("x",)), "metric": IOU, "reader": reader}
    runs = OofRuns(tmp_path, monkeypatch, [Sample(id=name) for name in masks], **fields)
    predictions = {name: np.where(mask, 0.9, 0.1) for name, mask in masks.items()}
    predictions["s7"] = 1 - predictions["s7"]
    folds = {name: row % 3 for row, name in enumerate(masks)}
    runs.write("r1", predictions, folds, finished=False)
    result = found(runs)
    assert result.suspects[0].id == "s7"
    assert result.suspects[0].score == pytest.approx(0.9)
    assert len(result.suspects) == 10
    assert any("not finished" in note for note in result.notes)


def test_a_poor_model_is_named_as_the_cause(make: Make) -> None:
    given = np.arange(N) % 2
    predictions = np.random.default_rng(0).random(N)
    runs = make(given.astype(float), predictions, classes=("no", "yes"), metric=AUC)
    assert any("mistakes of the model" in note for note in found(runs).notes)


def test_predictions_that_are_not_finite_are_left_out_or_refused(make: Make) -> None:
    predictions = np.linspace(0, 1, N)
    predictions[3] = np.nan
    runs = make(predictions.tolist(), predictions, task=values(), metric=RMSE)
    result = found(runs)
    assert result.labels == N - 1
    assert result.notes == ["1 samples are not ranked: their predictions are not finite"]
    folds = {name: row % 3 for row, name in enumerate(IDS)}
    runs.write("q1", dict.fromkeys(IDS, np.nan), folds, finished=False)
    with pytest.raises(RunError, match="no prediction of run q1 is finite"):
        find_suspects("q1", runs.workspace)
