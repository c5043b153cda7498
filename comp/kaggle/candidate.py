"""Finds the competition and the run of a submission file, and checks the file before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.location import open_data
from comp.errors import DataError, SubmissionError
from comp.files import read_json, sha256
from comp.runs.folder import RunFolder
from comp.submission.spec import Template
from comp.submission.template import submission_spec, template_of
from comp.submission.validate import BEST_FIT, fit, validate_submission
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A file to submit, and the run that wrote it, if known."""

    competition: Competition
    path: Path
    """The CSV file."""
    run_id: str | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    """The content of run.json; empty without a run."""
    scores: Mapping[str, Any] = field(default_factory=dict)
    """The content of scores.json; empty if it is missing."""


@dataclass(frozen=True, kw_only=True)
class CheckedSubmission:
    """A submission that passed the check."""

    rows: int
    bytes: int
    sha256: str
    template: str
    """What it was checked against: a description."""


def find_candidate(what: str, workspace: Workspace, competition: str | None = None) -> Candidate:
    """Find a submission by its run or its path.

    A file belongs to a run if it is `submissions/<competition>/<run id>.csv` or has the same bytes
    as such a file. Any other file belongs to the named competition, by default to the only one with
    real data here that has its ids.

    Args:
        what: a run, or the beginning of its id; or the path of a CSV file.
        competition: the name of the competition; None to find it.

    Raises:
        RunError: no run matches, or several.
        CompetitionError: unknown competition.
        SubmissionError: the file does not exist, or its competition is unknown or another one.
    """
    path = Path(what)
    if path.is_file():
        return _candidate_of_file(path, workspace, competition)
    if path.suffix or path.name != what:
        raise SubmissionError(f"no file at {path}: give a CSV, or the id of a run")
    run = RunFolder(workspace.find_run(what))
    path = workspace.submission(run.path.parent.name, run.run_id)
    if not path.is_file():
        raise SubmissionError(f"run {run.run_id} has no submission at {path}: run it again")
    return _candidate_of_run(path, run, competition)


def check_candidate(
    candidate: Candidate, workspace: Workspace, data: Path | None = None
) -> CheckedSubmission:
    """Check a submission against the real data of its competition.

    Args:
        data: a folder or zip file with the data; None for the data of the run or the workspace.

    Raises:
        SubmissionError: Kaggle would not accept it; the message lists every problem.
        DataError: there is no real data to check against.
    """
    competition, path = candidate.competition, candidate.path
    if candidate.record.get("synthetic"):
        raise SubmissionError(
            f"{path.name} is from run {candidate.run_id} on synthetic data, which Kaggle does not "
            f"know: get the data with 'comp download {competition.name}' and run again"
        )
    template, source = _find_template(candidate, workspace, data)
    try:
        rows = validate_submission(path, submission_spec(competition, template))
    except SubmissionError as error:
        other = _better_fitting_names(candidate, template, workspace)
        if other is None:
            raise
        raise SubmissionError(
            f"{path.name} is not a submission of {competition.name}: its ids are those of {other}; "
            "give another file, or another name with --competition"
        ) from error
    return CheckedSubmission(
        rows=rows, bytes=path.stat().st_size, sha256=sha256(path), template=source
    )


def _candidate_of_file(path: Path, workspace: Workspace, competition: str | None) -> Candidate:
    run = _run_of_file(path, workspace)
    if run:
        return _candidate_of_run(path, run, competition)
    if competition:
        return Candidate(competition=registry.get(competition), path=path)
    fitting = _best_fitting(path, workspace)
    if len(fitting) == 1:
        return Candidate(competition=fitting[0], path=path)
    names = ", ".join(found.name for found in fitting)
    reason = f"its ids fit {names}" if names else "no competition with data here has its ids"
    raise SubmissionError(
        f"{path.name} belongs to no run here, and {reason}: name its competition with "
        "--competition NAME"
    )


def _candidate_of_run(path: Path, run: RunFolder, competition: str | None) -> Candidate:
    name = run.path.parent.name
    if competition not in (None, name):
        raise SubmissionError(
            f"{path.name} belongs to run {run.run_id} of {name}, not of {competition}: leave "
            "--competition out, or give another file"
        )
    try:
        scores = dict(read_json(run.scores))
    except (OSError, ValueError, TypeError):
        scores = {}  # an unfinished run has no scores
    return Candidate(
        competition=registry.get(name),
        path=path,
        run_id=run.run_id,
        record=run.record(),
        scores=scores,
    )


def _run_of_file(path: Path, workspace: Workspace) -> RunFolder | None:
    """The run that wrote a file, by its path or its bytes."""
    file = path.resolve()
    folder = file.parent
    if folder.parent.name == "submissions":
        run = folder.parent.parent / "runs" / folder.name / file.stem
        if (run / "run.json").is_file():
            return RunFolder(run)
    size, digest = file.stat().st_size, ""
    for other in sorted(workspace.out.glob("submissions/*/*.csv")):
        run = workspace.runs(other.parent.name) / other.stem
        if other.stat().st_size == size and (run / "run.json").is_file():
            digest = digest or sha256(file)
            if sha256(other) == digest:
                return RunFolder(run)
    return None


def _best_fitting(path: Path, workspace: Workspace, least: int = 1) -> list[Competition]:
    """The competitions with real data here that a file fits best, at least with the fit `least`."""
    fits: dict[int, list[Competition]] = {}
    for competition in registry.competitions().values():
        if workspace.has_data(competition.name):
            try:
                template, _ = _template(competition, workspace.data(competition.name), workspace)
            except DataError:
                continue
            fits.setdefault(fit(path, template), []).append(competition)
    best = max(fits, default=0)
    return fits[best] if best >= least else []


def _better_fitting_names(
    candidate: Candidate, template: Template, workspace: Workspace
) -> str | None:
    """The names of the competitions that a file fits better than its own, None if there are none
    or the file cannot be read."""
    try:
        fit_here = fit(candidate.path, template)
        if fit_here >= BEST_FIT:
            return None
        better = _best_fitting(candidate.path, workspace, least=fit_here + 1)
    except SubmissionError:
        return None
    return " or ".join(competition.name for competition in better) or None


def _find_template(
    candidate: Candidate, workspace: Workspace, data: Path | None
) -> tuple[Template, str]:
    """The template of a submission from the first usable data, and its description.

    Raises:
        DataError: there is no usable data.
    """
    competition = candidate.competition
    of_run = candidate.record.get("data")
    folders = [Path(of_run)] if of_run and Path(of_run).is_dir() else []
    folders += [workspace.data(competition.name)] * workspace.has_data(competition.name)
    failure = DataError(
        f"no data of {competition.name} to check {candidate.path.name} against: get it with "
        f"'comp download {competition.name}', or name it with --data"
    )
    for folder in [data] if data else folders:
        try:
            return _template(competition, folder, workspace)
        except DataError as error:
            failure = error
    raise failure


def _template(competition: Competition, data: Path, workspace: Workspace) -> tuple[Template, str]:
    root = open_data(competition, data, workspace)
    if competition.sample_submission:
        return template_of(competition, root, ()), str(root / competition.sample_submission)
    ids = template_of(competition, root, competition.samples(root, "test"))
    return ids, f"the ids of the test samples in {root}"
