"""Predictions with progress and a printed summary, for the command line and for Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comp.config.nesting import merge
from comp.errors import ConfigError
from comp.pipeline.predict_blend import predict_any
from comp.pipeline.prediction import PredictResult
from comp.report.predict import PredictionReporter
from comp.workspace import Workspace

PREDICTION_KEYS = ("predict", "device", "precision")
"""Sections and keys that a prediction may change."""


def predict_and_report(
    run_id: str,
    workspace: Workspace,
    *,
    data: Path | None = None,
    out: Path | None = None,
    keys: Mapping[str, Any] | None = None,
    device: str | None = None,
    precision: str | None = None,
    skip_bad: bool = False,
    to_stderr: bool = False,
) -> PredictResult:
    """Predict as `comp.pipeline.predict.predict` does, and print where the files are.

    Args:
        keys: nested configuration keys that differ from the run's.
        device: instead of the run's.
        precision: instead of the run's.
        to_stderr: print on stderr instead of stdout.

    Raises:
        ConfigError: a key is not one of predictions.
        RunError: no such run, or the run has no finished fold.
        DataError: data that is missing or cannot be read, or an `out` that is not empty.
    """
    flags = {"device": device, "precision": precision}
    given = {key: value for key, value in flags.items() if value}
    check_keys(keys or {})
    with PredictionReporter(to_stderr) as reporter:
        result = predict_any(
            run_id,
            workspace,
            data=data,
            out=out,
            settings=merge(keys or {}, given),
            on_prediction=reporter.step,
            on_image=reporter.images_decoded,
            skip_bad=skip_bad,
        )
        for line in _lines(result):
            reporter.note(line)
        reporter.show_test(result.adaptation, result.classes)
    return result


def check_keys(keys: Mapping[str, Any]) -> None:
    """Check that keys change the prediction of a trained run, and not its training.

    Args:
        keys: nested.

    Raises:
        ConfigError: naming those that do not.
    """
    others = [name for name in keys if name not in PREDICTION_KEYS]
    if others:
        raise ConfigError(
            f"comp predict uses networks that are trained, so it cannot change {', '.join(others)}:"
            " set keys of predict, such as predict.adapt=batchnorm, or start a new run"
        )


def _lines(result: PredictResult) -> list[str]:
    lines = [*result.notes]
    models = f"{len(result.folds)} folds" + (" and the full model" if result.full else "")
    lines += [f"{result.samples} samples predicted with {models}, in {result.out}"]
    if result.skipped:
        lines.append(f"left out    {len(result.skipped)} images that cannot be decoded")
    if result.submission:
        lines.append(f"submission  {result.submission} ({result.n_rows:,} rows, checked)")
    if result.table:
        lines.append(f"table       {result.table}")
    if result.images:
        lines.append(f"images      {result.images}")
    return lines
