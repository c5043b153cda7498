"""A learning rate range test on one fold of a competition, with a network that is thrown away.

The test trains in a temporary folder and saves nothing. It seeds its generators as the fold does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from comp.config.schema import RunConfig
from comp.data.dataset import memory_format
from comp.data.location import DataSource
from comp.errors import ConfigError
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.pipeline.members import member_config, network_names
from comp.pipeline.run_inputs import prepare_run, scratch_run
from comp.runs.progress import Reporter, Step
from comp.training.batch import train_batch
from comp.training.device import explain_out_of_memory
from comp.training.freezing import apply_freezing
from comp.training.losses import make_loss
from comp.training.mixing import make_mixer
from comp.training.optim import make_optimizer
from comp.training.range_test import Curve, range_test
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class RangeTestResult:
    """The curve of a range test, and how it was made; `optimizer` is the optimizer's name."""

    competition: str
    optimizer: str
    fold: int
    device: str
    precision: str
    synthetic: bool
    curve: Curve


def find_learning_rate(
    config: RunConfig,
    source: DataSource,
    workspace: Workspace,
    reporter: Reporter,
    *,
    fold: int = 0,
    steps: int = 100,
) -> RangeTestResult:
    """Test learning rates on the training samples of a fold.

    Optimizer, batches, augmentation, loss and frozen stages are those at the start of the fold. A
    layer with an `lr_scale` trains with that share of the tested rate. There is no schedule, no
    moving average of the weights, and no compilation.

    Args:
        steps: optimizer steps of the whole range; the test ends earlier if the loss explodes.

    Raises:
        CompError: the data or the configuration is wrong.
    """
    if len(network_names(config)) != 1:
        raise ConfigError(
            f"lr-find tests one network, but model = {', '.join(config.model)}: choose one network "
            "with --set model=NAME"
        )
    from comp.pipeline.auto_values import SIZE, find_auto  # it imports this module

    config = member_config(config, *network_names(config))
    inputs = prepare_run(config, source, workspace, [fold], reporter)
    inputs = find_auto(inputs, time.perf_counter(), reporter, keys=(SIZE,))
    config = inputs.config
    with scratch_run(inputs) as folder, explain_out_of_memory():
        context = make_fold_context(config, fold, source.root, folder.path)
        curve = range_test(make_step(context, steps), steps, _progress(context, steps, reporter))
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
    """Return a function (learning rate) -> loss that makes one optimizer step on a new network.

    It can be called `steps` times. The loss is the mean over the batches of the step, with the L1
    penalty if the configuration has one.
    """
    config, optim, accelerator = context.config, context.config.optim, context.accelerator
    competition = context.competition
    mixer = make_mixer(competition, config)
    model = context.new_model()
    model.to(accelerator.device, memory_format=memory_format(config))  # type: ignore[call-overload]
    loss_function = make_loss(competition, config, context.train)
    model_optimizer = make_optimizer(model, optim)
    apply_freezing(model, config, 0.0)
    network, optimizer, loader = accelerator.prepare(model, model_optimizer, context.batches(steps))
    network.train()
    batches = iter(loader)

    def train_next_batch() -> float:
        loss = train_batch(
            network,
            optimizer,
            next(batches),
            config=config,
            loss=loss_function,
            mixer=mixer,
            accelerator=accelerator,
        )
        return float(loss.detach())

    def step(rate: float) -> float:
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)
        return fmean(train_next_batch() for _ in range(optim.accumulate))

    return step


def _progress(
    context: FoldContext, steps: int, reporter: Reporter
) -> Callable[[int, float, float], None]:
    """Return a function that reports each step of the test as a step of the fold."""
    started = time.perf_counter()
    epochs = -(-steps // context.epoch_steps)
    images = context.config.loader.batch_size * context.config.optim.accumulate

    def report(done: int, rate: float, loss: float) -> None:
        reporter.step(
            Step(
                fold=context.fold,
                epoch=-(-done // context.epoch_steps),
                epochs=epochs,
                step=done,
                steps=steps,
                loss=loss,
                lr=rate,
                rate=done * images / (time.perf_counter() - started),
            )
        )

    return report
