"""The best candidate runs if its advantage over the default is real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import toy_photos

from comp.contract.sample import Sample
from comp.inference.predictions import save_predictions
from comp.racing.choice import PREDICTED, TARGETS, choose, forget_others
from comp.racing.folder import RaceFolder
from comp.runs.race import RaceRound, RoundResult

COUNT = 200


@pytest.fixture
def toy() -> Any:
    return toy_photos()


def samples(groups: int = COUNT) -> list[Sample]:
    return [Sample(id=f"s{i}", target=i % 2, group=f"g{i % groups}") for i in range(COUNT)]


def keep(folder: RaceFolder, number: int, wrong: range, every: list[Sample]) -> RoundResult:
    """The predictions of a candidate that is wrong for some samples."""
    place = folder.held_out / str(number)
    place.mkdir(parents=True)
    right = [0.9 if one.target else 0.1 for one in every]
    values = [1 - p if i in wrong else p for i, p in enumerate(right)]
    made = [np.array([p], dtype=np.float32) for p in values]
    save_predictions(place / PREDICTED, zip(every, made, strict=True))
    targets = [np.array([one.target], dtype=np.float32) for one in every]
    save_predictions(place / TARGETS, zip(every, targets, strict=True))
    return RoundResult(score=1 - len(wrong) / COUNT)


def round_of(results: dict[int, RoundResult]) -> RaceRound:
    return RaceRound(candidates=[*results], seconds=1.0, train=9, held_out=9, results=results)


@pytest.mark.parametrize(
    ("wrong", "winner"), [(range(10), 5), (range(48), 0), (range(50), 0), (range(60), 0)]
)
def test_the_best_runs_if_it_is_clearly_better(
    wrong: range, winner: int, toy: Any, tmp_path: Path
) -> None:
    folder, every = RaceFolder(tmp_path), samples()
    results = {0: keep(folder, 0, range(50), every), 5: keep(folder, 5, wrong, every)}
    found = choose(folder, toy, [round_of(results)], every, 0)
    assert found is not None
    assert found.winner == winner
    assert found.best == (5 if len(wrong) < 50 else 0)
    assert bool(found.comparison) == (found.best == 5)


def test_samples_of_one_group_are_no_evidence(toy: Any, tmp_path: Path) -> None:
    folder, every = RaceFolder(tmp_path), samples(groups=1)
    results = {0: keep(folder, 0, range(50), every), 1: keep(folder, 1, range(10), every)}
    found = choose(folder, toy, [round_of(results)], every, 0)
    assert found is not None
    assert (found.winner, found.best) == (0, 1)
    assert "accuracy 0.95000 against 0.75000; too few" in found.comparison


def test_without_a_score_or_predictions_there_is_no_comparison(toy: Any, tmp_path: Path) -> None:
    folder, none = RaceFolder(tmp_path), RoundResult(problem="too slow")
    assert choose(folder, toy, [round_of({0: none, 1: none})], samples(), 0) is None
    one = round_of({0: none, 1: RoundResult(score=0.5)})
    later = round_of({0: none, 1: none})
    found = choose(folder, toy, [one, later], samples(), 0)
    assert found is not None
    assert (found.winner, found.comparison) == (1, "")
    gone = round_of({0: RoundResult(score=0.4), 1: RoundResult(score=0.5)})
    found = choose(folder, toy, [gone], samples(), 0)
    assert found is not None
    assert (found.winner, found.best) == (0, 1)
    assert "predictions are gone" in found.comparison


def test_only_the_predictions_of_the_best_are_kept(toy: Any, tmp_path: Path) -> None:
    folder, every = RaceFolder(tmp_path), samples()
    results = {n: keep(folder, n, range(50 - n), every) for n in range(4)}
    forget_others(folder, toy, [round_of(results)])
    assert sorted(path.name for path in folder.held_out.iterdir()) == ["0", "3"]
