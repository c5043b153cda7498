"""The panel of samples, from worst to best."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictured import two_pictured
from reported import ReportedRuns, texts, two_classes

from comp.contract.metrics import ACCURACY
from comp.contract.sample import Sample
from comp.page.blocks import Gallery, Panel
from comp.review.facts import read_facts
from comp.review.panels.samples import OTHERS, WORST, panel, worst_ids
from comp.tasks.multiclass import multiclass


def galleries(found: Panel) -> dict[str, list[str]]:
    """The ids of the cards by the title of their gallery."""
    return {
        str(block.title): [card.id for card in block.cards]
        for block in found.blocks
        if isinstance(block, Gallery)
    }


def test_galleries_go_from_worst_to_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch, 60)
    given["s8"] = 0.99
    facts = runs.add("r", given, folds)
    found = panel(facts, {"s8": "data:map"})
    assert found is not None
    shown = galleries(found)
    rest = shown.pop("The worst of folds and classes that are not among them", [])
    assert not {*rest} & {*shown["The worst"]}
    assert list(shown) == ["The worst", "Middling", "The best"]
    assert shown["The worst"][0] == "s8"
    assert shown["The worst"] == worst_ids(facts)
    assert len(shown["The worst"]) == WORST
    assert len(shown["Middling"]) == len(shown["The best"]) == OTHERS
    assert not {*shown["The worst"]} & {*shown["Middling"], *shown["The best"]}
    first = next(block for block in found.blocks if isinstance(block, Gallery))
    assert set(first.filters) == {"fold", "class"}
    assert first.cards[0].pictures[1] == "data:map"
    assert "most sure and wrong" in texts(found)


def test_each_fold_and_class_has_its_worst_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [Sample(id=f"s{i}", target=0 if i < 40 else 1 + i % 2) for i in range(50)]
    fields = {"task": multiclass(("a", "b", "c")), "metric": ACCURACY}
    runs = ReportedRuns(tmp_path, monkeypatch, samples, **fields)
    chances = {s.id: np.array([0.4, 0.3, 0.3]) for s in samples}
    for index in range(40, 50):
        chances[f"s{index}"] = np.eye(3)[1 + index % 2] * 0.7 + 0.1
    chances["s7"] = np.array([0.3, 0.6, 0.1])
    facts = runs.add("r", chances, {s.id: i % 2 for i, s in enumerate(samples)})
    found = panel(facts)
    assert found is not None
    shown = galleries(found)
    assert shown["The worst"][0] == "s7"
    rest = shown["The worst of folds and classes that are not among them"]
    assert {facts.oof.samples[name].target for name in rest} == {1, 2}  # type: ignore[union-attr]
    assert shown["Sure and wrong"] == ["s7"]
    assert "p(wrong): 0.600" in texts(found)


def test_what_is_left_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, given, folds = two_classes(tmp_path, monkeypatch)
    runs.write("some", given | {"s1": float("nan")}, folds, fit=False)
    found = panel(read_facts("some", runs.workspace))
    assert found is not None
    assert "1 are left out: their prediction is not finite" in texts(found)
    runs.write("none", dict.fromkeys(given, float("nan")), folds, fit=False)
    found = panel(read_facts("none", runs.workspace))
    assert found is not None
    assert "Not shown: no prediction is finite" in texts(found)


def test_without_data_the_reason_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, given, folds = two_classes(tmp_path, monkeypatch)
    runs.add("r", given, folds)
    runs.change_target("data", 0, target=1)
    facts = read_facts("r", runs.workspace)
    assert facts.oof is None
    found = panel(facts)
    assert found is not None
    assert facts.oof_missing in texts(found)
