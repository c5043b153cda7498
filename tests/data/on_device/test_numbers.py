"""Random numbers of a batch, which belong to its images and not to the batch."""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats

from comp.data.on_device.numbers import between, chosen, normal, whole


def uniform(count: int, columns: int = 1) -> torch.Tensor:
    values = np.random.default_rng(0).random((count, columns), dtype=np.float32)
    return torch.from_numpy(values)


def test_normal_numbers_are_normal_and_not_correlated() -> None:
    made = normal(uniform(40, 2), 5_000).numpy()
    assert stats.kstest(made[:, ::5].ravel(), "norm").pvalue > 0.01
    assert abs(np.corrcoef(made[:, 1:].ravel(), made[:, :-1].ravel())[0, 1]) < 0.01
    assert np.abs(np.corrcoef(made)[np.triu_indices(40, 1)]).max() < 0.08


def test_normal_numbers_follow_from_the_key_of_the_image_alone() -> None:
    keys = uniform(6, 2)
    made = normal(keys, 100)
    assert torch.equal(made[[4, 1]], normal(keys[[4, 1]], 100))
    assert torch.equal(made[:, :30], normal(keys, 30))
    assert len({row.numpy().tobytes() for row in made}) == 6


def test_no_extreme_key_gives_a_number_that_is_not_finite() -> None:
    keys = torch.tensor([[0.0, 0.0], [1 - 2**-24, 1 - 2**-24]])
    assert normal(keys, 100_000).isfinite().all()


def test_whole_numbers_are_equally_frequent() -> None:
    counts = np.bincount(whole(uniform(9_000)[:, 0], 3).int().numpy(), minlength=3)
    assert stats.chisquare(counts).pvalue > 0.01
    assert whole(torch.tensor([0.0, 1 - 2**-24]), 5).tolist() == [0, 4]


def test_ranges_and_shares() -> None:
    values = between(uniform(2_000)[:, 0], (-2, 6))
    assert -2 <= values.min() < -1.9 < 5.9 < values.max() < 6
    changed, image = torch.ones(3, 1, 2, 2), torch.zeros(3, 1, 2, 2)
    numbers = torch.tensor([0.1, 0.3, 0.0])
    assert chosen(changed, image, numbers, 0.2)[:, 0, 0, 0].tolist() == [1, 0, 1]
    assert chosen(changed, image, numbers, 1.0) is changed
