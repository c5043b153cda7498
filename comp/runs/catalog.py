"""The runs of a workspace, with the state of each."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from comp.errors import RunError
from comp.files import read_json
from comp.runs.folder import RunFolder
from comp.runs.lineage import member_ids
from comp.workspace import Workspace

State = Literal["running", "finished", "interrupted", "failed", "damaged"]
STATES: Mapping[str, State] = {
    "running": "running",
    "finished": "finished",
    "interrupted": "interrupted",
    "stopped": "interrupted",
    "failed": "failed",
}
"""State in run.json, older names included -> its name now."""


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """A run as its folder describes it.

    `reason` says why the run failed or is damaged, else "". `folds_done` of the `folds` of its
    cross-validation are finished, also if the run was started on some folds only. `age_s` is the
    number of seconds since its start, `bytes` the size of its folder. `submitted` is whether the
    ledger contains the run.
    """

    competition: str
    run_id: str
    path: Path
    state: State
    reason: str = ""
    synthetic: bool = False
    started: str = ""
    """ISO format; the last change of the folder if run.json has no start time."""
    metric: str = ""
    direction: str = ""
    cv_score: float | None = None
    folds_done: int = 0
    folds: int = 0
    part: str = ""
    """The folds of a run over some folds only, such as "0,2"; "" for a run over all."""
    fold_hash: str = ""
    """The SHA-256 of folds.csv; "" if run.json does not contain it."""
    members: Sequence[str] = ()
    """The ids of the runs that it blends; empty if it trained models."""
    blends: Sequence[str] = ()
    """The ids of the blends of which it is a member."""
    age_s: float = 0.0
    bytes: int = 0
    submitted: bool = False


def list_runs(
    workspace: Workspace,
    submitted: Collection[tuple[str, str | None]],
    competition: str | None = None,
) -> list[RunInfo]:
    """List all runs, damaged ones included, sorted by competition and start.

    Args:
        submitted: (competition, run id) of every submitted run, as
            `comp.submission.ledger.submitted_runs` returns them.
        competition: list only the runs of this competition.

    Raises:
        RunError: the folder of the runs cannot be read.
    """
    runs = [
        _read_run(run_folder, (competition_folder.name, run_folder.name) in submitted)
        for competition_folder in _folders(workspace.out / "runs")
        if competition in (None, competition_folder.name)
        for run_folder in _folders(competition_folder)
    ]
    return sorted(_with_blends(runs), key=lambda run: (run.competition, -run.age_s))


def _with_blends(runs: Sequence[RunInfo]) -> list[RunInfo]:
    """The runs, each with the blends of which it is a member."""
    blends: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        for member in run.members if run.state in ("finished", "running") else ():
            blends.setdefault((run.competition, member), []).append(run.run_id)
    return [replace(run, blends=blends.get((run.competition, run.run_id), ())) for run in runs]


def _folders(parent: Path) -> Iterator[Path]:
    """The folders in a folder whose names do not start with a dot."""
    try:
        folders = sorted(path for path in parent.iterdir() if path.is_dir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunError(f"cannot read {parent}: {error.strerror}; change its permissions") from None
    yield from (path for path in folders if not path.name.startswith("."))


def _read_run(path: Path, submitted: bool) -> RunInfo:
    record, state, reason = _read_record(path)
    scores = _read_scores(path)
    started = _started(path, record)
    covered = covered_folds(record)
    return RunInfo(
        competition=path.parent.name,
        run_id=path.name,
        path=path,
        state=state,
        reason=reason,
        synthetic=bool(record.get("synthetic")),
        started=started.isoformat(timespec="seconds"),
        metric=str(scores.get("metric") or ""),
        direction=str(scores.get("direction") or ""),
        cv_score=_finite_or_none(scores.get("cv_score")),
        folds_done=sum(os.access(fold / "meta.json", os.F_OK) for fold in path.glob("fold-*")),
        folds=cv_folds(record) or len(covered),
        members=member_ids(record),
        fold_hash=str(record.get("fold_hash") or ""),
        part="" if covers_all_folds(record) else ",".join(map(str, covered)),
        age_s=(datetime.now().astimezone() - started).total_seconds(),
        bytes=_size(path),
        submitted=submitted,
    )


def covers_all_folds(record: Mapping[str, Any]) -> bool:
    """Whether a run covers all folds of its cross-validation.

    A run that was started on some folds only does not, nor does a run that left folds out because
    its budget was spent. A record without the number of folds counts as covering all.

    Args:
        record: what run.json contains.
    """
    if not isinstance(record.get("folds"), list):
        return True
    return len(covered_folds(record)) >= cv_folds(record)


def covered_folds(record: Mapping[str, Any]) -> list[Any]:
    """The folds that a run trains."""
    folds = record.get("folds")
    return folds if isinstance(folds, list) else []


def cv_folds(record: Mapping[str, Any]) -> int:
    """The number of folds of a run's cross-validation, 0 if run.json does not contain it."""
    config = record.get("config")
    folds = config.get("folds") if isinstance(config, dict) else None
    return folds if isinstance(folds, int) else 0


def has_other_metric(scores: Mapping[str, Any], metric: str) -> bool:
    """Whether scores.json records another metric than `metric`, so that its scores cannot be
    compared. Older versions recorded none."""
    return scores.get("metric") not in (None, "", metric)


def other_metric_note(count: int, metric: str) -> str:
    """Say that runs with another metric than `metric` are left out; "" if there are none."""
    if not count:
        return ""
    runs, verb = ("run", "is") if count == 1 else ("runs", "are")
    return f"{count:,} finished {runs} with another metric than {metric} {verb} left out"


def _read_record(path: Path) -> tuple[dict[str, Any], State, str]:
    """Return (run.json, state, reason of the state)."""
    try:
        record = RunFolder(path).record()
    except RunError as error:
        cause = error.__context__
        if isinstance(cause, FileNotFoundError):
            return {}, "damaged", "run.json is missing"
        detail = f": {cause.strerror}" if isinstance(cause, OSError) else ""
        return {}, "damaged", f"run.json cannot be read{detail}"
    return record, *state_of(path, record)


def state_of(path: Path, record: Mapping[str, Any]) -> tuple[State, str]:
    """Return (state, reason). A run whose process no longer exists is interrupted."""
    state = STATES.get(str(record.get("state")))
    if state is None:
        return "damaged", f"run.json contains the unknown state '{record.get('state')}'"
    if state == "running" and not RunFolder(path).alive():
        return "interrupted", "its process no longer exists"
    if state == "finished" and not _read_scores(path):
        return state, "scores.json cannot be read"
    return state, str(record.get("reason") or "") if state in ("failed", "interrupted") else ""


def _read_scores(path: Path) -> dict[str, Any]:
    try:
        return dict(read_json(path / "scores.json"))
    except (OSError, ValueError, TypeError):
        return {}


def _finite_or_none(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
    except OverflowError:  # an integer in JSON may have any length
        return None


def _started(path: Path, record: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(record["started"]).astimezone()
    except (KeyError, TypeError, ValueError):
        with suppress(OSError):  # another process removed the folder
            return datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        return datetime.now().astimezone()


def _size(path: Path) -> int:
    """Bytes of all files in a folder. A file that another process removes counts 0."""
    total = 0
    for file in path.rglob("*"):
        try:
            total += 0 if file.is_dir() else file.lstat().st_size
        except OSError:
            continue
    return total


def select_runs(runs: Sequence[RunInfo], prefixes: Sequence[str]) -> list[RunInfo]:
    """Return the runs with these ids, or unique prefixes of ids, each run once.

    Raises:
        RunError: no run or several runs match a prefix.
    """
    selected: dict[Path, RunInfo] = {}
    for prefix in prefixes:
        candidates = [run for run in runs if prefix and run.run_id.startswith(prefix)]
        matches = [run for run in candidates if run.run_id == prefix] or candidates
        if not matches:
            raise RunError(f"no run '{prefix}' in this workspace: 'comp runs' lists the runs")
        if len(matches) > 1:
            names = ", ".join(f"{run.competition}/{run.run_id}" for run in matches[:5])
            raise RunError(f"'{prefix}' matches {len(matches)} runs ({names}): give more of the id")
        selected[matches[0].path] = matches[0]
    return list(selected.values())
