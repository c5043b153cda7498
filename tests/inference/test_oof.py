"""Out-of-fold scores do not depend on any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import toy, values

from comp.contract.metric import Metric
from comp.contract.sample import Item, Sample, Target
from comp.errors import DataError
from comp.inference.oof import (
    OofPairs,
    decided_once,
    need_reader,
    pair_with_targets,
    read_target,
    score,
)
from comp.inference.predictions import join_predictions, save_predictions
from comp.tasks.binary import binary

NUMBERS, IMAGES = toy(values()), toy()
IDS = "abcde"


def samples() -> list[Sample]:
    return [Sample(id=i, image=Path(i), target=float(k)) for k, i in enumerate(IDS)]


def score_of(predictions: Iterable[tuple[Sample, np.ndarray]]) -> float:
    return score(NUMBERS, pair_with_targets(NUMBERS.task, predictions, None))


def sample_with_page(sample: Sample) -> Sample:
    return replace(sample, target=Path(sample.id), group=f"group {sample.id}")


def read_page(sample: Sample) -> Item:
    page = np.full((2, 3, 1), 51 * IDS.index(sample.id), np.uint8)
    return {"image": page, "target": page}


def test_image_targets_are_scored_in_the_unit_interval() -> None:
    sample = samples()[3]
    prediction = np.full((2, 3, 1), 0.5, np.float32)
    (pair,) = pair_with_targets(IMAGES.task, [(sample_with_page(sample), prediction)], read_page)
    target, given = pair
    assert target.dtype == np.float32
    assert target.shape == (2, 3, 1)
    assert np.allclose(target, 0.6)
    assert given is prediction
    assert score(IMAGES, [pair]) == pytest.approx(0.1, rel=1e-5)


def test_labels_are_scored_as_they_are() -> None:
    predictions = [(s, np.float32([s.target + 0.5 * (s.id == "e")])) for s in samples()]
    assert score_of(predictions) == pytest.approx((0.25 / 5) ** 0.5)


def test_target_and_prediction_are_not_swapped() -> None:
    seen = []
    metric = Metric(name="first", score=lambda pairs: seen.extend(pairs) or 0.25, direction="max")
    competition = toy(values(), metric=metric)
    pairs = pair_with_targets(competition.task, [(samples()[2], np.float32([7.0]))], None)
    assert score(competition, pairs) == 0.25
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
                scores.add(round(score_of(join_predictions(given, given_samples)), 12))
    expected = (0.01 * (0 + 1 + 4 + 9 + 16) / 5) ** 0.5
    assert list(scores) == pytest.approx([expected], rel=1e-5)


def test_samples_without_a_prediction_are_left_out_of_the_score(tmp_path: Path) -> None:
    path = tmp_path / "oof.safetensors"
    chosen = [s for s in samples() if s.id in "bd"]
    save_predictions(path, [(s, np.float32([s.target + 2])) for s in chosen])
    assert score_of(join_predictions([path], samples())) == pytest.approx(2.0)


@pytest.mark.parametrize("shape", [(2, 4, 1), (3, 2, 1), (6, 1, 1), (2, 3, 3)])
def test_a_prediction_of_another_size_is_no_match(shape: tuple[int, ...]) -> None:
    predictions = [(sample_with_page(samples()[0]), np.zeros(shape, np.float32))]
    with pytest.raises(DataError, match=r"target of a is an array of shape \(2, 3, 1\)"):
        list(pair_with_targets(IMAGES.task, predictions, read_page))


def test_a_pair_knows_the_id_and_the_group_of_its_sample() -> None:
    predictions = [(sample_with_page(samples()[1]), np.zeros((2, 3, 1), np.float32))]
    (pair,) = pair_with_targets(IMAGES.task, predictions, read_page)
    assert (pair.id, pair.group) == ("b", "group b")


def test_a_sample_without_a_target_is_named() -> None:
    with pytest.raises(DataError, match="x has no target"):
        read_target(NUMBERS.task, Sample(id="x", image=Path("x")), None)


def test_vectors_are_read_once_and_images_anew_each_time() -> None:
    reads = []

    def numbers() -> list[tuple[Sample, np.ndarray]]:
        reads.append(1)
        return [(sample, np.float32([sample.target])) for sample in samples()]

    def images() -> list[tuple[Sample, np.ndarray]]:
        reads.append(1)
        return [(sample_with_page(s), np.zeros((2, 3, 1), np.float32)) for s in samples()]

    for task, predictions, reader, times in (
        (NUMBERS.task, numbers, None, 1),
        (IMAGES.task, images, read_page, 2),
    ):
        reads.clear()
        pairs = OofPairs(task, predictions, reader)
        assert [pair.id for pair in pairs] == [pair.id for pair in pairs] == list(IDS)
        assert len(reads) == times
        assert (pairs.arrays() is None) == (task is IMAGES.task)


@pytest.mark.parametrize(
    ("target", "needed"), [(1.0, False), ((1.0, 0.0), False), (None, True), (Path("x.png"), True)]
)
def test_a_reader_is_needed_for_targets_that_are_elsewhere(target: Target, needed: bool) -> None:
    assert need_reader([Sample(id="a", target=1.0), Sample(id="b", target=target)]) == needed


def test_decisions_of_vectors_are_made_once() -> None:
    made: list[int] = []

    def apply(predictions: np.ndarray, params: tuple[float, ...]) -> np.ndarray:
        made.append(len(predictions))
        return (predictions > params[0]).astype(np.float32)

    decision = binary(("no", "yes")).decision
    assert decision
    decision = replace(decision, apply_rows=apply)
    values = np.linspace(0, 1, 6, dtype=np.float32)
    rows = [(Sample(id=str(i), target=0.0), values[i : i + 1]) for i in range(6)]
    pairs = OofPairs(NUMBERS.task, lambda: rows, None)
    found = decided_once(decision, pairs, lambda pair: (0.3 if pair.id == "2" else 0.5,))
    for _ in range(2):
        assert [float(pair[1][0]) for pair in found] == [0, 0, 1, 1, 1, 1]
    assert sum(made) == 6


def test_a_task_encodes_the_target_that_is_scored() -> None:
    task = replace(values(), encode=lambda target: target * 10)
    ((target, _),) = pair_with_targets(task, [(samples()[2], np.float32([0]))], None)
    assert target.tolist() == [20.0]


def test_an_encoding_in_place_changes_no_sample() -> None:
    task = replace(values(), encode=lambda target: np.multiply(target, 10, out=target))
    sample = Sample(id="a", target=np.float32([2, 3]))
    for _ in range(2):
        ((target, _),) = pair_with_targets(task, [(sample, np.float32([0, 0]))], None)
        assert target.tolist() == [20.0, 30.0]
