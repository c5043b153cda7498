"""Commands in several processes: `--gpus N`, torchrun and `accelerate launch`.

Only `comp run` and `comp resume` train, so the other commands do their work in one process, and the
rest of the processes end at once. No process starts a run of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from comp.cli.started import STARTED_AT, VARIABLE
from comp.config.launched import VARIABLES, launched
from comp.config.placement import Placement
from comp.errors import CompError
from comp.streams import print_to_stderr

TOGETHER = ("run", "resume")
"""The commands that train."""
ALONE = ("-h", "--help", "--verify")
"""Options with which they do not train, or in one process."""


class _Process:
    """The number of processes that run this command together."""

    count = 1


@contextmanager
def ranks_of(arguments: Sequence[str]) -> Iterator[bool]:
    """Meet the other processes of the launcher; yields whether this process runs the command.

    Raises:
        ConfigError: the variables of the launcher are wrong.
    """
    here = launched()
    if here is None:
        yield True
    elif arguments[:1] and arguments[0] in TOGETHER and not set(ALONE) & set(arguments):
        from comp.training.rank_group import join, leading

        ranks = join(here)
        _Process.count = ranks.size
        if ranks.leads:
            with leading(ranks), Path(os.devnull).open(encoding="utf-8") as nothing:
                sys.stdin = nothing  # a launcher gives no terminal to type into
                yield True
        else:
            _follow(ranks)
            yield False
    else:
        for name in VARIABLES:
            os.environ.pop(name, None)
        if here.rank == 0 and arguments:
            print_to_stderr(
                f"'comp {arguments[0]}' works in one of the {here.size} processes: start it "
                "without a launcher"
            )
        yield here.rank == 0


def _follow(ranks: object) -> None:
    """Train with rank 0. A fault that a user can mend is for rank 0 to print."""
    from comp.pipeline.ranked import follow
    from comp.report.libraries import quiet_libraries
    from comp.training.ranks import LeaderFailedError

    quiet_libraries()
    try:
        follow(ranks)  # type: ignore[arg-type]
    except (CompError, LeaderFailedError):
        raise SystemExit(1) from None


def placed(jobs: int | None, on: str, gpus: int | None, node_data: str = "") -> Placement:
    """Where the folds train. With `--gpus N` outside of a launcher this starts the command again,
    in N processes, and ends with their exit code.

    Raises:
        ConfigError: options that exclude each other.
        DeviceError: there are fewer GPUs.
    """
    placement = Placement(jobs=jobs, on=on, gpus=gpus or 1, node_data=node_data)
    if on:
        from comp.engines.ray_session import cluster_address

        cluster_address(on)
    if _Process.count == 1 and placement.gpus > 1:
        raise typer.Exit(_launch(placement))
    return placement


def _launch(placement: Placement) -> int:
    from comp.pipeline.rank_checks import check_gpus, check_one_job

    check_one_job(placement, placement.gpus)

    import torch

    from comp.training.launch import launch

    check_gpus(placement.gpus, torch.cuda.device_count())
    os.environ[VARIABLE] = repr(STARTED_AT)  # a budget counts from here, not from the processes
    return launch(placement.gpus, sys.argv[1:])
