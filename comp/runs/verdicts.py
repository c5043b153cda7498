"""Which runs of a competition cannot be told from the best one, as `comp runs --compare` finds.

The verdicts are in `runs/<competition>/.verdicts.json`. One counts while the recorded scores of
both runs are those that were compared.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comp.files import read_json, write_json
from comp.runs.catalog import RunInfo

FILE = ".verdicts.json"
BEST = "best"
LIKE_BEST = "like the best"
"""The marks of a run. A run that is worse than the best has none."""
OF_ITS_FOLDS = " of its folds"
"""A mark ends so if the competition has runs over several splits into folds."""


def ranked(runs: Sequence[RunInfo]) -> list[list[RunInfo]]:
    """The finished runs with a score that can be compared with each other, the best first; of equal
    scores the newer one. They have the same competition, metric and folds, and runs on synthetic
    data are apart."""
    return [group for groups in ranked_by_folds(runs) for group in groups]


def ranked_by_folds(runs: Sequence[RunInfo]) -> list[list[list[RunInfo]]]:
    """For each competition and metric, the groups of `ranked`: one for each split into folds. A
    score over other folds may be better because they are easier, or because they leak."""
    same_metric: dict[tuple[object, ...], list[RunInfo]] = {}
    for run in runs:
        if run.state == "finished" and run.cv_score is not None:
            key = (run.competition, run.synthetic, run.metric, run.direction, run.part)
            same_metric.setdefault(key, []).append(run)
    return [
        [sorted(group, key=rank_key) for group in _by_folds(runs)] for runs in same_metric.values()
    ]


def _by_folds(runs: Sequence[RunInfo]) -> list[list[RunInfo]]:
    """The runs that hold out the same samples together. Files are read only if their bytes
    differ, one of each kind."""
    one_of = {_kind(run): run for run in runs}
    if len(one_of) == 1:
        return [list(runs)]
    split_of = {kind: _split(run.path / "folds.csv") or kind for kind, run in one_of.items()}
    groups: dict[str, list[RunInfo]] = {}
    for run in runs:
        groups.setdefault(split_of[_kind(run)], []).append(run)
    return list(groups.values())


def _kind(run: RunInfo) -> str:
    """What is equal for runs with the same bytes of folds.csv."""
    return run.fold_hash or str(run.path)


def _split(path: Path) -> str:
    """A SHA-256 of which samples are held out together, whatever the numbers of the folds and the
    samples that only train; "" if folds.csv is missing or damaged."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = sorted((row["id"], int(row["fold"])) for row in csv.DictReader(stream))
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return ""
    numbers: dict[int, int] = {}
    held_out = [(name, numbers.setdefault(f, len(numbers))) for name, f in rows if f >= 0]
    return hashlib.sha256(json.dumps(held_out).encode()).hexdigest()


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
    for groups in ranked_by_folds(runs):
        of_what = OF_ITS_FOLDS if len(groups) > 1 else ""
        for best, *others in groups:
            verdicts = read_verdicts(best.path.parent)
            known = [run for run in others if verdict_key(best, run) in verdicts]
            alike = [run for run in known if not verdicts[verdict_key(best, run)]]
            marks |= {run.path: LIKE_BEST + of_what for run in alike}
            if known:
                marks[best.path] = BEST + of_what
    return marks
