"""How fast this machine trains, validates and predicts: a few measurements that must agree.

A busy machine slows a measurement down. So everything is measured twice; two measurements that
differ by more than a third are followed by a third one, and the median counts. With a budget the
measurements end when they have taken a share of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from itertools import starmap
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from torch import nn

from comp.contract.sample import Sample
from comp.pipeline.fold import train
from comp.pipeline.fold_context import FoldContext
from comp.runs.progress import Silent
from comp.training.device import explain_out_of_memory

FAST_STEP_S, SLOW_STEP_S = 0.3, 2.0
"""The time of a step that is shorter than the first is estimated after a second warm-up. If it is
longer than the second, the warm-up is the first measurement."""
WARM_STEPS = 3
"""The first steps are slow: memory is allocated, and kernels are chosen."""
TRIAL_S = 1.5
"""Seconds of training steps in each measurement."""
CALLS_S = 0.4
"""Seconds of validations, and of predictions, in each measurement."""
DISAGREE = 4 / 3
"""Two measurements with a larger quotient need a third one."""
BUDGET_SHARE, TRIAL_SHARE = 0.1, 0.01
"""Shares of a budget: after the first no other measurement starts, and the steps of one take the
second at most."""
TIMED_PIXELS = 1 << 20
"""Pixels of the images that are predicted, if predictions are images."""


@dataclass(frozen=True)
class Pace:
    """Seconds of one optimizer step, of building a network, and of one validation and one
    prediction of the timed samples."""

    step_s: float
    build_s: float
    validate_s: float
    predict_s: float


def measure_pace(context: FoldContext) -> Pace:
    """Train and predict a little, on the training and the held-out samples of `context`.

    Raises:
        OutOfMemoryError: the GPU is out of memory.
    """
    budget, started = context.config.budget or math.inf, time.perf_counter()
    trial_s = min(TRIAL_S, TRIAL_SHARE * budget)

    def is_late() -> bool:
        return time.perf_counter() - started > BUDGET_SHARE * budget

    with ExitStack() as stack:
        history = Path(stack.enter_context(TemporaryDirectory())) / "history.jsonl"
        stack.enter_context(explain_out_of_memory())

        def once(steps: int, calls_s: float = CALLS_S) -> Pace:
            return _measure_once(context, steps, history, calls_s)

        first = once(WARM_STEPS, 0.0)
        if is_late():
            return first
        if first.step_s < FAST_STEP_S:
            steps = max(5, min(200, int(trial_s / once(WARM_STEPS, 0.0).step_s)))
        else:
            steps = 3 if first.step_s < SLOW_STEP_S else 2
        paces = [first if first.step_s > SLOW_STEP_S else once(steps)]
        while len(paces) < 2 or (len(paces) == 2 and disagree(*paces)):
            if is_late():
                break
            paces.append(once(steps))
        return median_pace(paces)


def quick_pace(context: FoldContext, trial_s: float) -> Pace:
    """One measurement after a warm-up, for a comparison with other settings.

    Raises:
        OutOfMemoryError: the GPU is out of memory.
    """
    with TemporaryDirectory() as folder, explain_out_of_memory():
        history = Path(folder) / "history.jsonl"
        first = _measure_once(context, WARM_STEPS, history, 0.0)
        if first.step_s * WARM_STEPS > trial_s:
            return first
        steps = max(WARM_STEPS, min(200, int(trial_s / first.step_s)))
        return _measure_once(context, steps, history, 0.0)


def disagree(first: Pace, second: Pace) -> bool:
    """Whether two measurements of steps or predictions differ by more than a third."""
    pairs = [(first.step_s, second.step_s), (first.predict_s, second.predict_s)]
    return any(max(pair) > DISAGREE * min(pair) for pair in pairs)


def median_pace(paces: Sequence[Pace]) -> Pace:
    """The median of each value; of two it is the mean."""
    return Pace(*starmap(_median, zip(*map(astuple, paces), strict=True)))


def _median(*values: float) -> float:
    return float(median(values))


def _measure_once(context: FoldContext, steps: int, history: Path, calls_s: float) -> Pace:
    """Train a new network for `steps` steps, then predict for at least `calls_s` seconds."""
    started = time.perf_counter()
    model, fit_result = train(context, steps, history, Silent(), _no_score)
    return Pace(
        step_s=(fit_result.seconds - fit_result.meter.validate_s) / fit_result.steps,
        build_s=max(0.0, time.perf_counter() - started - fit_result.seconds),
        validate_s=_seconds_of(lambda: context.validate(model), calls_s),
        predict_s=_seconds_of(lambda: list(context.predict(model, context.held_out)), calls_s),
    )


def _no_score(_model: nn.Module) -> float:
    """A few samples may have no score, such as the AUC of one class."""
    return 0.0


def _seconds_of(call: Callable[[], object], at_least: float) -> float:
    """Mean seconds of a call, which is repeated for `at_least` seconds."""
    started, count = time.perf_counter(), 0
    while count == 0 or time.perf_counter() - started < at_least:
        call()
        count += 1
    return (time.perf_counter() - started) / count


def timed_samples(context: FoldContext) -> Sequence[Sample]:
    """The held-out samples whose predictions are timed: one batch; of images, which may be large,
    about a million pixels."""
    count = context.config.predict.batch_size
    if context.competition.task.output == "image":
        sample = context.held_out[0]
        size = sample.size or context.reader(sample)["image"].shape[:2]
        count = min(count, max(1, TIMED_PIXELS // math.prod(size)))
    return context.held_out[:count]


def work_share(context: FoldContext, few: Sequence[Sample], samples: Sequence[Sample]) -> float:
    """How much more work `samples` are than `few`: their pixels if predictions are images and all
    sizes are known, else their number."""
    sizes = [sample.size for sample in (*few, *samples)]
    if context.competition.task.output == "image" and None not in sizes:
        return _pixels(samples) / max(1, _pixels(few))
    return len(samples) / max(1, len(few))


def _pixels(samples: Sequence[Sample]) -> int:
    return sum(math.prod(sample.size) for sample in samples if sample.size)
