"""What ranks tell each other; `tests/pipeline/test_ranked.py` has two of them."""

from __future__ import annotations

import torch

from comp.training.ranks import ALONE, Ranks


def test_a_process_alone_agrees_with_itself() -> None:
    part = torch.ones(2, requires_grad=True)
    assert ALONE.highest(3, True) == (3, True)
    assert ALONE.whole(part) is part
    assert ALONE.of_leader(lambda: 0.5) == 0.5
    assert ALONE.mean(part.sum()).item() == 2.0
    assert ALONE.variables() == {}


def test_accelerate_reads_the_ranks_from_variables() -> None:
    ranks = Ranks(rank=3, size=4, local_rank=1, local_size=2)
    assert ranks.variables() == {
        "WORLD_SIZE": "4",
        "RANK": "3",
        "LOCAL_WORLD_SIZE": "2",
        "LOCAL_RANK": "1",
    }
    assert not ranks.leads
