"""Watches the session of a notebook until it ends."""

from __future__ import annotations

import time

from comp.errors import CompError, NetworkError, PendingError, RefusedError, ScoringError
from comp.kaggle.client.kernel_sessions import SessionStatus, session_log
from comp.kaggle.sessions import ENDED, SUBMISSION, kernel_of, poll_session, record_session
from comp.notebook.job import Job
from comp.notebook.log import last_traceback
from comp.submission.ledger import Attempt

ADVICE = "repeat the command to go on, or end the session with 'comp kernel stop'"
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 60.0
"""Seconds between two questions for the state, the first and the longest wait."""


def watch(job: Job, attempt: Attempt) -> SessionStatus | None:
    """Wait for the end of the session. Returns None if it has not ended and nobody waits.

    Raises:
        PendingError: the session has not ended at the deadline.
        NetworkError: Kaggle cannot be reached any more.
        RefusedError: Kaggle does not show the notebook any more.
    """
    try:
        return _watch(job, attempt)
    except KeyboardInterrupt:
        job.reporter.step(f"the session goes on at Kaggle: {ADVICE}")
        raise
    except RefusedError as error:
        if error.status != 403:
            raise
        raise RefusedError(
            f"{error}; if you deleted the notebook, begin again with --force"
        ) from None


def _watch(job: Job, attempt: Attempt) -> SessionStatus | None:
    began, wait, before = time.monotonic(), FIRST_WAIT_S, ""
    while True:
        status = poll_session(job.kaggle, attempt)
        state = status.state if isinstance(status, SessionStatus) else "unknown"
        if isinstance(status, SessionStatus) and state in ENDED:
            return status
        if state not in (before, "unknown"):
            job.reporter.step(f"session     {state}")
            before = state
        if not job.options.wait:
            return None
        deadline = job.kaggle.deadline
        if deadline.left < 1:
            raise _not_ended(job, attempt, status)
        limit = float(attempt.facts["session_s"])
        job.reporter.session(before or "starting", time.monotonic() - began, limit)
        deadline.sleep(min(wait, max(0.5, deadline.left - 2)))
        wait = min(LONGEST_WAIT_S, wait * 1.3)


def _not_ended(job: Job, attempt: Attempt, status: SessionStatus | CompError) -> CompError:
    what = f"the session of {attempt.kernel}, version {attempt.kernel_version},"
    if isinstance(status, NetworkError):
        return NetworkError(f"{what} exists, but its state cannot be fetched: {status}; {ADVICE}")
    seconds = f"{job.kaggle.deadline.seconds:g} s"
    return PendingError(f"{what} has not ended after {seconds}, the time limit: {ADVICE}")


def record_end(job: Job, attempt: Attempt, status: SessionStatus) -> Attempt:
    """Write the end of the session into the ledger.

    Raises:
        ScoringError: the session failed, was stopped, or left no submission file; the last
            traceback of its log was shown.
    """
    reason = record_session(job.kaggle, job.ledger, attempt, status)
    if not reason:
        job.reporter.step(f"session     complete, {SUBMISSION} is there")
        return job.reread(attempt)
    _show_log(job, attempt)
    raise ScoringError(
        f"the session of {attempt.kernel}, version {attempt.kernel_version}, failed: {reason}; "
        "'comp kernel logs' shows its whole log"
    )


def _show_log(job: Job, attempt: Attempt) -> None:
    assert attempt.kernel_version is not None
    try:
        log = session_log(job.kaggle, *kernel_of(attempt), attempt.kernel_version)
    except CompError as error:
        job.reporter.step(f"the log cannot be fetched: {error}")
        return
    for line in last_traceback(log).splitlines() or ["its log is empty"]:
        job.reporter.step(f"log         {line}")
