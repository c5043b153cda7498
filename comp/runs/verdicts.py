"""Which runs of a competition cannot be told from the best one, as `comp runs --compare` finds.

The verdicts are in `runs/<competition>/.verdicts.json`. One counts while the recorded scores of
both runs are those that were compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comp.files import read_json, write_json
from comp.runs.catalog import RunInfo

FILE = ".verdicts.json"
BEST = "best"
LIKE_BEST = "like the best"
"""The marks of a run. A run that is worse than the best has none."""


def ranked(runs: Sequence[RunInfo]) -> list[list[RunInfo]]:
    """The finished runs with a score that can be compared with each other, the best first; of equal
    scores the newer one. They have the same competition, metric and folds, and runs on synthetic
    data are apart."""
    groups: dict[tuple[object, ...], list[RunInfo]] = {}
    for run in runs:
        if run.state == "finished" and run.cv_score is not None:
            key = (run.competition, run.synthetic, run.metric, run.direction, run.part)
            groups.setdefault(key, []).append(run)
    return [sorted(group, key=rank_key) for group in groups.values()]


def rank_key(run: RunInfo) -> tuple[float, float]:
    """Sorts runs of one metric: the best first, of equal scores the newer one."""
    score = run.cv_score or 0.0
    return (score if run.direction == "min" else -score, run.age_s)


def read_verdicts(folder: Path) -> dict[str, Any]:
    """The verdicts in the folder of a competition's runs, by `verdict_key`; empty if there are
    none, or the file is damaged."""
    try:
        return dict(read_json(folder / FILE))
    except (OSError, ValueError, TypeError):
        return {}


def write_verdicts(folder: Path, verdicts: Mapping[str, Any]) -> None:
    """Write the verdicts.

    Raises:
        DiskError: the file cannot be written.
    """
    write_json(folder / FILE, dict(verdicts))


def verdict_key(best: RunInfo, other: RunInfo) -> str:
    """A key of two runs and their scores."""
    return f"{best.run_id} {best.cv_score!r} {other.run_id} {other.cv_score!r}"


def read_marks(runs: Sequence[RunInfo]) -> dict[Path, str]:
    """The marks of runs by their folder, from the verdicts that are known. Nothing is compared."""
    marks: dict[Path, str] = {}
    for best, *others in ranked(runs):
        verdicts = read_verdicts(best.path.parent)
        known = [run for run in others if verdict_key(best, run) in verdicts]
        marks |= {run.path: LIKE_BEST for run in known if not verdicts[verdict_key(best, run)]}
        if known:
            marks[best.path] = BEST
    return marks
