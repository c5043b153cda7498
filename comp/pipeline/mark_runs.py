"""Compares runs with the best run of their competition, and keeps the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from comp.errors import CompError
from comp.pipeline.compare import difference_of
from comp.pipeline.run_oof import RunOof, read_run_oof
from comp.pipeline.run_samples import SampleSource
from comp.runs.catalog import RunInfo
from comp.runs.folder import RunFolder
from comp.runs.verdicts import (
    ranked,
    ranked_by_folds,
    read_verdicts,
    verdict_key,
    write_verdicts,
)
from comp.workspace import Workspace

DRAWS = 1000
LIMIT_S = 10.0
"""Seconds for the draws of one pair of runs."""


def mark_runs(
    runs: Sequence[RunInfo], workspace: Workspace, on_run: Callable[[int, int], None]
) -> list[str]:
    """Compare every finished run with the best of its competition and folds, unless the verdict is
    known.

    Args:
        on_run: (runs compared, runs to compare) -> None.

    Returns:
        Why runs could not be compared.
    """
    groups, notes = ranked(runs), _splits(runs)
    source, done = SampleSource(workspace), 0
    total = sum(len(group) - 1 for group in groups)
    for best, *others in groups:
        folder = best.path.parent
        verdicts = read_verdicts(folder)
        best_oof: RunOof | None = None
        for run in others:
            on_run(done, total)
            done += 1
            key = verdict_key(best, run)
            if key in verdicts:
                continue
            try:
                best_oof = best_oof or read_run_oof(RunFolder(best.path), workspace, source)
                oof = read_run_oof(RunFolder(run.path), workspace, source)
                found = difference_of(best_oof, oof, draws=DRAWS, limit_s=LIMIT_S)
            except CompError as error:
                notes.append(f"{run.run_id} is not compared with {best.run_id}: {error}")
                continue
            verdicts[key] = found.real
            write_verdicts(folder, verdicts)
    return notes


def _splits(runs: Sequence[RunInfo]) -> list[str]:
    """A note for each competition whose runs have several splits into folds."""
    return [
        f"{groups[0][0].competition} has runs over {len(groups)} splits into folds: each run is "
        "compared with the best one of its own folds; 'comp compare RUN RUN' compares any two"
        for groups in ranked_by_folds(runs)
        if len(groups) > 1
    ]
