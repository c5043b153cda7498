"""How wrong a run is about each sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import ReportedRuns, two_classes
from toys import values

from comp.contract.metrics import ACCURACY, DICE, MAE, MEAN_AUC
from comp.contract.sample import Sample
from comp.errors import DataError
from comp.review.facts import RunFacts, read_facts
from comp.review.sample_errors import SampleErrors, relative_errors, sure_of_wrong_class
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.segmentation import segmentation


def errors_of(facts: RunFacts) -> SampleErrors:
    assert facts.errors is not None
    return facts.errors


def test_two_classes_are_ordered_by_the_probability_of_the_true_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    predictions["s1"] = 0.03  # its class is 1
    found = errors_of(runs.add("r", predictions, folds))
    assert found.ids[found.order[0]] == "s1"
    assert found.values[found.ids.index("s1")] == pytest.approx(0.03)
    assert found.values[found.ids.index("s0")] == pytest.approx(1 - predictions["s0"])
    assert found.sure_wrong is None  # would have the same order


def test_predictions_that_are_not_finite_are_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    predictions["s3"] = float("nan")
    runs.write("r", predictions, folds, fit=False)
    found = errors_of(read_facts("r", runs.workspace))
    assert "s3" not in found.ids
    assert (len(found.ids), found.not_finite, found.of) == (39, 1, 40)


def test_being_sure_and_wrong_is_not_being_far_from_the_truth() -> None:
    chances = np.array([[0.1, 0.5, 0.4], [0.05, 0.9, 0.05], [0.01, 0.4, 0.59]])
    found = sure_of_wrong_class(chances, np.array([0, 1, 0]))
    assert found[0] == 0.5
    assert np.isnan(found[1])
    assert found[2] == 0.59


def test_several_classes_have_a_surest_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [Sample(id=f"s{i}", target=i % 3) for i in range(9)]
    fields = {"task": multiclass(("a", "b", "c")), "metric": ACCURACY}
    runs = ReportedRuns(tmp_path, monkeypatch, samples, **fields)
    chances = {s.id: np.eye(3)[i % 3] * 0.7 + 0.1 for i, s in enumerate(samples)}
    chances["s0"] = np.array([0.2, 0.2, 0.6])
    found = errors_of(runs.add("r", chances, {s.id: i % 2 for i, s in enumerate(samples)}))
    assert found.sure_wrong is not None
    wrong = {n: v for n, v in zip(found.ids, found.sure_wrong, strict=True) if np.isfinite(v)}
    assert wrong == {"s0": pytest.approx(0.6)}


def test_labels_are_judged_by_what_is_true_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [Sample(id=f"s{i}", target=[i % 2, 1]) for i in range(4)]
    fields = {"task": multilabel(("red", "big")), "metric": MEAN_AUC}
    runs = ReportedRuns(tmp_path, monkeypatch, samples, **fields)
    given = {s.id: np.array([0.9 * (i % 2) + 0.05, 0.8]) for i, s in enumerate(samples)}
    given["s0"] = np.array([0.7, 0.8])
    found = errors_of(runs.add("r", given, {s.id: i // 2 for i, s in enumerate(samples)}))
    assert found.values[0] == pytest.approx((0.3 + 0.8) / 2)
    assert found.sure_wrong is not None
    assert found.sure_wrong[0] == pytest.approx(0.7)
    assert np.isnan(found.sure_wrong[1:]).all()


def test_numbers_are_ordered_by_their_absolute_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [Sample(id=f"s{i}", target=float(i)) for i in range(6)]
    runs = ReportedRuns(tmp_path, monkeypatch, samples, task=values(), metric=MAE)
    given = {s.id: i + (5.0 if i == 2 else 0.1) for i, s in enumerate(samples)}
    found = errors_of(runs.add("r", given, {s.id: i % 2 for i, s in enumerate(samples)}))
    assert not found.greater_is_better
    assert found.ids[found.order[0]] == "s2"
    assert found.values[2] == pytest.approx(5.0)


def test_columns_are_comparable_by_their_median_error() -> None:
    errors = np.array([[1.0, 100.0], [1.0, 300.0], [4.0, 100.0]])
    assert relative_errors(errors).tolist() == [1.0, 3.0, 4.0]
    assert relative_errors(np.zeros((2, 2))).tolist() == [0.0, 0.0]
    assert relative_errors(np.zeros((0, 2))).tolist() == []


def test_masks_have_the_metric_of_each_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = np.zeros((8, 8, 1), np.uint8)
    mask[:4] = 1
    chance = np.where(mask > 0, 0.9, 0.1).astype(np.float32)
    broken: set[str] = set()

    def read(sample: Sample) -> dict[str, np.ndarray]:
        if sample.id in broken:
            raise DataError(f"{sample.id} cannot be read")
        return {"image": np.zeros((8, 8, 3), np.uint8), "target": mask}

    samples = [Sample(id=f"s{i}", image=tmp_path, target=tmp_path) for i in range(4)]
    fields = {"task": segmentation(), "metric": DICE, "reader": lambda *_: read}
    runs = ReportedRuns(tmp_path, monkeypatch, samples, **fields)
    monkeypatch.setattr("oof_runs.fingerprint", lambda _: "same")
    monkeypatch.setattr("comp.pipeline.run_samples.has_fingerprint", lambda *_: True)
    given = {s.id: chance.copy() for s in samples}
    given["s1"] = chance[::-1].copy()
    given["s2"][0, 0] = np.nan
    folds = {s.id: i % 2 for i, s in enumerate(samples)}
    runs.write("r", given, folds, fit=False)
    facts = read_facts("r", runs.workspace)
    broken.add("s3")
    found = errors_of(facts)
    assert dict(zip(found.ids, found.values.tolist(), strict=True)) == {"s0": 1.0, "s1": 0.0}
    assert found.not_finite == 1
    assert found.of == 4
    assert found.greater_is_better
