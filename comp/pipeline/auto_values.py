"""Finds the numbers that a configuration leaves to the run: `optim.lr` and `loader.batch_size`.

They are found once, before the first fold, on its training samples: the held-out samples choose
nothing. run.json contains the numbers, so that a run that resumes or repeats has the same ones.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from comp.config.auto import AUTO, is_auto
from comp.config.nesting import merge, nested
from comp.config.schema import RunConfig, gives, resolve, value_at
from comp.config.sections import ThawConfig
from comp.errors import ConfigError
from comp.pipeline.batch_finder import chosen_size, find_batch_size
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.pipeline.lr_find import make_step
from comp.pipeline.members import member_config, network_names
from comp.pipeline.run_inputs import RunInputs, scratch_run
from comp.pipeline.timing import ContextChange, unchanged
from comp.runs.progress import Reporter
from comp.training.device import explain_out_of_memory
from comp.training.range_test import LOWEST_RATE, Curve, range_test

RATE, SIZE = "optim.lr", "loader.batch_size"
STEPS, LEAST_STEPS = 100, 30
"""Steps of a range test, and the fewest that say something."""
SHARE = 0.1
"""Share of the rest of the budget that each search may take."""


def find_auto(
    inputs: RunInputs,
    began: float,
    reporter: Reporter,
    change: ContextChange = unchanged,
    keys: tuple[str, ...] = (SIZE, RATE),
) -> RunInputs:
    """The inputs with the numbers that the configuration leaves to the run; `found` says how they
    were found. The batch size comes first, because the learning rate depends on it.

    Args:
        began: `time.perf_counter()` when the budget began to count.
        change: what a plan changes in the context of the fold.
        keys: what is found.

    Raises:
        ConfigError: the run has several networks.
        OutOfMemoryError: the GPU has no room for the smallest batch.
    """
    names = network_names(inputs.config)
    wanted = [key for key in auto_keys(inputs.config) if key in keys] if names else []
    if not wanted:
        return inputs
    if len(names) > 1:
        raise ConfigError(
            f"{wanted[0]} = auto is found for one network, but model = "
            f"{', '.join(inputs.config.model)}: set a number, or one network"
        )
    with scratch_run(inputs) as folder:
        for key in wanted:
            config, fold = member_config(inputs.config, names[0]), inputs.folds_to_train[0]
            reporter.note(f"finding {key} on the training samples of fold {fold} ...")
            started = time.perf_counter()
            context = make_fold_context(config, fold, inputs.source.root, folder.path)
            find = _batch_size if key == SIZE else _learning_rate
            found = find(change(context), began)
            found |= {"fold": fold, "seconds": round(time.perf_counter() - started, 3)}
            reporter.note(_sentence(key, found, RATE in wanted))
            inputs = replace(
                inputs,
                config=_with_value(inputs.config, key, found["value"]),
                found={**inputs.found, key: found},
            )
    return inputs


def auto_keys(config: RunConfig) -> list[str]:
    """The keys whose number the run finds, in the order in which they are found."""
    values = {SIZE: config.loader.batch_size, RATE: config.optim.lr}
    return [key for key, value in values.items() if is_auto(value)]


def recorded_numbers(given: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that a user gives to a run that resumes, with the numbers that it found in place of
    "auto".

    Args:
        record: run.json of the run.
    """
    keys = dict(given)
    for key, found in (record.get("found") or {}).items():
        if gives(keys, key) and value_at(keys, key) == AUTO:
            keys = merge(keys, nested(key, found["value"]))
    return keys


def _with_value(config: RunConfig, key: str, value: Any) -> RunConfig:
    section, _, name = key.partition(".")
    changed = getattr(config, section).model_copy(update={name: value})
    return config.model_copy(update={section: changed})


def _batch_size(context: FoldContext, began: float) -> dict[str, Any]:
    """Try batch sizes, for at most a share of the budget."""
    left = _seconds_left(context.config, began)
    until = time.perf_counter() + left * SHARE
    trials = find_batch_size(context, until)
    size = chosen_size(trials, context.accelerator.device.type == "cuda")
    rates = {str(trial.size): round(trial.rate, 1) for trial in trials if trial.fits}
    return {"value": size, "samples_per_second": rates}


def _learning_rate(context: FoldContext, began: float) -> dict[str, Any]:
    """Test learning rates on the network as it is after its stages have thawed.

    If the loss does not clearly fall at any rate, the rate is that of the competition.
    """
    config = context.config
    if config.thaw.how != "never":
        config = config.model_copy(update={"freeze": "none", "thaw": ThawConfig()})
        context = replace(context, config=config)
    with explain_out_of_memory():
        steps = _test_steps(context, began)
        curve = range_test(make_step(context, steps), steps)
    rate = curve.suggestion
    value = float(f"{rate:.2g}") if rate else _usual_rate(context)
    return {"value": value, "steps": len(curve.rates), "fell": rate is not None, **_ends(curve)}


def _ends(curve: Curve) -> dict[str, float]:
    return {"rate_of_lowest_loss": curve.rates[curve.lowest]}


def _test_steps(context: FoldContext, began: float) -> int:
    """The steps of the range test: as many as a share of the budget has time for, at most 100."""
    left = _seconds_left(context.config, began)
    if left == float("inf"):
        return STEPS
    step, seconds = make_step(context, 2), []
    for _ in range(2):  # the first step is slower
        started = time.perf_counter()
        step(LOWEST_RATE)
        seconds.append(time.perf_counter() - started)
    return max(LEAST_STEPS, min(STEPS, int(SHARE * left / max(1e-9, seconds[-1]))))


def _seconds_left(config: RunConfig, began: float) -> float:
    """Seconds of the budget that are left; infinite without a budget."""
    if not config.budget:
        return float("inf")
    return max(0.0, config.budget - (time.perf_counter() - began))


def _usual_rate(context: FoldContext) -> float:
    """The learning rate of the competition, or the default."""
    competition = context.competition
    usual = resolve(competition.name, [competition.defaults], competition.options).optim.lr
    return float(usual)


def _sentence(key: str, found: dict[str, Any], follows: bool) -> str:
    """What was found, for the user."""
    value, took = found["value"], f"{found['seconds']:.1f} s"
    if key == SIZE:
        sizes = ", ".join(
            f"{size}: {rate:.0f}" for size, rate in found["samples_per_second"].items()
        )
        rate = "" if follows else "; optim.lr stays as it is: optim.lr=auto would follow"
        return f"{key} = auto: {value} ({took}; samples a second of {sizes}){rate}"
    if not found["fell"]:
        return (
            f"{key} = auto: THE LOSS DID NOT CLEARLY FALL in {found['steps']} steps, so the "
            f"learning rate is {value:.2g}, that of the competition ({took})"
        )
    return f"{key} = auto: {value:.2g} ({took}, {found['steps']} steps)"
