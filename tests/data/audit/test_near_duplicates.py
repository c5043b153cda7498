"""Near-duplicates: copies are found however they were made, and different images are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from comp.data.audit import near_duplicates
from comp.data.audit.near_duplicates import (
    FLIPS,
    MAX_PAIRS,
    UNCOMPARED,
    NearPair,
    Signature,
    compute_signature,
    find_near_pairs,
)
from comp.data.synthetic_images import stripes
from competitions.chest_xray.synthetic_radiographs import Anatomy, draw_radiograph


def radiographs(count: int) -> list[np.ndarray]:
    """One image each of so many patients."""
    rng = np.random.default_rng(11)
    return [draw_radiograph(rng, Anatomy.draw(rng), ill=i % 2 == 0) for i in range(count)]


IMAGES = radiographs(12)


def encoded(image: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))


COPIES = {
    "re-encoded": lambda image: encoded(image, 60),
    "smaller": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "larger": lambda image: cv2.resize(image, None, fx=1.7, fy=1.7),
    "stretched": lambda image: cv2.resize(image, (224, 224)),
    "brighter": lambda image: np.clip(image * 0.8 + 40, 0, 255).astype(np.uint8),
    "colour": lambda image: np.repeat(image[..., None], 3, axis=2),
    "mirrored": lambda image: image[:, ::-1],
    "mirrored, re-encoded": lambda image: encoded(np.ascontiguousarray(image[:, ::-1]), 75),
    "upside down": lambda image: image[::-1],
    "upside down, smaller": lambda image: cv2.resize(image[::-1], (90, 120)),
    "half turn": lambda image: image[::-1, ::-1],
    "half turn, re-encoded": lambda image: encoded(np.ascontiguousarray(image[::-1, ::-1]), 75),
}


@pytest.mark.parametrize("how", sorted(COPIES))
def test_a_copy_is_found_and_nothing_else(how: str) -> None:
    copy = COPIES[how](IMAGES[3])
    (pair,) = find_near_pairs([compute_signature(image) for image in [*IMAGES, copy]])
    assert (pair.first, pair.second) == (3, len(IMAGES))
    turn = how.partition(",")[0]
    assert pair.flip == (turn if turn in FLIPS else "")
    assert 0.95 <= pair.correlation <= 1.001


def test_different_drawn_images_are_not_alike() -> None:
    rng = np.random.default_rng(5)
    drawn = [stripes(rng, i % 3, 3) for i in range(60)] + radiographs(40)
    assert find_near_pairs([compute_signature(image) for image in drawn]) == []


def test_what_shows_nothing_is_like_nothing() -> None:
    blank = np.full((40, 40), 200, dtype=np.uint8)
    faint = blank + np.random.default_rng(0).integers(0, 2, blank.shape).astype(np.uint8)
    assert compute_signature(blank) is None
    assert compute_signature(faint) is None
    assert find_near_pairs([None, compute_signature(blank), compute_signature(IMAGES[0])]) == []
    assert find_near_pairs([]) == []


def test_places_count_those_without_a_signature() -> None:
    mark = compute_signature(IMAGES[0])
    (pair,) = find_near_pairs([None, mark, None, mark])
    assert (pair.first, pair.second, pair.flip) == (1, 3, "")
    assert pair.correlation == pytest.approx(1, abs=1e-3)


def test_a_picture_that_is_its_own_mirror_image_is_one_pair() -> None:
    half = IMAGES[0][:, :60]
    whole = np.hstack([half, half[:, ::-1]])
    pairs = find_near_pairs([compute_signature(whole), compute_signature(whole)])
    assert [(p.first, p.second, p.flip) for p in pairs] == [(0, 1, "")]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of thumbnails in each comparison, both sides."""
    counts: list[int] = []
    flat = near_duplicates._flat

    def counted(detail: np.ndarray) -> np.ndarray:
        counts.append(len(detail))
        return flat(detail)

    monkeypatch.setattr(near_duplicates, "_flat", counted)
    return counts


def test_copies_are_found_across_blocks_and_only_candidates_are_compared(
    compared: list[int],
) -> None:
    rng = np.random.default_rng(2)
    signs = rng.choice(np.float32([-1, 1]), (4000, 255)) / np.float32(255**0.5)
    detail = rng.standard_normal((4000, 64, 64), dtype=np.float32)
    detail = (detail / np.linalg.norm(detail, axis=(1, 2), keepdims=True)).astype(np.float16)
    marks = [Signature(s, d) for s, d in zip(signs, detail, strict=True)]
    marks[3999] = marks[1]
    marks[2500] = marks[2400]
    found = find_near_pairs(marks)
    assert [(p.first, p.second) for p in found] == [(1, 3999), (2400, 2500)]
    assert all(isinstance(p, NearPair) for p in found)
    assert compared == [1, 1] * 2


def test_a_great_many_alike_are_told_in_part_and_compared_once(compared: list[int]) -> None:
    rng = np.random.default_rng(4)
    base = rng.integers(0, 255, (64, 64))
    noisy = (base + rng.normal(0, 1, (64, 64)) for _ in range(1500))
    marks = [compute_signature(image.clip(0, 255).astype(np.uint8)) for image in noisy]
    told: list[tuple[int, int]] = []
    found = find_near_pairs(marks, on_image=lambda done, total: told.append((done, total)))
    first, across, second = (compared[at] for at in (0, 2, 4))
    assert (len(compared), first, second) == (6, 1023, 475)
    assert across <= MAX_PAIRS  # the others of the first block have their pairs already
    firsts = [pair.first for pair in found]
    assert {firsts.count(first) for first in range(1490)} == {MAX_PAIRS}
    assert told == [(1024, 1500), (1500, 1500)]


def test_pairs_of_one_side_leave_room_for_those_of_others() -> None:
    mark = compute_signature(IMAGES[0])
    sets = [0] * 15 + [1, 1] + [UNCOMPARED] * 3
    found = {(p.first, p.second) for p in find_near_pairs([mark] * 20, sets)}
    assert {j for i, j in found if i == 0} == {*range(1, 11), 15, 16, 17, 18, 19}
    assert not any(i > 16 for i, _ in found)
    assert (15, 16) in found
