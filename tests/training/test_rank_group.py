"""Ranks that fail; `tests/pipeline/test_ranked.py` has two that work."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
import torch.distributed as dist

from comp.errors import RunError
from comp.training import rank_group
from comp.training.rank_group import END, FAILURE, Followed, explained, leading, post
from comp.training.ranks import ALONE, Ranks, current_ranks, set_ranks


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Ranks, Ranks]]:
    """Two ranks that share a store, in one process."""
    monkeypatch.setattr(rank_group, "GRACE_S", 0.2)
    monkeypatch.setattr(rank_group._Process, "lost", False)
    monkeypatch.setattr(rank_group._Process, "meetings", 0)
    store = dist.HashStore()
    yield Ranks(rank=0, size=2, store=store), Ranks(rank=1, size=2, store=store)
    set_ranks(ALONE)


def _threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def _left(before: set[threading.Thread]) -> list[threading.Thread]:
    """The new threads that do not end."""
    new = _threads() - before
    for thread in new:
        thread.join(60)
    return [thread for thread in new if thread.is_alive()]


def test_a_rank_gets_the_jobs_of_rank_0_until_it_ends(two: tuple[Ranks, Ranks]) -> None:
    with leading(two[0]) as words:
        post(current_ranks(), {"fold": 0})
        post(current_ranks(), {"fold": 1})
        words["run"] = "a run"
    assert current_ranks() is ALONE
    assert rank_group._Process.lost  # rank 1 did not say that it has left
    rank_group._Process.lost, rank_group._Process.meetings = False, 0
    two[0].store.delete_key(f"run-1/{END}")
    before, followed = _threads(), Followed(two[1])
    jobs = followed.jobs()
    assert [next(jobs), next(jobs)] == [{"fold": 0}, {"fold": 1}]
    followed.ranks.store.set(END, json.dumps({"failed": False, "run": "a run"}))
    assert list(jobs) == []
    assert followed.words == {"failed": False, "run": "a run"}
    assert followed.ranks.store.check(["left-1"])
    assert not _left(before)  # one that is left could abort the process at its end


def test_a_rank_that_fails_leaves_no_thread(two: tuple[Ranks, Ranks]) -> None:
    before, followed = _threads(), Followed(two[1])
    post(followed.ranks, {"fold": 0})
    jobs = followed.jobs()
    assert next(jobs) == {"fold": 0}
    assert _threads() - before  # it watches rank 0 while this rank computes
    assert not followed.failed(ValueError("no such image"))
    assert not _left(before)
    jobs.close()


def test_rank_0_says_why_another_rank_failed(two: tuple[Ranks, Ranks]) -> None:
    assert not Followed(two[1]).failed(ValueError("no such image"))  # rank 0 has not ended
    assert rank_group._Process.lost
    rank_group._Process.lost, rank_group._Process.meetings = False, 0
    leader = rank_group.next_meeting(two[0])
    assert leader.store.check([FAILURE])
    with (
        pytest.raises(RunError, match="ended, rank 1 of 2: no such image: 'comp resume'"),
        explained(leader),
    ):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:561] Connection closed by peer")


def test_an_error_of_another_kind_stays(two: tuple[Ranks, Ranks]) -> None:
    for ranks in (ALONE, two[0]):
        with pytest.raises(RuntimeError, match="a bug"), explained(ranks):
            raise RuntimeError("a bug")


def test_lost_processes_train_no_more(two: tuple[Ranks, Ranks]) -> None:
    rank_group._Process.lost = True
    with pytest.raises(RunError, match="start them again"), leading(two[0]):
        pass
