"""Whether test differs from train, on drawn images and simulated statistics."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from comp.config.schema import resolve
from comp.contract.sample import Sample
from comp.data.drift import separation
from comp.data.drift.appearance import appearance
from comp.data.drift.drift import Drift, Sides, measure_drift
from comp.data.drift.images import image_drift, own_images
from comp.data.drift.separation import fit_linear
from comp.data.drift.words import drift_advice, drift_sentence, series_sentence
from comp.errors import DataError


@pytest.fixture(autouse=True)
def one_split_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """For speed."""
    monkeypatch.setattr(separation, "HALVES", 1)


def drawn(folder: Path, side: str, count: int, seed: int, shift: float = 0) -> list[Sample]:
    """Soft noise of 24 x 24 pixels, whose brightness differs a little from image to image."""
    rng, samples = np.random.default_rng(seed), []
    for number in range(count):
        noise = rng.normal(120 + rng.normal(0, 10) + shift, 30, (24, 24)).clip(0, 255)
        path = folder / f"{side}_{number}.png"
        cv2.imwrite(str(path), cv2.GaussianBlur(noise.astype(np.uint8), (0, 0), 1 + rng.random()))
        samples.append(Sample(id=f"{side}{number}", image=path))
    return samples


def compared(train: list[Sample], test: list[Sample]) -> Drift:
    sides = Sides.of(train, test, 300, 0)
    images = [cv2.imread(str(s.image), cv2.IMREAD_GRAYSCALE) for s in sides.samples]
    looks = [
        appearance(image, s.image_file) for image, s in zip(images, sides.samples, strict=True)
    ]
    return image_drift(sides, looks)


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> Drift:
    folder = tmp_path_factory.mktemp("images")
    return compared(drawn(folder, "train", 90, 0), drawn(folder, "test", 60, 1, shift=20))


def test_a_shift_of_brightness_is_found_and_named_first(shifted: Drift) -> None:
    assert shifted.found
    assert shifted.low > 0.65
    assert shifted.features[0].name == "brightness"
    assert shifted.features[0].test > shifted.features[0].train + 10
    sentence = drift_sentence(shifted)
    assert sentence.startswith("train and test differ by image statistics (AUC 0.")
    assert "most in brightness (median 1" in sentence
    advice = drift_advice(shifted, resolve("x", []))
    assert advice.startswith("out-of-fold scores may not hold in test: use stronger augmentation")


def test_the_ends_are_ids_of_test_samples(shifted: Drift) -> None:
    ends = [*shifted.like_test, *shifted.like_train]
    assert len(set(ends)) == 10
    assert all(name.startswith("test") for name in ends)


def test_a_record_is_json_and_can_be_read(shifted: Drift) -> None:
    record = json.loads(json.dumps(shifted.record(), allow_nan=False))
    assert record["found"]
    assert Drift.from_record(record) == shifted


def test_copies_of_train_are_not_called_alike(shifted: Drift) -> None:
    copies = replace(shifted, auc=0.1, low=0.05, high=0.2)
    assert not copies.found
    assert "copies of training samples by image statistics (AUC 0.10" in drift_sentence(copies)


def test_images_alike_do_not_differ(tmp_path: Path) -> None:
    drift = compared(drawn(tmp_path, "train", 90, 0), drawn(tmp_path, "test", 60, 1))
    assert not drift.found
    assert drift_sentence(drift).startswith("train and test look alike by image statistics (AUC 0.")
    assert series_sentence(drift) == ""


def halves(seed: int, size: int, per: int, share: float, hidden: bool = False) -> Drift:
    """Random halves of rows of 24 numbers in groups of `per` rows, which have this share of the
    variance in common; the groups of the second half can be unknown."""
    rng = np.random.default_rng(seed)
    count = size // per
    of = np.repeat(np.arange(count), per)
    group_part, own = rng.normal(size=(count, 24))[of], rng.normal(size=(len(of), 24))
    values = np.sqrt(share) * group_part + np.sqrt(1 - share) * own
    second = (rng.permutation(count) < count // 2)[of]
    sides: list[list[Sample]] = [[], []]
    for row, (group, side) in enumerate(zip(of, second.tolist(), strict=True)):
        known = per > 1 and not (hidden and side)
        sides[side].append(Sample(id=str(row), group=f"{group}" if known else None))
    both = np.concatenate([values[~second], values[second]])
    return measure_drift("embeddings", Sides.of(*sides, 999, 0), both, (), fit_linear)


def test_random_halves_are_not_called_different() -> None:
    found = [halves(seed, 160, 1, 0) for seed in range(20)]
    assert sum(drift.found for drift in found) <= 1
    assert 0.45 < np.mean([drift.auc for drift in found]) < 0.55


def test_groups_that_differ_are_not_called_different_halves() -> None:
    found = [halves(seed, 480, 8, 0.8) for seed in range(5)]
    assert sum(drift.found for drift in found) <= 1
    widths = [drift.high - drift.low for drift in found]
    assert np.mean(widths) > 0.3  # 0.16 if each sample counted


def test_unknown_groups_of_test_are_not_called_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separation, "HALVES", 3)
    found = [halves(seed, 480, 8, 0.8, hidden=True) for seed in range(4)]
    assert np.mean([drift.auc for drift in found]) > 0.55  # a classifier knows groups again
    assert sum(drift.found for drift in found) <= 1


def test_few_samples_or_groups_are_not_compared() -> None:
    many = [Sample(id=f"{i}", group=f"{i % 30}") for i in range(90)]
    few = [Sample(id=f"{i}", group=f"{i % 9}") for i in range(90)]
    with pytest.raises(DataError, match="40 test samples are too few"):
        Sides.of(many, many[:40], 999, 0)
    with pytest.raises(DataError, match="9 groups of training samples are too few"):
        Sides.of(few, many, 999, 0)
    only = [Sample(id=f"x{i}", train_only=True) for i in range(90)]
    assert len(Sides.of([*many, *only], many, 999, 0).train) == 90


def test_sides_are_chosen_with_the_seed_and_groups_are_those_of_both_sides() -> None:
    samples = [Sample(id=f"{i}", group=f"{i // 2}") for i in range(200)]
    lone = [Sample(id=f"{i}") for i in range(60)]
    first, again, other = (Sides.of(samples, samples, 60, seed) for seed in (0, 0, 7))
    assert first.train == again.train != other.train
    assert len(first.train) == 60
    both = Sides.of(samples, samples, 200, 0)
    assert list(both.groups[:200]) == list(both.groups[200:])
    assert both.counts == (100, 100)
    assert len(set(Sides.of(lone, lone, 99, 0).groups)) == 120  # equal ids are not one sample


def test_features_that_are_the_same_in_all_samples() -> None:
    sides = Sides.of(*([Sample(id=f"{i}") for i in range(60)] for _ in range(2)), 99, 0)
    with pytest.raises(DataError, match="the same in all samples"):
        measure_drift("columns", sides, np.zeros((120, 0)), (), fit_linear)


def test_a_file_of_several_samples_says_nothing_of_one() -> None:
    shared = [Sample(id=f"{i}", image=Path("table.csv")) for i in range(3)]
    alone = Sample(id="a", image=Path("a.png"))
    assert own_images([*shared, alone, Sample(id="row")]) == [alone]
