from __future__ import annotations

import pytest

from comp.config.launched import Launched
from comp.errors import RunError
from comp.pipeline import ranked_call
from comp.pipeline.ranked_call import in_rank_0, in_ranks

TWO = [Launched(rank=rank, size=2, local_rank=rank, local_size=2) for rank in range(2)]


def predict(run: str) -> str:
    return f"{run} predicted"


def test_a_call_of_one_process_stays_as_it_is() -> None:
    assert in_rank_0(predict)("a run") == "a run predicted"
    assert in_ranks(predict)("a run") == "a run predicted"  # type: ignore[arg-type,comparison-overlap]


def test_what_does_not_train_is_refused_in_the_other_ranks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ranked_call._Process, "launched", TWO[0])
    assert in_rank_0(predict)("a run") == "a run predicted"
    monkeypatch.setattr(ranked_call._Process, "launched", TWO[1])
    with pytest.raises(RunError, match=r"comp\.predict works in one process, .* rank 1 of 2"):
        in_rank_0(predict)("a run")
