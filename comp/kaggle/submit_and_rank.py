"""The whole way of a submission: find it, check it, send it, and look up its rank."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from comp.contract.competition import Competition
from comp.errors import CompError, SubmissionError
from comp.kaggle.candidate import Candidate, check_candidate, find_candidate
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.public_leaderboard import (
    Standing,
    cache_leaderboard,
    fetch_leaderboard,
    rank_score,
)
from comp.kaggle.client.session import Kaggle, connect
from comp.kaggle.history import competition_with_runs
from comp.kaggle.submit import SubmitOptions, submit_file
from comp.kaggle.unsent import best_unsent, left_out_note
from comp.runs.catalog import covered_folds, covers_all_folds, cv_folds
from comp.submission.ledger import Attempt, Ledger, number
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.report.submit import DeliveryReporter

BOARD_S = 20.0
"""Time limit in seconds for the leaderboard, after the score has arrived."""


@dataclass(frozen=True, kw_only=True)
class SubmitResult:
    """A submission on Kaggle, and its scores as far as they are known."""

    competition: str
    run_id: str | None
    """None for a file that no run here wrote."""
    file: Path
    cv_score: float | None
    """The out-of-fold score of the run."""
    tag: str
    """The mark of this attempt in the ledger and in the description on Kaggle."""
    state: str
    """The last event in the ledger, such as "created" or "scored"."""
    ref: int | None
    """Kaggle's number of the submission."""
    public: str
    """The public score as Kaggle writes it, "" before it is known."""
    private: str
    """The private score, "" before the deadline of the competition."""
    standing: Standing | None
    """The rank of the public score; None if it is unknown."""
    kind: str = "file"
    """What was sent: "file" or "notebook"."""
    kernel: str = ""
    """The notebook on Kaggle, "owner/name"; "" for a file."""
    kernel_version: int | None = None
    value: float | None = None
    """The score of a notebook's file on test labels here."""


def submit_and_rank(
    what: str | None,
    workspace: Workspace,
    reporter: DeliveryReporter,
    deadline: Deadline,
    options: SubmitOptions,
    *,
    competition: str | None = None,
    data: Path | None = None,
) -> SubmitResult:
    """Check a submission, send it, and wait for its score.

    Args:
        what: a run, the beginning of its id, or the path of a CSV file; None for the best run that
            is not sent yet.
        competition: the name of the competition, if it is not clear.
        data: folder or zip file to check against; None for the data of the run.

    Raises:
        SubmissionError: Kaggle would not accept the file, or the same file was sent before.
        CompError: see `comp.kaggle.submit.submit_file`.
    """
    ledger = Ledger(workspace.ledger)
    if what is None:
        what = choose_run(competition, workspace, ledger, reporter)
    candidate = find_candidate(what, workspace, competition)
    announce(candidate, reporter)
    slug = _slug(candidate)
    checked = check_candidate(candidate, workspace, data)
    reporter.step(f"checked     {checked.rows:,} rows against {checked.template}")
    with connect(deadline, slug) as kaggle:
        attempt = submit_file(candidate, checked, kaggle, ledger, options, reporter)
        rank = standing_of(kaggle, candidate.competition, attempt, workspace)
    reporter.table(candidate.competition, candidate.scores.get("cv_score"), attempt, rank)
    return result_of(candidate, attempt, rank)


def choose_run(
    competition: str | None,
    workspace: Workspace,
    ledger: Ledger,
    reporter: DeliveryReporter,
    *,
    notebook: bool = False,
) -> str:
    """The best run that is not sent yet; says how many runs are left out, if any are.

    Raises:
        CompError: see `best_unsent` and `competition_with_runs`.
    """
    chosen = competition_with_runs(workspace, competition)
    run_id = best_unsent(workspace, ledger, chosen, notebook=notebook)
    note = left_out_note(workspace, ledger, chosen, notebook=notebook)
    if note:
        reporter.step(f"note        {note}")
    return run_id


def announce(candidate: Candidate, reporter: DeliveryReporter) -> None:
    """Say what is sent, and whether folds are missing."""
    cv_score = candidate.scores.get("cv_score")
    score = f", OOF {candidate.scores['metric']} {cv_score:.5f}" if cv_score is not None else ""
    reporter.step(f"submission  {candidate.run_id or candidate.path}{score}")
    if not covers_all_folds(candidate.record):
        covered = len(covered_folds(candidate.record))
        reporter.step(f"note        the run covers {covered} of {cv_folds(candidate.record)} folds")


def result_of(candidate: Candidate, attempt: Attempt, rank: Standing | None) -> SubmitResult:
    """The result of an attempt."""
    return SubmitResult(
        competition=candidate.competition.name,
        run_id=candidate.run_id,
        file=candidate.path,
        cv_score=candidate.scores.get("cv_score"),
        tag=attempt.tag,
        state=attempt.state,
        ref=attempt.ref,
        public=attempt.public,
        private=attempt.private,
        standing=rank,
        kind=attempt.kind,
        kernel=attempt.kernel,
        kernel_version=attempt.kernel_version,
        value=attempt.value,
    )


def _slug(candidate: Candidate) -> str:
    """The name of the competition on Kaggle.

    Raises:
        SubmissionError: for a data set, which takes no submissions.
    """
    kind, _, slug = candidate.competition.kaggle.partition("/")
    if kind != "competitions":
        raise SubmissionError(
            f"{candidate.competition.name} is a data set, which takes no submissions: "
            f"'comp grade {candidate.run_id or 'RUN_ID'}' scores the run on the test labels"
        )
    return slug


def standing_of(
    kaggle: Kaggle, competition: Competition, attempt: Attempt, workspace: Workspace
) -> Standing | None:
    """The rank of the public score on the leaderboard, None if it cannot be fetched."""
    score = number(attempt.public)
    if score is None:
        return None
    quick = replace(kaggle, deadline=Deadline(min(BOARD_S, kaggle.deadline.left)))
    try:
        board = fetch_leaderboard(quick, quick.slug)
        cache_leaderboard(workspace.cache, board)
        return rank_score(board, score, competition.metric.direction)
    except CompError:
        return None
