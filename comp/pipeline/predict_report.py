"""Predictions with progress and a printed summary, for the command line and for Python."""

from __future__ import annotations

from pathlib import Path

from comp.pipeline.predict import PredictResult, predict
from comp.report.predict import PredictionReporter
from comp.workspace import Workspace


def predict_and_report(
    run_id: str,
    workspace: Workspace,
    *,
    data: Path | None = None,
    out: Path | None = None,
    device: str | None = None,
    precision: str | None = None,
    skip_bad: bool = False,
    to_stderr: bool = False,
) -> PredictResult:
    """Predict as `comp.pipeline.predict.predict` does, and print where the files are.

    Args:
        device: instead of the run's.
        precision: instead of the run's.
        to_stderr: print on stderr instead of stdout.

    Raises:
        RunError: no such run, or the run has no finished fold.
        DataError: data that is missing or cannot be read, or an `out` that is not empty.
    """
    flags = {"device": device, "precision": precision}
    with PredictionReporter(to_stderr) as reporter:
        result = predict(
            run_id,
            workspace,
            data=data,
            out=out,
            settings={key: value for key, value in flags.items() if value},
            on_prediction=reporter.step,
            on_image=reporter.images_decoded,
            skip_bad=skip_bad,
        )
        for line in _lines(result):
            reporter.note(line)
    return result


def _lines(result: PredictResult) -> list[str]:
    lines = [*result.notes]
    lines += [f"{result.samples} samples predicted with {len(result.folds)} folds, in {result.out}"]
    if result.skipped:
        lines.append(f"left out    {len(result.skipped)} images that cannot be decoded")
    if result.submission:
        lines.append(f"submission  {result.submission} ({result.n_rows:,} rows, checked)")
    if result.table:
        lines.append(f"table       {result.table}")
    if result.images:
        lines.append(f"images      {result.images}")
    return lines
