"""Weights of samples in the loss, and of draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import toy

from comp.config.schema import resolve
from comp.contract.sample import Sample
from comp.data.fingerprint import fingerprint
from comp.data.sample_weights import draw_weights, loss_weights
from comp.errors import ConfigError

OWN = resolve("toy", [{"loader": {"sampler": "own"}}])


def weighted(*weights: Any) -> list[Sample]:
    return [Sample(id=f"s{i}", image=Path(), weight=weight) for i, weight in enumerate(weights)]


def test_weights_in_the_loss_have_the_mean_1() -> None:
    assert loss_weights(weighted(1, np.float32(3), 2)) == [0.5, 1.5, 1.0]


@pytest.mark.parametrize("weights", [(), (1.0, 1.0), (7, 7.0)])
def test_equal_weights_are_no_weights(weights: tuple[float, ...]) -> None:
    assert loss_weights(weighted(*weights)) is None


def test_the_fingerprint_knows_weights_and_times(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"pixels")
    image = tmp_path / "a.png"
    variants: list[dict[str, Any]] = [{}, {"weight": 2.0}, {"time": 1}, {"time": "2024-01-01"}]
    prints = {fingerprint([Sample(id="a", image=image, **fields)]) for fields in variants}
    assert len(prints) == 4
    assert fingerprint([Sample(id="a", image=image, weight=1.0)]) in prints


def test_the_weights_of_the_competition_are_those_of_the_draws() -> None:
    competition = toy(sampling_weights=lambda samples, _config: [s.weight - 1 for s in samples])
    assert draw_weights(competition, OWN, weighted(1, 2, 4)) == [0.0, 1.0, 3.0]
    assert draw_weights(competition, resolve("toy", []), weighted(1, 2, 4)) is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, 2], "returns 2 weights for 3 training samples"),
        ([[1, 2, 3]], r"returns the shape \(1, 3\) for 3"),
        (["a", "b", "c"], "values that are not numbers"),
        ([1, -0.5, 1], r"returns -0\.5 for 's1'"),
        ([1, 1, float("nan")], "returns nan for 's2'"),
        ([0, 0, 0], "weights of sum 0"),
    ],
)
def test_weights_that_cannot_be_drawn_by_are_refused(values: Any, words: str) -> None:
    competition = toy(sampling_weights=lambda _samples, _config: values)
    with pytest.raises(ConfigError, match=words):
        draw_weights(competition, OWN, weighted(1, 1, 1))


def test_own_without_weights_of_the_competition_is_refused() -> None:
    with pytest.raises(ConfigError, match="sampler = own, but toy has no sampling_weights"):
        draw_weights(toy(), OWN, weighted(1, 1))
