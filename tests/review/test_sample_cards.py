"""A sample as a card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictured import two_pictured
from reported import ReportedRuns, texts
from toys import values

from comp.contract.metrics import MAE, MEAN_AUC
from comp.contract.sample import Sample
from comp.review.sample_cards import SampleCards, _cell, names_of, shown_channels
from comp.tasks.multilabel import multilabel


def test_a_card_says_what_is_true_and_what_is_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    given["s1"] = 0.1
    cards = SampleCards(runs.add("r", given, folds), {"s1": "data:overlay"})
    card = cards.card("s1")
    assert [str(line) for line in card.lines] == ["true: yes", "predicted: no"]
    assert card.tags == {"fold": "0", "class": "yes"}
    assert len(card.pictures) == len(card.captions) == 2
    assert card.pictures[1] == "data:overlay"
    alone = cards.card("s2", words=False)
    assert len(alone.pictures) == 1
    assert list(alone.lines) == []


def test_an_image_that_is_gone_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    facts = runs.add("r", given, folds)
    (tmp_path / "images" / "1.png").write_bytes(b"nothing")
    card = SampleCards(facts).card("s1")
    assert card.pictures == []
    assert "true: yes" in texts([card])  # type: ignore[list-item]


def test_groups_labels_and_numbers_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [Sample(id=f"s{i}", target=[i % 2, 0], group="p1") for i in range(4)]
    fields = {"task": multilabel(("red", "big")), "metric": MEAN_AUC}
    runs = ReportedRuns(tmp_path, monkeypatch, samples, **fields)
    given = {s.id: np.array([0.2 + 0.2 * i, 0.1]) for i, s in enumerate(samples)}
    runs.write("r", given, dict.fromkeys(given, 0), fit=False)
    from comp.review.facts import read_facts

    cards = SampleCards(read_facts("r", runs.workspace))
    assert str(cards.card("s0").lines[0]) == "true: -"
    assert [str(line) for line in cards.card("s3").lines] == [
        "true: red",
        "predicted: red",
        "group: p1",
    ]


def test_a_row_of_a_table_shows_its_main_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"age": float(i), "town": "ab"[i % 2]} for i in range(12)]
    samples = [Sample(id=f"s{i}", target=1e5 + i, features=row) for i, row in enumerate(rows)]
    fields = {"task": values(), "metric": MAE, "columns": True, "inputs": ("numbers",)}
    runs = ReportedRuns(tmp_path, monkeypatch, samples, **fields)
    facts = runs.add(
        "r", {s.id: 2.5 for s in samples}, {s.id: i % 2 for i, s in enumerate(samples)}
    )
    lines = [str(line) for line in SampleCards(facts).card("s3").lines]
    assert lines == ["true: 100,003", "predicted: 2.5", "age: 3", "town: b"]


def test_only_the_picture_of_an_image_with_features_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.tasks.image_to_image import image_to_image

    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    facts = runs.add("r", given, folds)
    image = np.zeros((4, 4, 5), np.uint8)
    assert shown_channels(facts, image) is image
    object.__setattr__(facts.competition, "task", image_to_image())
    assert shown_channels(facts, image).shape == (4, 4, 1)


def test_long_lists_are_short() -> None:
    assert names_of(list("abcdefgh")) == "a, b, c, d, e, f +2"


def test_a_long_cell_loses_its_middle() -> None:
    assert len(_cell("x" * 100_000)) < 200
    assert _cell(None) == "-"
