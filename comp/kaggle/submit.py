"""Sends a submission file to Kaggle and waits for its score. The ledger records every step first.

The request that makes a submission must not be sent twice. It is sent once per confirmation of the
user; if its answer is lost, the next call searches for the tag of the attempt on Kaggle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from comp.errors import (
    AnswerError,
    CompError,
    NetworkError,
    PendingError,
    RefusedError,
    ScoringError,
    SubmissionError,
    UnknownOutcomeError,
)
from comp.kaggle.candidate import Candidate, CheckedSubmission
from comp.kaggle.client import submissions as kaggle_submissions
from comp.kaggle.client.session import Kaggle
from comp.kaggle.client.submissions import SubmissionStatus
from comp.kaggle.facts import takes_only_notebooks
from comp.kaggle.look_again import look_again
from comp.kaggle.submission_facts import description, ledger_entry, none_left
from comp.submission.ledger import (
    OPEN,
    UNSENT,
    Attempt,
    Ledger,
    new_tag,
    newest,
)
from comp.submission.packing import packed

FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 60.0
"""Seconds between two requests for the score, the first and the longest wait."""


class SubmitReporter(Protocol):
    """Shows the steps to the user."""

    def step(self, words: str) -> None:
        """Show a step."""

    def sent(self, done: int, total: int) -> None:
        """Show that `done` of `total` bytes are uploaded."""

    def confirm(self, question: str) -> bool:
        """Ask the user a yes-or-no question."""


@dataclass(frozen=True, kw_only=True)
class SubmitOptions:
    """The options of the user."""

    message: str = ""
    force: bool = False
    """Send a file even if it was sent before."""
    retry_unknown: bool = False
    """Send again if the outcome of an earlier attempt is unknown and Kaggle does not show it."""
    wait: bool = True
    """Wait for the score."""


def submit_file(
    candidate: Candidate,
    checked: CheckedSubmission,
    kaggle: Kaggle,
    ledger: Ledger,
    options: SubmitOptions,
    reporter: SubmitReporter,
) -> Attempt:
    """Submit a checked file, or continue an interrupted attempt, and return the attempt.

    Raises:
        SubmissionError: the same bytes were submitted before, or the user says no.
        RefusedError: no submission is left, or Kaggle refused.
        UnknownOutcomeError: it is unknown whether Kaggle has it; nothing more is sent.
        ScoringError: Kaggle could not score it.
        PendingError: there is no score at the deadline.
        NetworkError: Kaggle cannot be reached; the ledger contains the steps that were done.
    """
    name = candidate.competition.name
    with ledger.submitting(name):
        arrived = resolve_unknown(ledger, kaggle, name, reporter)
        before = newest(ledger.attempts(name), checked.sha256)
        if before and before.state in OPEN and options.retry_unknown:
            arrived |= look_for_late(ledger, kaggle, name, reporter)
            before = newest(ledger.attempts(name), checked.sha256)
        attempt = _attempt_to_continue(before, arrived, options, reporter)
        if attempt is None:
            attempt = _send(candidate, checked, kaggle, ledger, options, reporter)
    return wait_for_score(attempt, kaggle, ledger, reporter) if options.wait else attempt


def resolve_unknown(
    ledger: Ledger, kaggle: Kaggle, name: str, reporter: SubmitReporter
) -> set[str]:
    """Search Kaggle for every attempt whose outcome is unknown, record the ones that exist, and
    return their tags."""
    unknown = [a.tag for a in ledger.attempts(name) if a.state in (*OPEN, "absent")]
    found = kaggle_submissions.find_by_tags(kaggle, unknown)
    for tag, status in found.items():
        ledger.append("created", tag, name, ref=status.ref)
        reporter.step(f"an earlier attempt, whose answer was lost, arrived as {status.ref}")
    return set(found)


def look_for_late(ledger: Ledger, kaggle: Kaggle, name: str, reporter: SubmitReporter) -> set[str]:
    """As `resolve_unknown`, several times, before something is sent again.

    Raises:
        PendingError: the deadline comes first.
    """
    found = look_again(
        lambda: resolve_unknown(ledger, kaggle, name, reporter), kaggle.deadline, reporter
    )
    return found or set()


def _attempt_to_continue(
    before: Attempt | None,
    arrived: Collection[str],
    options: SubmitOptions,
    reporter: SubmitReporter,
) -> Attempt | None:
    """The attempt to continue, None if the file must be sent.

    Raises:
        SubmissionError: the file was sent and scored before.
        UnknownOutcomeError: the outcome is unknown, and the user does not want to send it again.
    """
    if before is None or before.state in UNSENT:
        return None
    if before.state in OPEN:
        if options.retry_unknown:
            return None
        raise UnknownOutcomeError(
            f"this file was sent at {before.at} and the answer was lost; Kaggle shows nothing "
            f"tagged {before.tag} so far: repeat the command later, or send the file again with "
            "--retry-unknown"
        )
    if before.tag in arrived:  # the user wants this attempt
        return before
    if options.force:
        return None
    if before.state == "created":
        reporter.step(f"submitted   before, as {before.ref}")
        return before
    result = f"public score {before.public}" if before.public else before.message or before.state
    raise SubmissionError(
        f"the same file was submitted at {before.at} as {before.ref} ({result}): send it again "
        "with --force"
    )


def _send(
    candidate: Candidate,
    checked: CheckedSubmission,
    kaggle: Kaggle,
    ledger: Ledger,
    options: SubmitOptions,
    reporter: SubmitReporter,
) -> Attempt:
    """Check that Kaggle takes files, and the quota; ask the user, upload, and submit."""
    name = candidate.competition.name
    if takes_only_notebooks(kaggle):
        what = candidate.run_id or "RUN_ID"
        raise SubmissionError(
            f"{kaggle.slug} takes notebooks and no files: submit with 'comp submit {what} --code'"
        )
    quota = kaggle_submissions.fetch_quota(kaggle)
    reporter.step(f"quota       {quota.left} left, {quota.today} made today")
    if quota.left < 1:
        raise none_left(kaggle.slug, quota)
    if not reporter.confirm(f"send {candidate.path.name} to {kaggle.slug}"):
        raise SubmissionError("not sent: the answer is no")
    for earlier in ledger.attempts(name):
        if earlier.state in OPEN and earlier.sha256 == checked.sha256:
            ledger.append("absent", earlier.tag, name)
    tag = new_tag()
    ledger.append("intent", tag, name, **ledger_entry(candidate, checked, kaggle.slug))
    with record_failure(ledger, tag, name), packed(candidate.path) as upload:
        size = upload.stat().st_size
        token = kaggle_submissions.upload_file(
            kaggle, upload, lambda done: reporter.sent(done, size)
        )
        reporter.step(f"uploaded    {upload.name}, {size:,} bytes")
        ledger.append("uploaded", tag, name)
        ledger.append("creating", tag, name)
        ref = kaggle_submissions.create_submission(
            kaggle, token, description(candidate, options.message, tag)
        )
    ledger.append("created", tag, name, ref=ref)
    reporter.step(f"submitted   as {ref}")
    return next(found for found in ledger.attempts(name) if found.tag == tag)


@contextmanager
def record_failure(ledger: Ledger, tag: str, name: str) -> Iterator[None]:
    """Record in the ledger why sending failed; an unknown outcome stays unknown."""
    try:
        yield
    except UnknownOutcomeError as error:
        ledger.append("unknown", tag, name, message=str(error))
        raise UnknownOutcomeError(
            f"{error}: repeat the command, it searches Kaggle first and sends nothing twice"
        ) from None
    except CompError as error:
        ledger.append("refused", tag, name, message=str(error))
        raise


def wait_for_score(
    attempt: Attempt, kaggle: Kaggle, ledger: Ledger, reporter: SubmitReporter
) -> Attempt:
    """Wait for the score, and record it.

    Raises:
        ScoringError: Kaggle could not score it.
        PendingError: there is no score at the deadline.
    """
    assert attempt.ref is not None
    wait = FIRST_WAIT_S
    while True:
        status = poll_status(kaggle, attempt.ref)
        if isinstance(status, SubmissionStatus) and status.state != "pending":
            return record_status(ledger, attempt, status)
        left = kaggle.deadline.left
        if left < 1:
            raise _no_score(attempt, kaggle, status)
        reporter.step(f"waiting     for the score of {attempt.ref}")
        kaggle.deadline.sleep(
            min(wait, max(0.5, left - 2))
        )  # the last request is near the deadline
        wait = min(LONGEST_WAIT_S, wait * 1.6)


def _no_score(attempt: Attempt, kaggle: Kaggle, status: SubmissionStatus | CompError) -> CompError:
    advice = "ask again with 'comp submissions --refresh'"
    if isinstance(status, NetworkError):
        problem = f"submission {attempt.ref} exists, but its score cannot be fetched"
        return NetworkError(f"{problem}: {status}; {advice}")
    return PendingError(
        f"submission {attempt.ref} has no score after {kaggle.deadline.seconds:g} s: {advice}"
    )


def poll_status(kaggle: Kaggle, ref: int) -> SubmissionStatus | CompError:
    """The status of a submission, or the error if Kaggle does not know it yet, cannot be reached,
    or its answer cannot be read."""
    try:
        return kaggle_submissions.fetch_status(kaggle, ref)
    except (AnswerError, NetworkError) as error:
        return error
    except RefusedError as error:
        if error.status != 404:  # Kaggle may not find a new submission at once
            raise
        return error


def record_status(ledger: Ledger, attempt: Attempt, status: SubmissionStatus) -> Attempt:
    """Write a status into the ledger and return the attempt with it.

    Raises:
        ScoringError: the status is an error.
    """
    if status.state == "error":
        ledger.append("error", attempt.tag, attempt.competition, message=status.message)
        raise ScoringError(
            f"Kaggle could not score submission {attempt.ref}: {status.message or 'no reason'}"
        )
    ledger.append(
        "scored", attempt.tag, attempt.competition, public=status.public, private=status.private
    )
    return replace(attempt, state="scored", public=status.public, private=status.private)
