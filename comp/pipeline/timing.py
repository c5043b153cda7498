"""Measures what a fold costs on this machine, with a model that is thrown away."""

from __future__ import annotations

import gc
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from comp.config.schema import RunConfig
from comp.config.sections import ThawConfig
from comp.pipeline.fold import train, with_smaller_batches
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.pipeline.run_inputs import RunInputs, scratch_run
from comp.runs.progress import Reporter, Silent
from comp.training.budget import FoldCost, check_budget
from comp.training.device import OutOfMemoryError, explain_out_of_memory
from comp.training.spec import FitResult

SLOW_STEP_S = 2.0
"""If a step takes longer than this, the first measurement is enough."""


def measure(inputs: RunInputs, began: float, reporter: Reporter) -> FoldCost | None:
    """Measure what a fold costs; on a GPU only if the run has a budget, else return None.

    Args:
        began: `time.perf_counter()` when the budget began to count.

    Raises:
        RunError: the budget is too small for the folds.
    """
    config, fold = inputs.config, inputs.folds_to_train[0]
    if config.budget is None and not inputs.device.startswith("cpu"):
        return None
    reporter.note("measuring how fast this machine trains and predicts ...")
    with scratch_run(inputs) as folder:
        cost = time_fold(config, fold, inputs.source.root, folder.path, reporter)
    if config.budget:
        seconds_left = config.budget - (time.perf_counter() - began)
        check_budget(seconds_left, len(inputs.folds_to_train), cost)
    return cost


def time_fold(
    config: RunConfig, fold: int, data: Path, folder: Path, reporter: Reporter
) -> FoldCost:
    """Measure a fold by training and predicting a little, on batches of half the size if the GPU
    runs out of memory.

    The fold itself is not affected: it seeds its generators again.
    """
    make_fold_context(config, fold, data, folder)  # the first call is slower than later ones
    started = time.perf_counter()
    context = make_fold_context(config, fold, data, folder)
    setup_s = time.perf_counter() - started
    with suppress(OutOfMemoryError):
        return _fold_cost(context, setup_s)
    gc.collect()
    return replace(_fold_cost(with_smaller_batches(context, reporter), setup_s), halved=True)


def _fold_cost(context: FoldContext, setup_s: float) -> FoldCost:
    config = context.config
    count = 2 if context.competition.task.output == "image" else config.predict.batch_size
    short = replace(context, held_out=context.held_out[:count], config=costliest_steps(config))

    def validate(model: nn.Module) -> float:
        short.validate(model)
        return 0.0  # a few samples may have no score, such as the AUC of one class

    with TemporaryDirectory() as scratch, explain_out_of_memory():
        history = Path(scratch) / "history.jsonl"
        model, fit_result = train(short, 3, history, Silent(), validate)
        if _step_s(fit_result) < SLOW_STEP_S:
            model, fit_result = train(short, 3, history, Silent(), validate)
            steps = max(5, min(200, int(4.0 / _step_s(fit_result))))
            model, fit_result = train(short, steps, history, Silent(), validate)
    samples = max(1, len(short.held_out))
    validate_s = fit_result.meter.validate_s * len(context.held_out) / samples
    started = time.perf_counter()
    list(context.predict(model, short.held_out))
    sample_s = (time.perf_counter() - started) / samples
    predict_s = sample_s * (len(context.held_out) + len(context.test))
    return FoldCost(
        step_s=_step_s(fit_result),
        fixed_s=setup_s + predict_s + validate_s * config.validations,
        reserve_s=setup_s,
    )


def costliest_steps(config: RunConfig) -> RunConfig:
    """The configuration of a fold's costliest steps, those after the last stage has thawed, with
    one validation."""
    thawed = {} if config.thaw.how == "never" else {"freeze": "none", "thaw": ThawConfig()}
    return config.model_copy(update={"validations": 1, "patience": None, **thawed})


def _step_s(fit_result: FitResult) -> float:
    return (fit_result.seconds - fit_result.meter.validate_s) / fit_result.steps
