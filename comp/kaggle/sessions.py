"""The ends of sessions of notebooks, recorded in the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from comp.errors import AnswerError, CompError, NetworkError, RefusedError
from comp.kaggle.client.kernel_sessions import SessionStatus, session_outputs, session_status
from comp.kaggle.client.session import Kaggle
from comp.kaggle.submit import SubmitReporter
from comp.submission.ledger import Attempt, Ledger

SUBMISSION = "submission.csv"
"""The one output file of a notebook of comp."""
ENDED = frozenset({"complete", "error", "cancelled"})


def kernel_of(attempt: Attempt) -> tuple[str, str]:
    """Owner and name of the notebook of an attempt."""
    owner, _, slug = attempt.kernel.partition("/")
    return owner, slug


def poll_session(kaggle: Kaggle, attempt: Attempt) -> SessionStatus | CompError:
    """The state of the session of an attempt, or the error if Kaggle does not know it yet, cannot
    be reached, or its answer cannot be read."""
    assert attempt.kernel_version is not None
    try:
        return session_status(kaggle, *kernel_of(attempt), attempt.kernel_version)
    except (AnswerError, NetworkError) as error:
        return error
    except RefusedError as error:
        if error.status != 404:  # Kaggle may not find a new version at once
            raise
        return error


def record_session(kaggle: Kaggle, ledger: Ledger, attempt: Attempt, status: SessionStatus) -> str:
    """Write the end of a session into the ledger. Returns why its file cannot be submitted, "" if
    it can."""
    reason = _failure(kaggle, attempt, status)
    if reason:
        ledger.append("failed", attempt.tag, attempt.competition, message=reason)
    else:
        ledger.append("ran", attempt.tag, attempt.competition)
    return reason


def _failure(kaggle: Kaggle, attempt: Attempt, status: SessionStatus) -> str:
    if status.state == "error":
        return status.message or "Kaggle gives no reason"
    if status.state == "cancelled":
        return status.message or "it was stopped"
    assert attempt.kernel_version is not None
    outputs = session_outputs(kaggle, *kernel_of(attempt), attempt.kernel_version)
    if any(name == SUBMISSION for name, _url in outputs):
        return ""
    return f"it is complete and left no {SUBMISSION} ({len(outputs)} other files)"


def record_sessions(
    attempts: Sequence[Attempt], kaggle: Kaggle, ledger: Ledger, reporter: SubmitReporter
) -> None:
    """Ask for the sessions of all notebooks that run, and record those that have ended."""
    for attempt in attempts:
        if attempt.state != "pushed":
            continue
        status = poll_session(kaggle, attempt)
        what = f"{attempt.kernel}, version {attempt.kernel_version}"
        if not isinstance(status, SessionStatus):
            reporter.step(f"{what}  no state: {status}")
        elif status.state not in ENDED:
            reporter.step(f"{what}  {status.state}")
        else:
            reason = record_session(kaggle, ledger, attempt, status)
            advice = "submit it with 'comp submit --code'"
            reporter.step(f"{what}  {f'failed: {reason}' if reason else f'complete: {advice}'}")
