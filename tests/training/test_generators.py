from __future__ import annotations

import torch

from comp.training.generators import generator_states, set_generator_states, vary_torch

CPU = torch.device("cpu")


def test_the_states_of_all_gpus_in_an_old_checkpoint_still_load() -> None:
    states = generator_states(CPU)
    assert states["cuda"] == []
    first = torch.rand(3)
    set_generator_states({**states, "cuda": [torch.zeros(16, dtype=torch.uint8)] * 8}, CPU)
    assert torch.equal(torch.rand(3), first)


def test_ranks_draw_other_numbers_which_follow_from_those_of_rank_0() -> None:
    states = generator_states(CPU)
    drawn = []
    for rank in (1, 2, 1):
        set_generator_states(states, CPU)
        vary_torch(rank, CPU)
        drawn.append(torch.rand(3))
    set_generator_states(states, CPU)
    assert torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], torch.rand(3))
