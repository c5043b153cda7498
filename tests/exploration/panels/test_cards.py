"""Cards: masks in red, and a page that is full."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import toy

from comp.contract.sample import Sample
from comp.data.dropped import mark_of
from comp.exploration.panels import cards as module
from comp.exploration.panels.cards import Cards, outlined
from comp.exploration.pictures import Pictures
from comp.exploration.subjects import Subjects
from comp.runs.progress import Silent


class Noise(Pictures):
    """A random picture for each sample; that of the last cannot be read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def image(self, sample: Sample) -> np.ndarray | None:
        """The picture of a sample."""
        self.read.append(sample.id)
        if sample.id == "9":
            return None
        rng = np.random.default_rng(int(sample.id))
        return rng.integers(0, 255, (50, 40, 3), dtype=np.uint8)


@pytest.fixture
def subjects() -> Subjects:
    return Subjects(
        competition=toy(classes=("cat", "dog")),
        samples=[Sample(id=str(i), image=Path(f"{i}.png")) for i in range(10)],
        splits=["train"] * 9 + ["test"],
        classes=[("cat",)] * 9 + [()],
    )


def test_each_picture_is_read_once_and_when_it_is_needed(subjects: Subjects) -> None:
    pictures = Noise()
    cards = Cards(subjects, pictures, 0)
    named = subjects.named(3)
    assert cards.card(named).pictures == []
    cards.card(named)
    cards.load(Silent())
    assert pictures.read == ["3"]
    (picture,) = cards.card(named, ["near"]).pictures
    assert picture.startswith("data:image/webp;base64,")
    assert cards.card(named, ["near"]).lines == ["cat", "near"]
    assert cards.card(named, label=False).lines == []


def test_a_full_page_says_so_and_an_unreadable_image_has_no_picture(
    subjects: Subjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUDGET", 5000)
    cards = Cards(subjects, Noise(), 0)
    names = [subjects.named(row) for row in range(10)]
    for name in names:
        cards.card(name)
    cards.load(Silent())
    shown = [bool(cards.card(name).pictures) for name in names]
    assert cards.cut
    assert shown[0]
    assert not any(shown[5:])
    pair = cards.pair(names[0], names[9], [], names[9])
    assert (pair.id, pair.pictures, len(pair.lines)) == ("9", (), 2)


def test_a_pair_has_the_mark_of_the_sample_that_may_go(subjects: Subjects) -> None:
    """The list of ticked ids says which sample an id means."""
    samples = [replace(s, target=1.0) if s.id == "1" else s for s in subjects.samples]
    first, second = subjects.named(0), subjects.named(1)
    cards = Cards(replace(subjects, samples=samples), Noise(), 0)
    assert cards.pair(first, second, [], second).mark == mark_of(samples[1]) != "-"
    assert cards.pair(first, second, [], first).mark == "-"


def test_masks_are_red_where_they_cover() -> None:
    masks = np.zeros((4, 4, 1), np.float32)
    masks[:2] = 1
    found = outlined(np.zeros((8, 8), np.uint8), masks)
    assert found.shape == (8, 8, 3)
    assert found[0, 0, 0] > 100
    assert not found[7].any()
