"""Submits a run with a notebook: weights, notebook, session, submission, score.

The ledger records every step first. A request that makes something is sent once per confirmation
of the user; if its answer is lost, the next call looks for what it made.
"""

from __future__ import annotations

from collections.abc import Collection

from comp.errors import RefusedError, SubmissionError, UnknownOutcomeError
from comp.kaggle.client import submissions as kaggle_submissions
from comp.kaggle.client.identity import user_name
from comp.kaggle.sessions import SUBMISSION, kernel_of
from comp.kaggle.submission_facts import description
from comp.kaggle.submit import (
    look_for_late,
    record_failure,
    resolve_unknown,
    wait_for_score,
)
from comp.notebook.begin import begin
from comp.notebook.check import check_output
from comp.notebook.grade_here import grade_here
from comp.notebook.job import Job
from comp.notebook.push import push
from comp.notebook.watch import record_end, watch
from comp.notebook.weights import bring_weights
from comp.submission.ledger import NOTEBOOK, OPEN, Attempt


def submit_notebook(job: Job) -> Attempt:
    """Submit a bundle with a notebook, or continue an interrupted attempt; returns the attempt.

    Only short steps lock the ledger, so that other submissions need not wait for a session.

    Raises:
        SubmissionError: the same bundle was submitted before, or the user says no.
        RefusedError: no submission is left, or Kaggle refused.
        UnknownOutcomeError: it is unknown whether Kaggle has it; nothing more is sent.
        ScoringError: the session failed, or Kaggle could not score the file.
        PendingError: the session has not ended, or there is no score, at the deadline.
        NetworkError: Kaggle cannot be reached; the ledger contains the steps that were done.
    """
    with job.ledger.submitting(job.name):
        attempt = attempt_to_continue(job, _arrived(job)) or begin(job)
        _check_owner(job, attempt)
        attempt = push(job, bring_weights(job, attempt))
    if attempt.state == "pushed":
        status = watch(job, attempt)
        if status is None:
            return attempt
        with job.ledger.submitting(job.name):
            attempt = job.reread(attempt)  # another process may have gone on
            if attempt.state == "pushed":
                attempt = record_end(job, attempt, status)
    if attempt.state in ("saved", "graded"):
        return attempt
    if not job.scores_on_kaggle:
        return grade_here(job, attempt)
    with job.ledger.submitting(job.name):
        attempt = _submit_version(job, job.reread(attempt))
    if attempt.state != "created" or not job.options.wait:
        return attempt
    return wait_for_score(attempt, job.kaggle, job.ledger, job.reporter)


def _check_owner(job: Job, attempt: Attempt) -> None:
    """Check that the credentials are of the user who began an attempt: others do not see what it
    made, and would make it twice.

    Raises:
        SubmissionError: they are of somebody else.
    """
    owner, _slug = kernel_of(attempt)
    if attempt.state == "intent" or attempt.sent:
        return
    user = user_name(job.kaggle)
    if user.lower() != owner.lower():
        again = "" if attempt.state in OPEN else f", or begin again as {user} with --force"
        raise SubmissionError(
            f"the attempt of {attempt.at} was begun by {owner} and is {attempt.state}, and these "
            f"credentials are of {user}: use those of {owner}{again}"
        )


def _arrived(job: Job) -> Collection[str]:
    """The tags of submissions whose answers were lost and that Kaggle has."""
    if not job.scores_on_kaggle:
        return ()
    return resolve_unknown(job.ledger, job.kaggle, job.name, job.reporter)


def attempt_to_continue(job: Job, arrived: Collection[str] = ()) -> Attempt | None:
    """The attempt with this bundle that goes on, None to begin a new one.

    Raises:
        SubmissionError: the bundle was submitted before, or another kind of attempt is under way.
    """
    before = _newest(job)
    if before is None or before.state in ("intent", "uploaded", "failed"):
        return None
    if before.tag in arrived or before.state in OPEN:
        return before
    if job.options.force:
        return None
    if _is_under_way(before) or before.state == "created":
        return _checked(job, before)
    if before.state == "refused" or (before.state == "saved" and job.options.run):
        return None
    results = {"saved": f"version {before.kernel_version}", "graded": f"score {before.value}"}
    result = before.public and f"public score {before.public}"
    raise SubmissionError(
        f"the same bundle was sent at {before.at} as {before.ref or before.kernel} "
        f"({result or results.get(before.state) or before.message or before.state}): send it "
        "again with --force"
    )


def _newest(job: Job) -> Attempt | None:
    """The attempt that decides: the last if it is under way, else the last that arrived."""
    mine = [
        a
        for a in job.ledger.attempts(job.name)
        if a.kind == "notebook" and a.sha256 == job.bundle.manifest_id
    ]
    under_way = [a for a in mine[-1:] if _is_under_way(a)]
    ended = [a for a in mine if a.sent or a.state in ("graded", "saved")]
    return next((found[-1] for found in (under_way, ended, mine) if found), None)


def _is_under_way(attempt: Attempt) -> bool:
    """Whether an attempt goes on: a refused submission leaves a notebook that ran."""
    if attempt.state == "refused":
        return attempt.kernel_version is not None
    return attempt.state in (*NOTEBOOK, *OPEN, "absent")


def _checked(job: Job, before: Attempt) -> Attempt:
    """An attempt that goes on as it began, with a line about it."""
    if job.options.run != before.facts.get("run", True):
        word = "only saves the notebook" if job.options.run else "runs the notebook"
        raise SubmissionError(
            f"an attempt of {before.at} {word} and has not ended ({before.state}): repeat its "
            "command, or begin again with --force"
        )
    facts = before.facts
    job.reporter.step(
        f"continuing  the attempt of {before.at}: {before.state}, a {facts['store']}, "
        f"--gpu {facts['gpu']}"
    )
    return before


def _submit_version(job: Job, attempt: Attempt) -> Attempt:
    """Make the submission of the notebook's version, unless Kaggle has it."""
    if attempt.sent:
        job.reporter.step(f"submitted   before, as {attempt.ref}")
        return attempt
    if attempt.state in OPEN:
        if not job.options.retry_unknown:
            raise UnknownOutcomeError(
                f"the notebook was submitted at {attempt.at} and the answer was lost; Kaggle shows "
                f"nothing tagged {attempt.tag} so far: repeat the command later, or submit it "
                "again with --retry-unknown"
            )
        if attempt.tag in look_for_late(job.ledger, job.kaggle, job.name, job.reporter):
            return job.reread(attempt)
        attempt = job.record("absent", attempt)
    if attempt.state not in ("ran", "absent", "refused") or attempt.kernel_version is None:
        raise RefusedError(
            f"the attempt of {attempt.at} is {attempt.state}: repeat the command to begin again"
        )
    check_output(job, attempt)
    job.record("creating", attempt)
    with record_failure(job.ledger, attempt.tag, job.name):
        ref = kaggle_submissions.create_code_submission(
            job.kaggle,
            *kernel_of(attempt),
            attempt.kernel_version,
            SUBMISSION,
            description(job.candidate, job.options.message, attempt.tag),
        )
    job.reporter.step(f"submitted   version {attempt.kernel_version} as {ref}")
    return job.record("created", attempt, ref=ref)
