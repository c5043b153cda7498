"""The comparison of two runs: scores, sides, classes, outputs, notes, and the sentence."""

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

import comp
from comp.contract.metrics import ACCURACY, AUC, F1_MACRO, IOU, MEAN_AUC, RMSE
from comp.contract.sample import Sample
from comp.errors import RunError
from comp.pipeline.compare import compare, joint_groups
from comp.pipeline.run_oof import read_run_oofs
from comp.runs.comparison import Comparison
from comp.tasks.multilabel import multilabel

N = 90
IDS = [f"s{row}" for row in range(N)]
FOLDS = {name: row % 3 for row, name in enumerate(IDS)}
Make = Callable[..., OofRuns]


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comp.pipeline.compare.DRAWS", 100)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """(targets, predictions of both runs, fields of the competition) -> the runs a1 and b1."""

    def made(
        targets: Sequence[Any], first: np.ndarray, second: np.ndarray, **fields: Any
    ) -> OofRuns:
        samples = [Sample(id=i, target=t) for i, t in zip(IDS, targets, strict=True)]
        runs = OofRuns(tmp_path, monkeypatch, samples, **fields)
        for name, predictions in (("a1", first), ("b1", second)):
            runs.write(name, dict(zip(IDS, predictions, strict=True)), FOLDS, fit=False)
        return runs

    return made


def found(runs: OofRuns, **options: Any) -> Comparison:
    result = compare("a1", "b1", runs.workspace, **options)
    json.dumps(asdict(result))
    return result


def classifiers(good: float = 3.0, poor: float = 0.5) -> tuple[list[float], np.ndarray, np.ndarray]:
    """Targets 0 or 1, and probabilities of a good and of a poor classifier."""
    rng = np.random.default_rng(1)
    targets = [float(row % 2) for row in range(N)]
    signed = 2 * np.array(targets) - 1
    first, second = (1 / (1 + np.exp(-(s * signed + rng.normal(size=N)))) for s in (good, poor))
    return targets, first, second


def test_a_better_classifier(make: Make) -> None:
    runs = make(*classifiers(), classes=("no", "yes"), metric=AUC)
    result = found(runs)
    assert (result.real, result.better, result.n) == (True, "a1", N)
    assert result.difference.first == pytest.approx(recorded(runs, "a1"))
    assert result.difference.second == pytest.approx(recorded(runs, "b1"))
    assert result.difference.low is not None
    assert 0 < result.difference.low < result.difference.value < (result.difference.high or 0)
    assert result.words.startswith("real: A (a1) is better: AUC ")
    assert [(fold.name, fold.n) for fold in result.folds] == [("0", 30), ("1", 30), ("2", 30)]
    assert [part.name for part in result.outputs] == ["no", "yes"]
    assert result.notes == []
    turned = compare("b1", "a1", runs.workspace)
    assert (turned.better, turned.difference.value) == ("a1", -result.difference.value)


def recorded(runs: OofRuns, run_id: str) -> float:
    path = runs.workspace.runs("toy") / run_id / "scores.json"
    return float(json.loads(path.read_text())["cv_score"])


def test_two_like_classifiers_are_noise(make: Make) -> None:
    result = found(make(*classifiers(1.0, 1.0), classes=("no", "yes"), metric=AUC))
    assert (result.real, result.better) == (False, None)
    assert result.words.startswith("noise: 90 samples cannot tell the runs apart: AUC ")


def test_a_run_and_its_copy(make: Make) -> None:
    targets, first, _ = classifiers()
    result = found(make(targets, first, first, classes=("no", "yes"), metric=ACCURACY))
    assert result.words.startswith("no difference: the 90 samples have the same accuracy")
    assert result.sides is not None
    assert (result.sides.only_first, result.sides.only_second) == ([], [])


def test_decisions_use_the_parameters_of_each_run_and_fold(make: Make) -> None:
    """The thresholds in scores.json decide, those of a fold its own samples."""
    targets, first, _ = classifiers()
    runs = make(targets, first, first, classes=("no", "yes"), metric=ACCURACY)
    path = runs.workspace.runs("toy") / "b1" / "scores.json"
    card = json.loads(path.read_text())
    card["decision"]["by_fold"]["1"] = [1.1]  # all of fold 1 become class 0
    path.write_text(json.dumps(card))
    result = found(runs)
    assert result.sides is not None
    right_yes = {i for i, t, p in zip(IDS, targets, first, strict=True) if t and p >= 0.5}
    assert set(result.sides.only_first) == {i for i in right_yes if FOLDS[i] == 1}
    assert [fold.difference == 0 for fold in result.folds] == [True, False, True]
    assert "says" in result.notes[0]  # the recorded score was of other thresholds


def test_sides_and_classes_by_hand(make: Make) -> None:
    targets = [float(row % 3) for row in range(N)]
    first = np.eye(3)[np.array(targets, int)]
    second = first.copy()
    second[:4] = np.roll(second[:4], 1, axis=1)  # s0 to s3 become wrong
    first[6] = np.roll(first[6], 1)
    result = found(
        make(targets, first, second, classes=("a", "b", "c"), metric=F1_MACRO), limit_s=0.1
    )
    assert result.sides is not None
    assert result.sides.only_first == ["s0", "s1", "s2", "s3"]
    assert result.sides.only_second == ["s6"]
    assert (result.sides.both, result.sides.neither) == (N - 5, 0)
    assert result.outputs_measure == "right decisions"
    third = N // 3
    assert [(part.name, part.n) for part in result.outputs] == [(name, third) for name in "abc"]
    wrong = [third * (1 - part.first) for part in result.outputs]
    assert wrong == pytest.approx([1, 0, 0])
    wrong = [third * (1 - part.second) for part in result.outputs]
    assert wrong == pytest.approx([2, 1, 1])


def test_numbers_have_a_list_of_the_largest_changes(make: Make) -> None:
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(N, 2))
    first = targets + 0.1 * rng.normal(size=(N, 2))
    second = targets + 0.1 * rng.normal(size=(N, 2))
    second[17] += 50
    task = values(2)
    result = found(make(targets.tolist(), first, second, task=task, metric=RMSE))
    assert result.sides is None
    assert result.changes[0].id == "s17"
    assert result.changes[0].difference == pytest.approx(-50, abs=1)
    assert len(result.changes) == 10
    assert result.outputs == []  # the task does not name its columns


def test_labels_have_the_metric_of_each(make: Make) -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(2, size=(N, 2))
    first = np.where(targets == 1, 0.8, 0.3) + rng.uniform(-0.1, 0.1, (N, 2))
    second = first.copy()
    second[:, 1] = rng.random(N)
    result = found(
        make(targets.tolist(), first, second, task=multilabel(("x", "y")), metric=MEAN_AUC)
    )
    assert (result.outputs_measure, result.real, result.better) == ("mean AUC", True, "a1")
    assert [part.name for part in result.outputs] == ["x", "y"]
    assert [part.difference > 0 for part in result.outputs] == [False, True]


def test_runs_over_other_folds_and_groups(make: Make) -> None:
    runs = make(*classifiers(), classes=("no", "yes"), metric=AUC)
    _, first, _ = classifiers()
    runs.write(
        "c1", dict(zip(IDS, first, strict=True)), {i: r % 2 for r, i in enumerate(IDS)}, fit=False
    )
    path = runs.workspace.runs("toy") / "c1" / "folds.csv"
    path.write_text(path.read_text().replace("s0,0,\n", "s0,0,p\n").replace("s1,1,\n", "s1,1,p\n"))
    result = compare("a1", "c1", runs.workspace)
    assert any("different folds" in note for note in result.notes)
    assert result.difference.groups == N - 1
    one, other = read_run_oofs(["a1", "c1"], runs.workspace)
    groups = joint_groups(one, other, IDS)
    assert groups[0] == groups[1] != groups[2]


def test_a_fold_of_one_class_has_no_auc(make: Make) -> None:
    runs = make(*classifiers(), classes=("no", "yes"), metric=AUC)
    _, first, _ = classifiers()
    folds = {name: 2 if row % 2 and row < 40 else row % 3 % 2 for row, name in enumerate(IDS)}
    runs.write("c1", dict(zip(IDS, first, strict=True)), folds, fit=False)
    fold = compare("c1", "b1", runs.workspace).folds[2]
    assert (fold.n, fold.first, fold.second, fold.difference) == (20, None, None, None)


def test_a_score_that_is_not_defined_is_refused(make: Make) -> None:
    targets, first, second = classifiers()
    second[5] = np.nan
    runs = make(targets, first, second, task=values(), metric=RMSE)
    with pytest.raises(RunError, match="RMSE of run b1 is not defined on the 90 common samples"):
        found(runs)


def test_masks_are_read_once_and_compared_by_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.tasks.segmentation import segmentation

    rng = np.random.default_rng(0)
    masks = {name: rng.random((6, 5, 2)) > 0.5 for name in IDS[:20]}
    read: list[str] = []

    def reader(
        _samples: object, _config: object, _folder: Path
    ) -> Callable[[Sample], Mapping[str, np.ndarray]]:
        def read_one(sample: Sample) -> Mapping[str, np.ndarray]:
            read.append(sample.id)
            return {"target": masks[sample.id].astype(np.uint8)}

        return read_one

    samples = [Sample(id=name) for name in masks]
    fields = {"task": segmentation(("x", "y")), "metric": IOU, "reader": reader}
    runs = OofRuns(tmp_path, monkeypatch, samples, **fields)
    folds = {name: FOLDS[name] for name in masks}
    for run_id, noise in (("a1", 0.1), ("b1", 0.45)):
        chances = {
            name: np.clip(mask + rng.normal(0, noise, mask.shape), 0, 1)
            for name, mask in masks.items()
        }
        runs.write(run_id, chances, folds, finished=False)
    result = compare("a1", "b1", runs.workspace)
    assert (result.real, result.better, result.sides) == (True, "a1", None)
    assert (result.outputs_measure, [p.name for p in result.outputs]) == ("IoU", ["x", "y"])
    assert result.changes_measure == "IoU of the image"
    assert result.difference.draws == 100


def test_the_call_in_python(make: Make) -> None:
    runs = make(*classifiers(), classes=("no", "yes"), metric=AUC)
    run = comp.load_run("a1", runs=runs.workspace.root)
    by_run, by_id = comp.compare(run, "b1"), comp.compare("a1", "b1", runs=runs.workspace.root)
    assert by_run == by_id
    assert comp.compare("a1", "b1", seed=1, runs=runs.workspace.root).difference != by_id.difference
