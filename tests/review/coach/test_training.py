"""Rules about the training, on runs whose curves and predictions are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from review_runs import ReviewRun, calibrated, chances

from comp.contract.metrics import AUC, LOG_LOSS
from comp.review.coach.training import (
    frozen_at_random,
    frozen_too_much,
    learned_nothing,
    overfits,
    rate_too_high,
    rate_too_low,
    too_few_steps,
    too_few_trees,
    underfits,
)

TRUTH = np.arange(300) % 2
RISING = [[0.5, 0.5, 0.5, 0.6, 0.7, 0.8]] * 3
FALLING = [[0.6, 0.5, 0.4, 0.3, 0.2, 0.1]] * 3
FLAT = [
    [0.6, 0.62, 0.6, 0.61, 0.62, 0.6],
    [0.6, 0.6, 0.62, 0.6, 0.6, 0.61],
    [0.6, 0.6, 0.6, 0.62, 0.61, 0.62],
]
RNG = np.random.default_rng(0)


def make(tmp_path: Path, patch: pytest.MonkeyPatch, sharpness: float = 1.0) -> ReviewRun:
    return ReviewRun(tmp_path, patch, TRUTH, chances(TRUTH, sharpness), metric=AUC)


def test_too_few_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(tmp_path, monkeypatch)
    assert too_few_steps(run.facts()) is None
    note = too_few_steps(run.curves(RISING, FALLING, epochs=60).facts())
    assert note
    assert str(note.text).startswith("Too few steps: in the last part")
    assert note.command.endswith("--set epochs=120")


def test_less_than_one_pass_over_the_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(tmp_path, monkeypatch).curves([[0.6]] * 3, [[0.5]] * 3, max_steps=20)
    assert too_few_steps(run.facts()) is None
    for path in run.folder.glob("fold-*/history.jsonl"):
        path.write_text(path.read_text().replace('"epoch": 10.0', '"epoch": 0.4'))
    note = too_few_steps(run.facts())
    assert note
    assert "only 40% of its samples once" in str(note.text)
    assert note.command.endswith("--max-steps 100")


def test_a_rate_that_is_too_high(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(tmp_path, monkeypatch).config(optim={"lr": 0.5})
    rising = [[0.1, 0.2, 0.4, 0.8, 2.0, 9.0]] * 3
    note = rate_too_high(run.curves(FLAT, rising).facts())
    assert note
    assert note.command.endswith("--set optim.lr=0.05")
    run.record(reason="every score of fold 0 is NaN: the predictions are not finite")
    assert rate_too_high(run.facts())


def test_a_rate_that_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(tmp_path, monkeypatch).config(optim={"lr": 0.5})
    assert rate_too_high(run.curves(FLAT, FALLING).facts()) is None


def test_overfitting_and_its_absence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(tmp_path, monkeypatch)
    assert overfits(run.curves(RISING, FALLING).facts()) is None


def test_overfitting_by_the_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    falling = [[0.5, 0.8, 0.9, 0.8, 0.7, 0.6]] * 3
    note = overfits(make(tmp_path, monkeypatch).curves(falling, FALLING).facts())
    assert note
    assert str(note.text).startswith("Overfitting: from step 40 on")


def test_nothing_learned_after_a_short_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, RNG.random(300), metric=AUC)
    run.curves([[0.5]] * 3, [[0.7]] * 3, epochs=2)
    for fold in range(3):
        path = run.folder / f"fold-{fold}" / "history.jsonl"
        path.write_text(path.read_text().replace('"epoch": 10.0', '"epoch": 2.0'))
    note = learned_nothing(run.facts())
    assert note
    assert "less than 3 times" in str(note.text)
    assert note.command.endswith("--set epochs=10")


def test_nothing_learned_after_a_long_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, RNG.random(300), metric=AUC)
    note = learned_nothing(run.curves(FLAT, FALLING).facts())
    assert note
    assert note.command == "comp check toy"


def test_nothing_learned_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, RNG.random(300), metric=AUC)
    small = [[0.5, 0.5, 0.5, 0.51, 0.52, 0.53]] * 3
    note = learned_nothing(run.curves(small, FALLING, epochs=60).facts())
    assert note
    assert "but still became better at the end" in str(note.text)
    assert note.command.endswith("--set epochs=300")


def test_a_loss_that_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, RNG.random(300), metric=AUC)
    run.curves(FLAT, [[0.7, 0.695, 0.7, 0.69, 0.7, 0.695]] * 3, optim={"lr": 1e-7})
    note = rate_too_low(run.facts())
    assert note
    assert str(note.text).startswith("The learning rate 1e-07 does not fit")
    assert note.command == "comp lr-find toy"
    assert learned_nothing(run.facts()) is None
    assert rate_too_low(run.config(freeze="all").facts()) is None


@pytest.mark.parametrize("learned", [True, False])
def test_a_loss_that_falls_or_a_run_that_learned(
    learned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = chances(TRUTH, 1.0) if learned else RNG.random(300)
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, found, metric=AUC)
    losses = [[0.7, 0.695, 0.7, 0.69, 0.7, 0.695]] * 3 if learned else FALLING
    assert rate_too_low(run.curves(FLAT, losses, optim={"lr": 1e-7}).facts()) is None


def test_something_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(tmp_path, monkeypatch)
    assert learned_nothing(run.curves(FLAT, FLAT).facts()) is None


def weak(tmp_path: Path, patch: pytest.MonkeyPatch, **config: Any) -> ReviewRun:
    """A run that explains about 15 % of its training labels and of the others."""
    truth, found = calibrated(600, spread=1.0)
    run = ReviewRun(tmp_path, patch, truth, found, metric=LOG_LOSS)
    return run.curves(FLAT, FLAT, loss={"name": "bce"}, **config)


def test_underfitting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = weak(tmp_path, monkeypatch).facts()
    note = underfits(facts)
    assert note
    assert "explains only 12% of its training labels" in str(note.text)
    assert note.command == ""  # the models of the run are not known
    (tmp_path / "network").mkdir()
    network = weak(tmp_path / "network", monkeypatch, model=["network"])
    note = underfits(network.facts())
    assert note
    assert note.command == "comp race toy"
    note = underfits(network.config(backbone="resnet18").facts())
    assert note
    assert note.command.endswith("--pretrained")
    assert frozen_too_much(facts) is None


@pytest.mark.parametrize(
    ("weights", "config", "raised"),
    [
        ("none", {"freeze": -2}, True),
        ("none", {"freeze": "none"}, False),
        ("none", {"freeze": -2, "thaw": {"how": "staged"}}, False),
        ("none", {"freeze": -2, "model": ["gbdt"]}, False),
        ("hub", {"freeze": -2}, False),
    ],
)
def test_frozen_stages_with_random_weights(
    weights: str,
    config: dict[str, Any],
    raised: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make(tmp_path, monkeypatch).config(**{"model": ["network"], **config})
    note = frozen_at_random(run.record(weights={"kind": weights}).facts())
    assert bool(note) == raised
    if note:
        assert note.command.endswith("--set freeze=none")


def test_frozen_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = weak(tmp_path, monkeypatch, freeze=-2)
    note = frozen_too_much(run.facts())
    assert note
    assert "freeze = -2" in str(note.text)
    assert note.command.endswith("--set thaw.how=staged")
    assert underfits(run.facts()) is None
    assert frozen_too_much(run.config(thaw={"how": "staged"}).facts()) is None


def test_a_loss_that_still_falls_needs_more_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = weak(tmp_path, monkeypatch, epochs=60, pretrained=True)
    for fold in range(3):
        (run.folder / f"fold-{fold}" / "history.jsonl").unlink()
    losses = [[0.7, 0.69, 0.68, 0.66, 0.64, 0.62]] * 3
    facts = run.curves(FLAT, losses).facts()
    note = underfits(facts)
    assert note
    assert str(note.text).startswith("Too few steps: the network explains only 10% of its training")
    assert note.command.endswith("--set epochs=120")
    assert frozen_too_much(run.config(freeze=-2).facts()) is None


def test_a_network_that_fits_its_training_samples_does_not_underfit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, found = calibrated(600, spread=1.0)
    run = ReviewRun(tmp_path, monkeypatch, truth, found, metric=LOG_LOSS)
    low = [[0.3, 0.3, 0.3, 0.3, 0.31, 0.3]] * 3
    assert underfits(run.curves(FLAT, low, loss={"name": "bce"}).facts()) is None


@pytest.mark.parametrize(
    ("used", "expected"),
    [((100, 100, 100), True), ((100, 99, 100), False), ((None, None, None), False)],
)
def test_trees(used: Any, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(tmp_path, monkeypatch).config(gbdt={"iterations": 100})
    for fold, count in enumerate(used):
        run.fold(fold, estimator={"iterations": count} if count else {})
    note = too_few_trees(run.facts())
    assert bool(note) == expected
    if note:
        assert note.command.endswith("--set gbdt.iterations=300")


def test_trees_that_a_deadline_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(tmp_path, monkeypatch).config(gbdt={"iterations": 100})
    run.fold(0, estimator={"iterations": 100, "late": True})
    assert too_few_trees(run.facts()) is None
