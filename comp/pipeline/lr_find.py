"""A learning rate range test on one fold of a competition, with a network that is thrown away.

Nothing is kept of it but what it returns: it trains in a temporary folder, and seeds its
generators as the fold does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import torch

from comp.config.schema import RunConfig
from comp.data.dataset import memory_format
from comp.data.folds import write_folds
from comp.data.location import Source
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.pipeline.run_inputs import prepare_run
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, Step
from comp.training.device import explain_out_of_memory
from comp.training.fit import loss_of
from comp.training.freezing import apply_freezing
from comp.training.losses import make_loss
from comp.training.mixing import make_mixer
from comp.training.optim import make_optimizer
from comp.training.range_test import Curve, range_test
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class RangeTestResult:
    """A range test and what it was made on; `optimizer` is the name of the optimizer."""

    competition: str
    optimizer: str
    fold: int
    device: str
    precision: str
    synthetic: bool
    curve: Curve


def find(
    config: RunConfig,
    source: Source,
    workspace: Workspace,
    reporter: Reporter,
    *,
    fold: int = 0,
    steps: int = 100,
) -> RangeTestResult:
    """Test learning rates on the training samples of a fold.

    The optimizer, batches, augmentation, loss and frozen stages are those with which the fold would
    begin; of layers with an `lr_scale` the rate is that share. There is no schedule, no moving
    average of the weights and no compilation.

    Args:
        steps: optimizer steps of the whole range; it stops where the loss explodes.

    Raises:
        CompError: for whatever is wrong with data or configuration.
    """
    inputs = prepare_run(config, source, workspace, [fold], reporter)
    with TemporaryDirectory() as scratch, explain_out_of_memory():
        folder = RunFolder(Path(scratch))
        write_folds(folder.folds_csv, inputs.train, inputs.folds)
        inputs.images.write_pointer(folder.reader_folder)
        context = make_fold_context(config, fold, source.root, folder.path)
        curve = range_test(make_step(context, steps), steps, _told(context, steps, reporter))
    return RangeTestResult(
        competition=config.competition,
        optimizer=config.optim.name,
        fold=fold,
        device=inputs.device,
        precision=inputs.precision,
        synthetic=source.synthetic,
        curve=curve,
    )


def make_step(context: FoldContext, steps: int) -> Callable[[float], float]:
    """(learning rate) -> loss: makes one optimizer step on a new network, at most `steps` times.

    The loss is the mean over the batches of the step, with the L1 penalty if there is one.
    """
    config, optim, accelerator = context.config, context.config.optim, context.accelerator
    mix = make_mixer(config, len(context.competition.classes))
    model = context.competition.model(config)
    model.to(accelerator.device, memory_format=memory_format(config))  # type: ignore[call-overload]
    compute = make_loss(context.competition, config, context.train)
    plain = make_optimizer(model, optim)
    apply_freezing(model, config, 0.0)
    network, optimizer, loader = accelerator.prepare(model, plain, context.batches(steps))
    network.train()
    batches = iter(loader)

    def part() -> torch.Tensor:
        batch = next(batches)
        with accelerator.accumulate(network):
            loss = loss_of(network, batch, config, compute, mix)
            accelerator.backward(loss)
            if optim.clip_norm and accelerator.sync_gradients:
                accelerator.clip_grad_norm_(network.parameters(), optim.clip_norm)
            optimizer.step()
            optimizer.zero_grad()
        return loss.detach()

    def step(rate: float) -> float:
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)
        return fmean(float(part()) for _ in range(optim.accumulate))

    return step


def _told(
    context: FoldContext, steps: int, reporter: Reporter
) -> Callable[[int, float, float], None]:
    """Tell each step of the test as a step of the fold."""
    began = time.perf_counter()
    epochs = -(-steps // context.epoch_steps)
    images = context.config.loader.batch_size * context.config.optim.accumulate

    def tell(done: int, rate: float, loss: float) -> None:
        reporter.step(
            Step(
                fold=context.fold,
                epoch=-(-done // context.epoch_steps),
                epochs=epochs,
                step=done,
                steps=steps,
                loss=loss,
                lr=rate,
                rate=done * images / (time.perf_counter() - began),
            )
        )

    return tell
