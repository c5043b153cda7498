"""A fold on several GPUs: rank 0 is the run, and the other ranks take part in its trainings.

A training is a function of (configuration, fold, data folder, run folder, checkpoint), so rank 0
only sends these. The other ranks write nothing.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from comp.config.schema import resolve
from comp.contract import registry
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.runs.progress import Silent
from comp.signals import Stopped
from comp.training.device import OutOfMemoryError, choose_precision, make_accelerator, of_rank
from comp.training.losses import loss_name
from comp.training.rank_group import Followed, post, signals_noted
from comp.training.ranks import LeaderFailedError, Ranks, current_ranks
from comp.training.spec import NoScoreError, NotFiniteError
from comp.training.state import TrainingCheckpoint, read_checkpoint

AGREED = (NotFiniteError, NoScoreError, OutOfMemoryError, LeaderFailedError, Stopped)
"""What ends a training in all ranks at the same step."""


def of_all_ranks(
    context: FoldContext, steps: int, checkpoint: TrainingCheckpoint | None
) -> FoldContext:
    """The context of a training in which all ranks take part; in rank 0 this tells the others.

    Args:
        checkpoint: the one to resume from.
    """
    ranks = current_ranks()
    if ranks.alone:
        return context
    if ranks.leads:
        post(ranks, _training(context, steps, checkpoint))
    config, device = context.config, of_rank(context.accelerator.device, ranks)
    precision = choose_precision(config.precision, device)
    accelerator = make_accelerator(device, precision, config.optim.accumulate, ranks)
    return replace(context, accelerator=accelerator, ranks=ranks)


def _training(
    context: FoldContext, steps: int, checkpoint: TrainingCheckpoint | None
) -> dict[str, Any]:
    """A training of rank 0 for the other ranks, as JSON: `made_of` is the configuration of the
    fold's context, and `config` that of the training, whose batches may be smaller."""
    assert context.origin
    made_of, data, folder = context.origin
    return {
        "competition": context.config.competition,
        "made_of": made_of.model_dump(mode="json"),
        "config": context.config.model_dump(mode="json"),
        "fold": context.fold,
        "data": str(data.absolute()),
        "folder": str(folder.absolute()),
        "steps": steps,
        "checkpoint": str(checkpoint.path.absolute()) if checkpoint else "",
    }


def gathers(context: FoldContext) -> bool:
    """Whether each rank computes the loss of the whole batch: numbers are few, and a loss of the
    competition may be anything. The losses of images here are means over the images."""
    own = loss_name(context.competition, context.config) == "own" and context.competition.loss
    return context.competition.task.output == "numbers" or bool(own)


def follow(ranks: Ranks) -> dict[str, Any]:
    """Take part in the trainings of rank 0 until it ends; returns what it said then.

    Raises:
        LeaderFailedError: rank 0 failed by itself, and says why.
        Exception: this rank failed.
    """
    followed = Followed(ranks)
    try:
        with signals_noted():
            for job in followed.jobs():
                _take_part(job)
                gc.collect()
    except BaseException as error:
        if followed.failed(error):
            raise LeaderFailedError from None
        raise
    return followed.words


def _take_part(job: Mapping[str, Any]) -> None:
    """Compute this rank's part of a training that `_training` describes."""
    from comp.pipeline.fold import train

    competition = registry.get(job["competition"])
    name, options = competition.name, competition.options
    made_of, config = (resolve(name, [job[key]], options) for key in ("made_of", "config"))
    context = make_fold_context(made_of, job["fold"], Path(job["data"]), Path(job["folder"]))
    context, nowhere = replace(context, config=config), Path(os.devnull)
    checkpoint = read_checkpoint(Path(job["checkpoint"])) if job["checkpoint"] else None
    with suppress(*AGREED):
        train(context, job["steps"], nowhere, Silent(), resume_from=checkpoint)
