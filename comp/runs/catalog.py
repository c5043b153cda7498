"""The runs of a workspace: what became of each, which may go, and their removal."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from comp.errors import RunError
from comp.files import read_json
from comp.runs.folder import RunFolder
from comp.workspace import Workspace

State = Literal["running", "finished", "interrupted", "failed", "damaged"]
STATES: Mapping[str, State] = {
    "running": "running",
    "finished": "finished",
    "interrupted": "interrupted",
    "stopped": "interrupted",
    "failed": "failed",
}
"""The states that run.json may name, as they are called now."""
REMOVED = ".removed"
"""Folder beside the runs that holds what is being removed; nothing in there is a run any more."""


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """A run as its folder shows it; `reason` says why it failed or is damaged, "" otherwise.

    `folds_done` of the `folds` that were asked for are finished. `age_s` are the seconds since it
    was started, `bytes` the size of its folder. `submitted` is whether the ledger refers to it.
    """

    competition: str
    run_id: str
    path: Path
    state: State
    reason: str = ""
    synthetic: bool = False
    started: str = ""
    """ISO format; that of the folder's last change where run.json does not say it."""
    metric: str = ""
    direction: str = ""
    cv_score: float | None = None
    folds_done: int = 0
    folds: int = 0
    part: str = ""
    """The folds that were asked for, where they are not all."""
    age_s: float = 0.0
    bytes: int = 0
    submitted: bool = False


def list_runs(
    workspace: Workspace,
    submitted: Collection[tuple[str, str | None]],
    competition: str | None = None,
) -> list[RunInfo]:
    """All runs, the oldest first, damaged ones too; only those of `competition` if it is named.

    Args:
        submitted: (competition, run id) of every run that a ledger names, as
            `comp.submission.ledger.submitted_runs` gives them.

    Raises:
        RunError: when the folder of the runs cannot be read.
    """
    found = [
        _past_run(path, (place.name, path.name) in submitted)
        for place in _folders(workspace.out / "runs")
        if competition in (None, place.name)
        for path in _folders(place)
    ]
    return sorted(found, key=lambda run: (run.competition, -run.age_s))


def _folders(place: Path) -> Iterator[Path]:
    try:
        entries = sorted(path for path in place.iterdir() if path.is_dir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunError(f"cannot read {place}: {error.strerror}") from None
    yield from (path for path in entries if not path.name.startswith("."))


def _past_run(path: Path, submitted: bool) -> RunInfo:
    record, (state, reason) = _read(path)
    scores = _scores(path)
    started = _started(path, record)
    chosen = record.get("folds")
    chosen = chosen if isinstance(chosen, list) else []
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
        cv_score=_finite(scores.get("cv_score")),
        folds_done=sum(os.access(fold / "meta.json", os.F_OK) for fold in path.glob("fold-*")),
        folds=len(chosen),
        part="" if covers_all_folds(record) else ",".join(map(str, chosen)),
        age_s=(datetime.now().astimezone() - started).total_seconds(),
        bytes=_size(path),
        submitted=submitted,
    )


def covers_all_folds(record: Mapping[str, Any]) -> bool:
    """Whether a run, by its run.json, was made over all folds."""
    config, chosen = record.get("config"), record.get("folds")
    if not isinstance(config, dict) or not isinstance(chosen, list):
        return True
    count = config.get("folds")
    return not isinstance(count, int) or len(chosen) >= count


def _read(path: Path) -> tuple[dict[str, Any], tuple[State, str]]:
    """run.json, and the state with its reason."""
    try:
        record = RunFolder(path).record()
    except RunError as error:
        cause = error.__context__
        if isinstance(cause, FileNotFoundError):
            return {}, ("damaged", "run.json is missing")
        why = f": {cause.strerror}" if isinstance(cause, OSError) else ""
        return {}, ("damaged", f"run.json cannot be read{why}")
    return record, _state(path, record)


def _state(path: Path, record: Mapping[str, Any]) -> tuple[State, str]:
    """The state in run.json; a run that says it is running, and whose process is gone, is not."""
    state = STATES.get(str(record.get("state")))
    if state is None:
        return "damaged", f"run.json says that it is '{record.get('state')}'"
    if state == "running" and not RunFolder(path).alive():
        return "interrupted", "its process is gone"
    if state == "finished" and not _scores(path):
        return state, "scores.json cannot be read"
    return state, str(record.get("reason") or "") if state in ("failed", "interrupted") else ""


def _scores(path: Path) -> dict[str, Any]:
    try:
        return dict(read_json(path / "scores.json"))
    except (OSError, ValueError, TypeError):
        return {}


def _finite(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
    except OverflowError:  # JSON holds whole numbers of any length
        return None


def _started(path: Path, record: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(record["started"]).astimezone()
    except (KeyError, TypeError, ValueError):
        with suppress(OSError):  # removed meanwhile
            return datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        return datetime.now().astimezone()


def _size(path: Path) -> int:
    """Bytes of all files in a folder; one that vanishes meanwhile counts nothing."""
    total = 0
    for file in path.rglob("*"):
        try:
            total += 0 if file.is_dir() else file.lstat().st_size
        except OSError:
            continue
    return total


def find(runs: Sequence[RunInfo], names: Sequence[str]) -> list[RunInfo]:
    """The runs of these ids, or unambiguous beginnings of ids; each once.

    Raises:
        RunError: when none or several runs match a name.
    """
    found: dict[Path, RunInfo] = {}
    for name in names:
        near = [run for run in runs if name and run.run_id.startswith(name)]
        matches = [run for run in near if run.run_id == name] or near
        if not matches:
            raise RunError(f"no run '{name}' here: 'comp runs' lists them")
        if len(matches) > 1:
            some = ", ".join(f"{run.competition}/{run.run_id}" for run in matches[:5])
            raise RunError(f"'{name}' stands for {len(matches)} runs ({some}): say more")
        found[matches[0].path] = matches[0]
    return list(found.values())


def reason_to_keep(run: RunInfo) -> str:
    """Why a run must not be removed, in words that follow its id; "" where it may be."""
    if run.submitted:
        return "was submitted, the ledger refers to it"
    if run.state == "running" or RunFolder(run.path).alive():
        return "is running"
    return f"is a link to {run.path.resolve()}" if run.path.is_symlink() else ""


def runs_to_prune(
    runs: Sequence[RunInfo], keep_best: int, synthetic: bool = False, unfinished: bool = False
) -> list[RunInfo]:
    """The runs that may go where only the best are kept.

    Finished runs are ranked by their OOF score among those of the same competition and metric, runs
    over some folds only among those over the same ones; of equal scores the newer is the better. A
    finished run without a score is left alone, and so are damaged folders and whatever `stays`.

    Args:
        keep_best: how many finished runs stay, of each competition.
        synthetic: rank runs on sample data as well, among themselves.
        unfinished: all interrupted and failed runs may go.
    """
    groups: dict[tuple[object, ...], list[RunInfo]] = {}
    for run in runs:
        if (
            run.state == "finished"
            and run.cv_score is not None
            and (synthetic or not run.synthetic)
        ):
            key = (run.competition, run.synthetic, run.metric, run.direction, run.part)
            groups.setdefault(key, []).append(run)
    gone = [run for run in runs if unfinished and run.state in ("interrupted", "failed")]
    for group in groups.values():
        gone += sorted(group, key=_rank)[keep_best:]
    return [run for run in gone if not reason_to_keep(run)]


def _rank(run: RunInfo) -> tuple[float, float]:
    score = run.cv_score or 0.0
    return (score if run.direction == "min" else -score, run.age_s)


def check_removable(runs: Sequence[RunInfo]) -> None:
    """Make sure that these runs may be removed.

    Raises:
        RunError: naming the first that must stay, and why.
    """
    for run in runs:
        if reason := reason_to_keep(run):
            raise RunError(f"run {run.run_id} {reason}: nothing was removed, leave it out")


def remove(runs: Sequence[RunInfo], workspace: Workspace) -> None:
    """Remove the folders of runs with their submissions and predictions, and finish removals that
    were broken off.

    The folders are first moved to where no run is looked for, so that whatever happens meanwhile,
    each run is whole or gone.

    Raises:
        RunError: when one of them must stay, before anything is removed; or when the disk refuses.
    """
    check_removable(runs)
    try:
        for run in runs:
            aside = run.path.parent / REMOVED / run.run_id
            _erase(aside)
            aside.parent.mkdir(exist_ok=True)
            run.path.rename(aside)
        for path in sorted(workspace.out.glob(f"runs/*/{REMOVED}/*")):
            _clear(path, workspace)
    except OSError as error:
        raise RunError(
            f"cannot remove {error.filename}: {error.strerror}; mend that and try again, what is "
            "half removed is finished then"
        ) from None


def _clear(path: Path, workspace: Workspace) -> None:
    """Remove what a run left behind, its folder under `.removed` last."""
    aside, run_id = path.parent, path.name
    competition = aside.parent.name
    if not (workspace.runs(competition) / run_id).exists():  # or somebody brought it back
        _erase(workspace.submission(competition, run_id))
        _erase(workspace.out / "predictions" / run_id)
    _erase(path)
    if not any(aside.iterdir()):
        aside.rmdir()


def _erase(path: Path) -> None:
    """Remove a file, a link or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
