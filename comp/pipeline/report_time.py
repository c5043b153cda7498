"""The part of a budget that is kept for the report after a run."""

from __future__ import annotations

from comp.config.schema import RunConfig
from comp.pipeline.run_inputs import RunInputs

STARTS_S, SAMPLE_S = 3.0, 0.0002
"""Seconds that a report takes, without explanations, with the end of the process, and more for each
sample."""
LARGEST_SHARE = 0.05
"""Share of the budget that is kept for it, at most."""


def readings_after(config: RunConfig) -> int:
    """How often the samples are read after the last fold, as a fold reads them: for the scores, and
    for the report."""
    return 2 if config.report.write or config.report.notes else 1


def report_seconds(inputs: RunInputs) -> float:
    """Seconds of the budget that are kept for the report; 0 if there is no report or no budget."""
    config = inputs.config
    if not config.budget or not (config.report.write or config.report.notes):
        return 0.0
    return min(STARTS_S + SAMPLE_S * len(inputs.train), LARGEST_SHARE * config.budget)


def budget_of_folds(inputs: RunInputs) -> float:
    """Seconds of the budget for all that comes before the report; 0 without a budget."""
    return (inputs.config.budget or 0.0) - report_seconds(inputs)
