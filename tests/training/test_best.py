"""The best weights, and the format of their state in resume.pt."""

from __future__ import annotations

import torch
from torch import nn

from comp.training.best import BestWeights


def better(score: float, best: float | None) -> bool:
    return best is None or score < best


def test_the_best_weights_are_a_copy_and_later_validations_are_counted() -> None:
    model, best = nn.Linear(1, 1), BestWeights(better)
    first = model.weight.detach().clone()
    best.update(model, 0.5, 0.1, 3)
    with torch.no_grad():
        model.weight += 1
    best.update(model, 0.6, 0.2, 6)
    assert torch.equal(best.weights["weight"], first)
    assert (best.score, best.loss, best.step, best.validations_since) == (0.5, 0.1, 3, 1)


def test_the_keys_of_the_state_never_change() -> None:
    """A run stopped by an earlier version resumes from them."""
    best, again = BestWeights(better), BestWeights(better)
    best.update(nn.Linear(1, 1), 0.5, 0.1, 3)
    state = best.state_dict()
    assert list(state) == ["score", "loss", "step", "waits", "state"]
    again.load_state_dict(state | {"waits": 2})
    assert (again.score, again.validations_since) == (0.5, 2)
    assert again.weights == best.weights
