"""What a run does with `drop = FILE`: checks before training, and the score without the samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from comp.contract.competition import Competition
from comp.contract.metric import Pair
from comp.contract.sample import Sample
from comp.contract.task import Task
from comp.data.dropped import (
    Dropped,
    dropped_units,
    read_dropped,
    read_pointer,
    without_dropped,
)
from comp.errors import DataError, FoldError
from comp.inference.decisions import FittedDecisions, PairsOfFolds, honest_score
from comp.runs.folder import RunFolder

RECORD = "dropped"
"""The key in run.json."""


def dropped_of(
    path: Path | None, resumed: RunFolder | None, samples: Sequence[Sample], task: Task
) -> Dropped | None:
    """The samples that do not train; None without `drop`.

    Args:
        path: the key `drop`.
        resumed: the run that resumes, which has its own list: the file may have changed.

    Raises:
        DataError: the file cannot be read, names samples that do not exist, or is that of another
            state of the table.
        RunError: the list of the run is damaged.
    """
    if path is None:
        return None
    recorded = read_pointer(resumed.reader_folder) if resumed else None
    return recorded or read_dropped(path, samples, task)


def check_dropped(
    competition: Competition,
    dropped: Dropped | None,
    parts: Iterable[tuple[int, Sequence[Sample]]],
) -> None:
    """Check that the training part of each fold has samples of all its classes without the dropped
    ones.

    Args:
        parts: folds with all samples of their training part.

    Raises:
        FoldError: it does not.
    """
    if dropped is None:
        return
    for fold, part in parts:
        left = without_dropped(part, dropped.ids)
        if part and not left:
            raise FoldError(
                f"drop = {dropped.file} leaves no training samples in fold {fold}: it names "
                f"{len(dropped.ids)} samples; drop fewer"
            )
        lost = sorted(_names(competition, part) - _names(competition, left))
        if lost:
            raise FoldError(
                f"drop = {dropped.file} leaves no training sample of class '{lost[0]}' in fold "
                f"{fold}, so that its model cannot learn it: keep some of its samples"
            )


def _names(competition: Competition, samples: Sequence[Sample]) -> set[str]:
    label_names = competition.task.label_names
    return {name for sample in samples for name in label_names(sample.target)}


def check_recorded(dropped: Dropped | None, run_id: str, record: Mapping[str, Any]) -> None:
    """Check that a resumed run drops the samples that it dropped at its start.

    Raises:
        DataError: it would drop others.
    """
    before = (record.get(RECORD) or {}).get("sha256")
    now = dropped.sha256 if dropped else None
    if before != now:
        raise DataError(
            f"the file of drop changed since run {run_id} started, and the run has lost its own "
            "list: restore the file, or start a new run"
        )


def dropped_note(dropped: Dropped | None, samples: int) -> str:
    """Say how many samples do not train; "" without any."""
    if dropped is None:
        return ""
    return (
        f"{len(dropped.ids):,} of {samples:,} training samples do not train (drop = "
        f"{dropped.file}); they stay in their folds, are predicted, and count in the score"
    )


def repeated_note(dropped: Dropped | None, repeated: Mapping[str, Any]) -> str:
    """Say that the file of `drop` changed since the run that is repeated; "" if it did not, or the
    user gives another file."""
    before = repeated.get(RECORD) or {}
    if dropped is None or before.get("file") != str(dropped.file):
        return ""
    if before.get("sha256") == dropped.sha256:
        return ""
    return (
        f"drop = {dropped.file} changed since run {repeated.get('run_id')} read it: it named "
        f"{before.get('samples')} samples, and now names {len(dropped.ids)}"
    )


def score_without(
    competition: Competition,
    dropped: Dropped | None,
    train: Sequence[Sample],
    pairs: Iterable[Pair],
    fitted: FittedDecisions | None,
    fold_of: Mapping[str, int],
) -> dict[str, Any]:
    """The score of the samples that are not dropped, which is better merely because hard samples
    are missing; {} without `drop`.

    Args:
        pairs: of all scored samples, which can be iterated several times.
        fold_of: the fold of each pair, by its id.
    """
    if dropped is None:
        return {}
    units = dropped_units(train, dropped.ids)
    without = {name: int(name in units) for name in fold_of}
    kept = PairsOfFolds(pairs, without, (0).__eq__)
    return {
        "samples": len(dropped.ids),
        "scored": sum(without.values()),
        "score_without": honest_score(competition, kept, fitted, fold_of),
    }
