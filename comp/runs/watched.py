"""A run as another process sees it, which only reads its files."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from comp.errors import RunError
from comp.files import read_json, seems_locked
from comp.runs.catalog import STATES, covered_folds
from comp.runs.folder import RunFolder
from comp.runs.history import FILE as HISTORY
from comp.runs.history import History, read_history
from comp.runs.lineage import member_ids
from comp.runs.live import DONE, STOPPED, TRAINS, WAITS, FoldProgress, RunProgress, read_progress
from comp.workspace import Workspace

POLL_S = 1.0
"""Seconds between two looks at the files of a run."""
_LOOKS = 3
"""A run whose lock is free at so many looks has no process. It may be a run that starts now."""
RESUME = "resume.pt"
_SECONDS = ("setup_s", "fit_s", "estimate_s", "predict_s")
"""The parts of the time of a fold in its meta.json."""


@dataclass(frozen=True, kw_only=True)
class WatchedRun:
    """A run as its files describe it: a state of `comp runs`, the reason if it failed, the
    out-of-fold score of a finished run, and how far it is."""

    run_id: str
    competition: str
    path: Path
    state: str
    lost: bool
    """Whether it should run, but its process no longer exists."""
    reason: str
    resumable: bool
    """Whether `comp resume` can continue it; a blend cannot."""
    cv_score: float | None
    progress: RunProgress


def look_at(folder: RunFolder) -> WatchedRun:
    """Read the files of a run. Nothing is written, and its lock is not taken.

    Raises:
        RunError: run.json is missing or damaged.
    """
    record = folder.record()
    state = STATES.get(str(record.get("state")))
    if state is None:
        raise RunError(
            f"{folder.path / 'run.json'} is damaged: state is '{record.get('state')}'; restore the "
            "file, or start a new run"
        )
    reason = str(record.get("reason") or "")
    lost = state == "running" and not seems_locked(folder.lock)
    if lost:
        state, reason = "interrupted", "its process no longer exists"
    scores = _read(folder.scores) if state == "finished" else {}
    live = read_progress(folder.path)
    if state != "running" or live is None:
        live = _from_files(folder, record | {"state": state}, scores, live or RunProgress())
    cv_score = scores.get("cv_score")
    return WatchedRun(
        run_id=folder.run_id,
        competition=str(record.get("competition") or folder.path.parent.name),
        path=folder.path,
        state=state,
        lost=lost,
        reason=reason if state in ("failed", "interrupted") else "",
        resumable=not member_ids(record),
        cv_score=cv_score if isinstance(cv_score, int | float) else None,
        progress=live,
    )


def follow(folder: RunFolder) -> Iterator[WatchedRun]:
    """Look at a run again and again, until it has ended; the last look is that of its end.

    Raises:
        RunError: run.json is missing or damaged.
    """
    lost = 0
    while True:
        run = look_at(folder)
        lost = lost + 1 if run.lost else 0
        if not 0 < lost < _LOOKS:
            yield run
            if run.state != "running":
                return
        time.sleep(POLL_S)


def newest_running(workspace: Workspace) -> RunFolder:
    """The newest run that a process works on.

    Raises:
        RunError: there is none.
    """
    paths = list(workspace.out.glob("runs/*/*/run.json"))
    for path in sorted(paths, key=lambda path: path.parent.name, reverse=True):
        if seems_locked(RunFolder(path.parent).lock):
            return RunFolder(path.parent)
    newest = max((path.parent.name for path in paths), default="")
    advice = (
        f"give the id of a run, such as {newest}" if newest else "start one with 'comp run NAME'"
    )
    raise RunError(f"no run is running in {workspace.out / 'runs'}: {advice}")


def _from_files(
    folder: RunFolder, record: Mapping[str, Any], scores: Mapping[str, Any], live: RunProgress
) -> RunProgress:
    """How far a run is, without its progress.json, of which only the messages count."""
    direction = str(scores.get("direction") or live.direction)
    began = TRAINS if record.get("state") == "running" else STOPPED
    folds = [
        _fold(folder, fold, direction, began)
        for fold in covered_folds(record)
        if isinstance(fold, int)
    ]
    return replace(
        live,
        metric=str(scores.get("metric") or live.metric),
        direction=direction,
        preliminary=live.preliminary and not scores,
        folds=tuple(_scored(fold, scores) for fold in folds),
        doing="",
        left_s=None,
    )


def _scored(fold: FoldProgress, scores: Mapping[str, Any]) -> FoldProgress:
    """A fold with the score that the finished run gave it."""
    by_fold = scores.get("fold_scores")
    score = by_fold.get(str(fold.fold)) if isinstance(by_fold, dict) else None
    return replace(fold, score=score) if isinstance(score, int | float) else fold


def _fold(folder: RunFolder, number: int, direction: str, began: str) -> FoldProgress:
    place = folder.fold(number)
    history = _newest_history(place)
    best = history.best(direction) if direction else None
    meta = _read(place / "meta.json")
    score = meta.get("score")
    if not isinstance(score, int | float):
        return FoldProgress(
            fold=number,
            state=began if history.steps or (place / RESUME).is_file() else WAITS,
            score=best[0] if best else None,
            best_step=best[1] if best else None,
            scores=history.scores,
            losses=history.losses,
        )
    whole = not (meta.get("seeds") or meta.get("members") or meta.get("estimator"))
    step = meta.get("step")
    seconds = [meta.get(key, 0.0) for key in _SECONDS]
    return FoldProgress(
        fold=number,
        state=DONE,
        score=score,
        best_step=step if whole and isinstance(step, int) else None,
        scores=history.scores,
        losses=history.losses,
        seconds=math.fsum(s for s in seconds if isinstance(s, int | float)),
        stopped_early=bool(meta.get("stopped_early")),
    )


def _newest_history(place: Path) -> History:
    """The history of a fold, or of the last of its trainings."""
    files = [place / HISTORY, *sorted(place.glob(f"*/{HISTORY}"), reverse=True)]
    found = [file.parent for file in files if file.is_file()]
    return read_history(found[0]) if found else History()


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(read_json(path))
    except (OSError, ValueError, TypeError):
        return {}
