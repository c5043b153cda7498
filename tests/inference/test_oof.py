"""Out-of-fold scores do not depend on any order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.contract.competition import Item, Sample
from comp.contract.metrics import Metric, rmse
from comp.inference.oof import pair_with_targets, score
from comp.inference.predictions import join_predictions, save_predictions

RMSE = Metric(name="RMSE", score=rmse, direction="min")
IDS = "abcde"


def samples() -> list[Sample]:
    return [Sample(id=i, image=Path(i), target=float(k)) for k, i in enumerate(IDS)]


def read_label(sample: Sample) -> Item:
    return {"image": np.zeros((1, 1, 1), np.uint8), "target": np.float32([sample.target])}


def read_page(sample: Sample) -> Item:
    page = np.full((2, 3, 1), 51 * int(sample.target or 0), np.uint8)
    return {"image": page, "target": page}


def test_image_targets_are_scored_in_the_unit_interval() -> None:
    sample = samples()[3]
    prediction = np.full((2, 3, 1), 0.5, np.float32)
    ((target, given),) = pair_with_targets([(sample, prediction)], read_page)
    assert target.dtype == np.float32
    assert target.shape == (2, 3, 1)
    assert np.allclose(target, 0.6)
    assert given is prediction
    assert score(RMSE, [(sample, prediction)], read_page) == pytest.approx(0.1, rel=1e-5)


def test_labels_are_scored_as_they_are() -> None:
    predictions = [(s, np.float32([s.target + 0.5 * (s.id == "e")])) for s in samples()]
    assert score(RMSE, predictions, read_label) == pytest.approx((0.25 / 5) ** 0.5)


def test_target_and_prediction_are_not_swapped() -> None:
    seen = []
    metric = Metric(name="first", score=lambda pairs: seen.extend(pairs) or 0.25, direction="max")
    assert score(metric, [(samples()[2], np.float32([7.0]))], read_label) == 0.25
    ((target, prediction),) = seen
    assert (target.tolist(), prediction.tolist()) == ([2.0], [7.0])


def test_no_order_of_samples_or_files_changes_the_score(tmp_path: Path) -> None:
    truth = {s.id: s.target for s in samples()}
    wrong = {i: np.float32([truth[i] + 0.1 * k]) for k, i in enumerate("cadbe")}
    by_id = {s.id: s for s in samples()}
    scores = set()
    for order, cut in (("abcde", 2), ("edcba", 3), ("bdace", 1)):
        files = [tmp_path / f"{order}-{part}.safetensors" for part in (0, 1)]
        save_predictions(files[0], [(by_id[i], wrong[i]) for i in order[:cut]])
        save_predictions(files[1], [(by_id[i], wrong[i]) for i in order[cut:]])
        for given in (files, files[::-1]):
            for given_samples in (samples(), samples()[::-1]):
                scores.add(
                    round(score(RMSE, join_predictions(given, given_samples), read_label), 12)
                )
    expected = (0.01 * (0 + 1 + 4 + 9 + 16) / 5) ** 0.5
    assert list(scores) == pytest.approx([expected], rel=1e-5)


def test_samples_without_a_prediction_are_left_out_of_the_score(tmp_path: Path) -> None:
    path = tmp_path / "oof.safetensors"
    chosen = [s for s in samples() if s.id in "bd"]
    save_predictions(path, [(s, np.float32([s.target + 2])) for s in chosen])
    assert score(RMSE, join_predictions([path], samples()), read_label) == pytest.approx(2.0)


def test_a_prediction_of_another_size_is_no_match() -> None:
    with pytest.raises(ValueError, match="reshape"):
        score(RMSE, [(samples()[0], np.zeros((2, 4, 1), np.float32))], read_page)
