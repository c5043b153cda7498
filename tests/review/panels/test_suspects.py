"""The panel of labels that may be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pictured import two_pictured
from reported import ReportedRuns, texts
from toys import values

from comp.contract.metrics import MAE
from comp.contract.sample import Sample
from comp.data.dropped import mark_of
from comp.page.blocks import Code, Gallery
from comp.review.facts import read_facts
from comp.review.panels.suspects import FILE, panel


def test_a_wrong_label_has_a_card_with_a_tick_box(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    given["s6"] = 0.97
    found = panel(runs.add("r", given, folds))
    assert found is not None
    gallery = next(block for block in found.blocks if isinstance(block, Gallery))
    assert gallery.ticks
    assert gallery.file_name == FILE
    assert [card.id for card in gallery.cards] == ["s6"]
    assert gallery.cards[0].mark == mark_of(Sample(id="s6", target=0.0)) != "-"
    assert "label: no (3.0%)" in texts(found)
    assert "suggested: yes (97.0%)" in texts(found)
    assert "1 of 40 labels are estimated to be wrong (2.5%)" in texts(found)
    assert Code(f"comp run toy --repeat r --set drop={FILE}") in found.blocks


def test_without_suspects_there_is_no_gallery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    found = panel(runs.add("r", given, folds))
    assert found is not None
    assert not any(isinstance(block, Gallery) for block in found.blocks)
    assert "0 of 40 labels" in texts(found)


def test_so_many_suspects_are_mistakes_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    for index in range(0, 40, 3):
        given[f"s{index}"] = 1 - given[f"s{index}"]
    found = panel(runs.add("r", given, folds, fit=False))
    assert found is not None
    assert "more likely mistakes of the model" in texts(found)


def test_numbers_are_ranked_by_their_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [Sample(id=f"s{i}", target=float(i), group=f"g{i // 2}") for i in range(30)]
    runs = ReportedRuns(tmp_path, monkeypatch, samples, task=values(), metric=MAE)
    given = {s.id: i + 0.5 for i, s in enumerate(samples)} | {"s9": 40.0, "s8": 39.0}
    found = panel(runs.add("r", given, {s.id: (i // 2) % 2 for i, s in enumerate(samples)}))
    assert found is not None
    gallery = next(block for block in found.blocks if isinstance(block, Gallery))
    assert {card.id for card in gallery.cards[:2]} == {"s8", "s9"}
    assert "no estimate of wrong targets" in texts(found)
    assert "Groups with several suspects" in texts(found)
    assert "predicted: 40" in texts(found)


def test_predictions_that_are_not_finite_judge_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch, 8)
    runs.write("r", dict.fromkeys(given, float("nan")), folds, fit=False)
    found = panel(read_facts("r", runs.workspace))
    assert found is not None
    assert "no label can be judged" in texts(found)
