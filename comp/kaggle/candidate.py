"""Whose a submission is, and whether Kaggle would take it: all that can be known without Kaggle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.location import root_of
from comp.errors import DataError, SubmissionError
from comp.files import read_json, sha256
from comp.runs.folder import RunFolder
from comp.submission.template import template_of
from comp.submission.validate import BEST_FIT, Template, fit, validate_submission
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A file that may be submitted, and the run that made it, if one did."""

    competition: Competition
    path: Path
    """The CSV."""
    run_id: str | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    """What run.json says; empty where there is no run."""
    scores: Mapping[str, Any] = field(default_factory=dict)
    """What scores.json says; empty where there is none."""


@dataclass(frozen=True, kw_only=True)
class CheckedSubmission:
    """What was found of a submission that Kaggle would take."""

    rows: int
    bytes: int
    sha256: str
    template: str
    """What it was compared with."""


def find(what: str, workspace: Workspace, competition: str | None = None) -> Candidate:
    """Find a submission by its run or by its path, and whose it is.

    A file is that of a run where it stands in `submissions/<competition>/<run id>.csv`, or has the
    same bytes as such a file. Any other belongs to the competition that is named, or to the only
    one that has real data here with such ids.

    Args:
        what: a run, or the beginning of its id; or the path of a CSV.
        competition: the name of the competition; None to find out.

    Raises:
        RunError: no such run, or several.
        CompetitionError: no competition of this name.
        SubmissionError: no such file, or nobody knows whose it is, or it is another's.
    """
    path = Path(what)
    if path.is_file():
        return _of_file(path, workspace, competition)
    if path.suffix or path.name != what:
        raise SubmissionError(f"no file at {path}: give a CSV, or the id of a run")
    run = RunFolder(workspace.find_run(what))
    path = workspace.submission(run.path.parent.name, run.run_id)
    if not path.is_file():
        raise SubmissionError(f"run {run.run_id} has no submission at {path}: run it again")
    return _of_run(path, run, competition)


def check(
    candidate: Candidate, workspace: Workspace, data: Path | None = None
) -> CheckedSubmission:
    """Compare a submission with what its competition wants, as the real data has it.

    Args:
        data: a folder or zip with the competition's data; if None the run's own, or that of the
            workspace.

    Raises:
        SubmissionError: saying in plain words everything that is wrong.
        DataError: when there is no real data to compare with.
    """
    competition, path = candidate.competition, candidate.path
    if candidate.record.get("synthetic"):
        raise SubmissionError(
            f"{path.name} was made from sample data by run {candidate.run_id}: Kaggle knows none "
            f"of it; fetch the data with 'comp download {competition.name}' and run again"
        )
    template, words = _real_template(candidate, workspace, data)
    try:
        rows = validate_submission(path, template, competition.limits, labels=competition.classes)
    except SubmissionError as error:
        other = _owner(candidate, template, workspace)
        if other is None:
            raise
        raise SubmissionError(
            f"{path.name} is no submission of {competition.name}: its ids are those of {other}; "
            "give the other file, or the other name with --competition"
        ) from error
    return CheckedSubmission(
        rows=rows, bytes=path.stat().st_size, sha256=sha256(path), template=words
    )


def _of_file(path: Path, workspace: Workspace, competition: str | None) -> Candidate:
    run = _run_of(path, workspace)
    if run:
        return _of_run(path, run, competition)
    if competition:
        return Candidate(competition=registry.get(competition), path=path)
    fitting = _fitting(path, workspace)
    if len(fitting) == 1:
        return Candidate(competition=fitting[0], path=path)
    names = ", ".join(found.name for found in fitting)
    whose = f"its ids fit {names}" if names else "no competition with data here has its ids"
    raise SubmissionError(
        f"{path.name} is of no run here, and {whose}: say whose it is with --competition NAME"
    )


def _of_run(path: Path, run: RunFolder, competition: str | None) -> Candidate:
    name = run.path.parent.name
    if competition not in (None, name):
        raise SubmissionError(
            f"{path.name} is of run {run.run_id} of {name}, not of {competition}: leave "
            "--competition out, or give another file"
        )
    try:
        scores = dict(read_json(run.scores))
    except (OSError, ValueError, TypeError):
        scores = {}  # a run that was stopped has none
    return Candidate(
        competition=registry.get(name),
        path=path,
        run_id=run.run_id,
        record=run.record(),
        scores=scores,
    )


def _run_of(path: Path, workspace: Workspace) -> RunFolder | None:
    """The run whose submission a file is, by its place or by its bytes."""
    place = path.resolve()
    folder = place.parent
    if folder.parent.name == "submissions":
        run = folder.parent.parent / "runs" / folder.name / place.stem
        if (run / "run.json").is_file():
            return RunFolder(run)
    size, digest = place.stat().st_size, ""
    for other in sorted(workspace.out.glob("submissions/*/*.csv")):
        run = workspace.runs(other.parent.name) / other.stem
        if other.stat().st_size == size and (run / "run.json").is_file():
            digest = digest or sha256(place)
            if sha256(other) == digest:
                return RunFolder(run)
    return None


def _fitting(path: Path, workspace: Workspace, least: int = 1) -> list[Competition]:
    """The competitions with real data here that a file fits best, and at least so well."""
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


def _owner(candidate: Candidate, template: Template, workspace: Workspace) -> str | None:
    """The names of the competitions that a file fits better than its own, None where there are
    none, or it cannot be told."""
    try:
        own = fit(candidate.path, template)
        better = _fitting(candidate.path, workspace, least=own + 1) if own < BEST_FIT else []
    except SubmissionError:
        return None
    return " or ".join(competition.name for competition in better) or None


def _real_template(
    candidate: Candidate, workspace: Workspace, data: Path | None
) -> tuple[Template, str]:
    """What a submission must look like, by the first data that tells, and what that is in words.

    Raises:
        DataError: when none does.
    """
    competition = candidate.competition
    own = candidate.record.get("data")
    places = [Path(own)] if own and Path(own).is_dir() else []
    places += [workspace.data(competition.name)] * workspace.has_data(competition.name)
    failure = DataError(
        f"no data of {competition.name} to compare {candidate.path.name} with: fetch it with "
        f"'comp download {competition.name}', or name it with --data"
    )
    for place in [data] if data else places:
        try:
            return _template(competition, place, workspace)
        except DataError as error:
            failure = error
    raise failure


def _template(competition: Competition, place: Path, workspace: Workspace) -> tuple[Template, str]:
    root = root_of(competition, place, workspace)
    if competition.sample_submission:
        return template_of(competition, root, ()), str(root / competition.sample_submission)
    ids = template_of(competition, root, competition.samples(root, "test"))
    return ids, f"the ids of the test samples in {root}"
