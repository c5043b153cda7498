"""The bundle that is sent: found, or made and rehearsed. Only this module calls `comp.bundle`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from comp.bundle.kaggle_time import MachineName
from comp.bundle.manifest import MANIFEST, REHEARSAL, check_manifest, read_manifest
from comp.bundle.rehearsal import why_not_rehearsed
from comp.contract import registry
from comp.errors import RunError, SubmissionError
from comp.files import read_json
from comp.kaggle.candidate import Candidate
from comp.notebook.job import Gpu, ReadyBundle
from comp.runs.folder import RunFolder
from comp.workspace import Workspace

Note = Callable[[str], None]
_MACHINES: Mapping[Gpu, MachineName] = {"none": "cpu", "p100": "p100", "t4x2": "t4"}


def find_run_of(what: str, workspace: Workspace, competition: str | None = None) -> Candidate:
    """The run to send, from its id or the folder of a bundle; its path is that of the bundle.

    Raises:
        RunError: there is no such run, or the folder is not a bundle.
        SubmissionError: the run is of another competition, or of synthetic data.
    """
    folder = Path(what)
    if folder.is_dir() and (folder / MANIFEST).is_file():
        candidate = _of_bundle(folder, workspace)
    else:
        run = RunFolder(workspace.find_run(what))
        path = workspace.out / "bundles" / run.run_id
        candidate = _of_run(run, path)
    name = candidate.competition.name
    if competition not in (None, name):
        raise SubmissionError(f"{what} is of {name}, not of {competition}: leave out --competition")
    if candidate.record.get("synthetic"):
        raise SubmissionError(
            f"run {candidate.run_id} is on synthetic data, which Kaggle does not know: get the "
            f"data with 'comp download {name}' and run again"
        )
    return candidate


def _of_run(run: RunFolder, folder: Path) -> Candidate:
    try:
        scores = dict(read_json(run.scores))
    except (OSError, ValueError, TypeError):
        scores = {}
    return Candidate(
        competition=registry.get(run.path.parent.name),
        path=folder,
        run_id=run.run_id,
        record=run.record(),
        scores=scores,
    )


def _of_bundle(folder: Path, workspace: Workspace) -> Candidate:
    """The run of a bundle; a bundle may come from elsewhere, without its run."""
    run_id = str(check_manifest(folder)["run"])
    try:
        return _of_run(RunFolder(workspace.find_run(run_id)), folder.absolute())
    except RunError:
        pass
    told = _described(folder)
    run = told.get("run", {})
    scores = {key: run.get(key) for key in ("metric", "direction", "cv_score", "std")}
    return Candidate(
        competition=registry.get(str(told.get("competition", {}).get("name"))),
        path=folder.absolute(),
        run_id=run_id,
        record={"synthetic": bool(run.get("synthetic"))},
        scores=scores,
    )


def _described(folder: Path) -> dict[str, Any]:
    """What bundle.json says; empty if it is missing."""
    try:
        return dict(read_json(folder / "bundle.json"))
    except (OSError, ValueError, TypeError):
        return {}


def ready_bundle(
    candidate: Candidate, workspace: Workspace, gpu: Gpu, data: Path | None, note: Note
) -> ReadyBundle:
    """The complete, rehearsed bundle of a run; it is made and rehearsed where that is not done.

    Raises:
        SubmissionError: an earlier rehearsal failed.
        RunError: the run cannot be bundled, or the rehearsal failed.
    """
    folder = candidate.path
    manifest = read_manifest(folder)
    if manifest is None or _is_older(candidate, workspace):
        note(f"bundling    run {candidate.run_id}")
        _make(candidate, workspace, note)
    manifest = check_manifest(folder)
    _check_run(folder, manifest, candidate)
    note(f"bundle      {folder}, {manifest['id'][:12]}")
    if _rehearsal(folder, str(manifest["id"])) is None:
        _rehearse(folder, workspace, gpu, data, note)
    if problem := why_not_rehearsed(folder, str(manifest["id"])):
        raise SubmissionError(f"{problem}; nothing is pushed")
    rehearsal = _rehearsal(folder, str(manifest["id"])) or {}
    files = {name: int(entry["bytes"]) for name, entry in manifest["files"].items()}
    files[MANIFEST] = (folder / MANIFEST).stat().st_size
    return ReadyBundle(
        folder=folder,
        manifest_id=str(manifest["id"]),
        files=files,
        estimate=_estimate(rehearsal),
    )


def _check_run(folder: Path, manifest: Mapping[str, Any], candidate: Candidate) -> None:
    """Check that a bundle is of the run under whose name and score it is sent."""
    told = _described(folder).get("run", {}).get("id")
    for run_id in (manifest["run"], told):
        if run_id not in (None, candidate.run_id):
            raise SubmissionError(
                f"{folder} is a bundle of run {run_id}, not of {candidate.run_id}: make that of "
                f"the run with 'comp bundle {candidate.run_id} --force'"
            )


def _is_older(candidate: Candidate, workspace: Workspace) -> bool:
    """Whether the run was trained further after it was bundled. A folder that the user names is
    taken as it is."""
    run_id = str(candidate.run_id)
    if candidate.path != workspace.out / "bundles" / run_id:
        return False
    scores = RunFolder(workspace.runs(candidate.competition.name) / run_id).scores
    made = (candidate.path / MANIFEST).stat().st_mtime
    return scores.is_file() and scores.stat().st_mtime > made


def _make(candidate: Candidate, workspace: Workspace, note: Note) -> None:
    from comp.bundle.build import BundleOptions, make_bundle
    from comp.report.libraries import quiet_libraries

    quiet_libraries()
    options = BundleOptions(out=candidate.path, force=True)
    make_bundle(str(candidate.run_id), workspace, options, note)


def _rehearsal(folder: Path, manifest_id: str) -> dict[str, Any] | None:
    """The rehearsal of just these files; None if there was none."""
    try:
        found = dict(read_json(folder / REHEARSAL))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.get("manifest") == manifest_id else None


def _rehearse(folder: Path, workspace: Workspace, gpu: Gpu, data: Path | None, note: Note) -> None:
    from comp.bundle.rehearse import rehearse
    from comp.bundle.scene import RehearsalSettings
    from comp.report.libraries import quiet_libraries

    quiet_libraries()
    rehearse(folder, workspace, note, RehearsalSettings(machine=_MACHINES[gpu], data=data))


def _estimate(rehearsal: dict[str, Any]) -> str:
    """How long the session takes, as the rehearsal estimates it; "" if it does not."""
    time = rehearsal.get("time")
    return str(time.get("words") or "") if isinstance(time, dict) else ""
