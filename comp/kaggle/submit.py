"""From a submission file to its score on Kaggle, every step of it in the ledger first.

What must not happen twice is the request that makes a submission. It is sent once for a decision of
the user; where its answer is lost, the next call looks for the attempt's tag at Kaggle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

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
from comp.kaggle.client import submissions as submitting
from comp.kaggle.client.session import Kaggle
from comp.kaggle.client.submissions import Verdict
from comp.submission.ledger import (
    OPEN,
    UNSENT,
    Attempt,
    Ledger,
    new_tag,
    newest,
    public_config,
)
from comp.submission.packing import packed

FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 60.0
"""Seconds between two looks at a submission that is being scored, at first and at most."""


class SubmitReporter(Protocol):
    """Whoever shows the steps to a person."""

    def step(self, words: str) -> None:
        """A step is done, or begins."""

    def sent(self, done: int, total: int) -> None:
        """So many bytes are uploaded."""

    def agree(self, question: str) -> bool:
        """Whether the user agrees to send."""


@dataclass(frozen=True, kw_only=True)
class SubmitOptions:
    """What the user asked for beside the file."""

    message: str = ""
    force: bool = False
    """Send a file that was sent before."""
    retry_unknown: bool = False
    """Send again where an earlier outcome is unknown and Kaggle shows nothing of it."""
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
    """Submit a checked file, or go on with an attempt that was cut off, and return how it stands.

    Raises:
        SubmissionError: the same bytes were submitted before.
        RefusedError: no submission left, or Kaggle said no.
        UnknownOutcomeError: nobody knows whether Kaggle has it; nothing more is sent.
        ScoringError: Kaggle could not score it.
        PendingError: there is no score yet at the deadline.
        NetworkError: Kaggle cannot be reached; the ledger says how far it went.
    """
    name = candidate.competition.name
    with ledger.submitting(name):
        arrived = settle(ledger, kaggle, name, reporter)
        before = newest(ledger.attempts(name), checked.sha256)
        attempt = _unfinished(before, arrived, options, reporter)
        if attempt is None:
            attempt = _send(candidate, checked, kaggle, ledger, options, reporter)
    return _await(attempt, kaggle, ledger, reporter) if options.wait else attempt


def settle(ledger: Ledger, kaggle: Kaggle, name: str, reporter: SubmitReporter) -> set[str]:
    """Look at Kaggle for every attempt whose outcome is unknown, note those that are there, and
    return their tags."""
    doubtful = [a.tag for a in ledger.attempts(name) if a.state in (*OPEN, "absent")]
    found = submitting.find(kaggle, doubtful)
    for tag, verdict in found.items():
        ledger.append("created", tag, name, ref=verdict.ref)
        reporter.step(f"an earlier attempt, whose answer was lost, arrived as {verdict.ref}")
    return set(found)


def _unfinished(
    before: Attempt | None,
    arrived: Collection[str],
    options: SubmitOptions,
    reporter: SubmitReporter,
) -> Attempt | None:
    """The attempt to go on with, None where the file is to be sent.

    Raises:
        SubmissionError: when it was sent, and is scored.
        UnknownOutcomeError: when nobody knows, and sending again was not asked for.
    """
    if before is None or before.state in UNSENT:
        return None
    if before.state in OPEN:
        if options.retry_unknown:
            reporter.step(f"Kaggle has nothing tagged {before.tag}: sending again, as you ask")
            return None
        raise UnknownOutcomeError(
            f"this file was sent at {before.at} and the answer was lost; Kaggle shows nothing "
            f"tagged {before.tag} so far: look again later with the same command, or send once "
            "more with --retry-unknown"
        )
    if before.tag in arrived:  # it was this that the user asked for
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
    """Ask for the quota and the user's word, upload, and make the submission."""
    name = candidate.competition.name
    quota = submitting.quota(kaggle)
    reporter.step(f"quota       {quota.left} left, {quota.today} made today")
    if quota.left < 1:
        rules = f"https://www.kaggle.com/competitions/{kaggle.slug}/rules"
        joined = "" if quota.total else f", or you have not joined: accept the rules at {rules}"
        raise RefusedError(
            f"no submission of {kaggle.slug} left today ({quota.today} made): Kaggle counts anew "
            f"at midnight UTC{joined}"
        )
    if not reporter.agree(f"send {candidate.path.name} to {kaggle.slug}"):
        raise SubmissionError("not sent: you said no")
    for earlier in ledger.attempts(name):
        if earlier.state in OPEN and earlier.sha256 == checked.sha256:
            ledger.append("absent", earlier.tag, name)
    tag = new_tag()
    ledger.append("intent", tag, name, **intent(candidate, checked, kaggle.slug))
    with _refusals(ledger, tag, name), packed(candidate.path) as upload:
        size = upload.stat().st_size
        token = submitting.upload(kaggle, upload, lambda done: reporter.sent(done, size))
        reporter.step(f"uploaded    {upload.name}, {size:,} bytes")
        ledger.append("uploaded", tag, name)
        ledger.append("creating", tag, name)
        ref = submitting.create(kaggle, token, description(candidate, options.message, tag))
    ledger.append("created", tag, name, ref=ref)
    reporter.step(f"submitted   as {ref}")
    return next(found for found in ledger.attempts(name) if found.tag == tag)


@contextmanager
def _refusals(ledger: Ledger, tag: str, name: str) -> Iterator[None]:
    """Note in the ledger how sending failed; what is not known stays open."""
    try:
        yield
    except UnknownOutcomeError as error:
        ledger.append("unknown", tag, name, message=str(error))
        raise UnknownOutcomeError(
            f"{error}: the same command looks at Kaggle for it and sends nothing twice"
        ) from None
    except CompError as error:
        ledger.append("refused", tag, name, message=str(error))
        raise


def intent(candidate: Candidate, checked: CheckedSubmission, slug: str) -> Mapping[str, Any]:
    """What the ledger keeps of a file and of its run; no folder of this machine is in it."""
    record, scores = candidate.record, candidate.scores
    return {
        "run_id": candidate.run_id,
        "kaggle": slug,
        "file": candidate.path.name,
        "sha256": checked.sha256,
        "rows": checked.rows,
        "metric": scores.get("metric"),
        "direction": scores.get("direction"),
        "cv_score": scores.get("cv_score"),
        "std": scores.get("std"),
        "fold_hash": record.get("fold_hash"),
        "config": public_config(record.get("config", {})),
    }


def description(candidate: Candidate, message: str, tag: str) -> str:
    """What Kaggle shows beside the submission: the tag, the user's words, the run and its score."""
    score = candidate.scores.get("cv_score")
    words = [message, candidate.run_id or candidate.path.stem]
    words += [f"OOF {score:.5f}"] if score is not None else []
    return " | ".join([tag, *(word for word in words if word)])  # the end may be cut off


def _await(attempt: Attempt, kaggle: Kaggle, ledger: Ledger, reporter: SubmitReporter) -> Attempt:
    """Wait for the score, and note it.

    Raises:
        ScoringError: Kaggle could not score it.
        PendingError: there is no score by the deadline.
    """
    assert attempt.ref is not None
    wait = FIRST_WAIT_S
    while True:
        found = look(kaggle, attempt.ref)
        if isinstance(found, Verdict) and found.state != "pending":
            return note(ledger, attempt, found)
        left = kaggle.deadline.left
        if left < 1:
            raise _no_score(attempt, kaggle, found)
        reporter.step(f"waiting     for the score of {attempt.ref}")
        kaggle.deadline.sleep(min(wait, max(0.5, left - 2)))  # the last look is near the end
        wait = min(LONGEST_WAIT_S, wait * 1.6)


def _no_score(attempt: Attempt, kaggle: Kaggle, found: Verdict | CompError) -> CompError:
    ask = "ask again with 'comp submissions --refresh'"
    if isinstance(found, NetworkError):
        words = f"submission {attempt.ref} is made, but its score cannot be had"
        return NetworkError(f"{words}: {found}; {ask}")
    return PendingError(
        f"submission {attempt.ref} has no score after {kaggle.deadline.seconds:g} s: {ask}"
    )


def look(kaggle: Kaggle, ref: int) -> Verdict | CompError:
    """The verdict on a submission, or why it cannot be had now: Kaggle does not know it yet, cannot
    be reached or cannot be understood."""
    try:
        return submitting.verdict(kaggle, ref)
    except (AnswerError, NetworkError) as error:
        return error
    except RefusedError as error:
        if error.status != 404:  # a new submission is not everywhere at once
            raise
        return error


def note(ledger: Ledger, attempt: Attempt, found: Verdict) -> Attempt:
    """Write a verdict into the ledger and return the attempt with it.

    Raises:
        ScoringError: when it is an error.
    """
    if found.state == "error":
        ledger.append("error", attempt.tag, attempt.competition, message=found.message)
        raise ScoringError(
            f"Kaggle could not score submission {attempt.ref}: {found.message or 'no reason given'}"
        )
    ledger.append(
        "scored", attempt.tag, attempt.competition, public=found.public, private=found.private
    )
    return replace(attempt, state="scored", public=found.public, private=found.private)
