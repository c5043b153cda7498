"""Calls from Python in the processes of a launcher, such as `torchrun --nproc-per-node 2 train.py`.

Every process of the script makes the same calls. Those that train do it together; the others have
one process to work in.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from comp.config.launched import Launched, launched
from comp.errors import RunError
from comp.pipeline.run_view import Run

P = ParamSpec("P")
T = TypeVar("T")


class _Process:
    """This process among those of the launcher, whose variables exist until the first training."""

    launched: Launched | None = None
    ranks: object = None


def in_ranks(call: Callable[P, Run]) -> Callable[P, Run]:
    """Make `call` in rank 0, in whose trainings the other ranks take part; all return its run.

    The call raises RunError in the other ranks if it raises in rank 0.
    """

    @wraps(call)
    def wrapped(*args: P.args, **options: P.kwargs) -> Run:
        if _here() is None:
            return call(*args, **options)
        from comp.pipeline.ranked import follow
        from comp.training.rank_group import join, leading
        from comp.training.ranks import LeaderFailedError, Ranks

        here = _here()
        assert here
        ranks = _Process.ranks = _Process.ranks or join(here)
        assert isinstance(ranks, Ranks)
        if ranks.leads:
            with leading(ranks) as words:
                run = call(*args, **options)
                words["run"] = str(run.folder)
                return run
        with suppress(LeaderFailedError):
            words = follow(ranks)
            if "run" in words:
                return Run(Path(words["run"]))
        raise RunError("rank 0 did not finish its run: see what it says")

    return wrapped


def in_rank_0(call: Callable[P, T]) -> Callable[P, T]:
    """Refuse `call` in the other ranks: it would do the work of rank 0 again."""

    @wraps(call)
    def wrapped(*args: P.args, **options: P.kwargs) -> T:
        here = _here()
        if here and here.rank:
            raise RunError(
                f"comp.{call.__name__} works in one process, and this is rank {here.rank} of "
                f"{here.size}: call it in rank 0 only"
            )
        return call(*args, **options)

    return wrapped


def _here() -> Launched | None:
    _Process.launched = _Process.launched or launched()
    return _Process.launched
