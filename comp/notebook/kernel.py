"""The session of a notebook that `comp submit --code` pushed: its state, its log, its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from comp.errors import RunError
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.kernel_sessions import (
    SessionStatus,
    session_log,
    session_status,
    stop_session,
)
from comp.kaggle.client.session import Kaggle, connect
from comp.kaggle.sessions import kernel_of
from comp.submission.ledger import Attempt, Ledger
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class KernelView:
    """A version of a notebook and its session; `dataclasses.asdict` gives plain JSON."""

    kernel: str
    """`<owner>/<name>` on Kaggle."""
    version: int
    run_id: str | None
    competition: str
    state: str
    """Of the session: queued, running, complete, error, cancelled or unknown."""
    message: str
    """Why it failed, if Kaggle says so."""
    attempt: str
    """The state of the attempt in the ledger."""
    at: str
    """When the attempt began, UTC."""
    url: str
    """The page of the notebook."""


def newest_notebook(workspace: Workspace, run: str | None) -> Attempt:
    """The newest attempt with a notebook that Kaggle has; of a run if it is named.

    Args:
        run: a run, or the beginning of its id.

    Raises:
        RunError: there is none, or the run is not clear.
    """
    attempts = [a for a in Ledger(workspace.ledger).attempts() if a.kernel_version is not None]
    mine = [a for a in attempts if run is None or (a.run_id or "").startswith(run)]
    names = sorted({a.run_id or "" for a in mine})
    if run is not None and len(names) > 1 and run not in names:
        raise RunError(
            f"'{run}' is the beginning of {len(names)} runs ({', '.join(names[:5])}): give more of "
            "the id"
        )
    exact = [a for a in mine if a.run_id == run]
    if found := exact or mine:
        return found[-1]
    of = f" of run '{run}'" if run else ""
    raise RunError(f"no notebook{of} was pushed from here: push one with 'comp submit RUN --code'")


def kernel_status(run: str | None, workspace: Workspace, timeout_s: float) -> KernelView:
    """The state of the session of a notebook.

    Raises:
        RunError: no notebook was pushed.
        RefusedError: Kaggle refused.
        NetworkError: Kaggle cannot be reached.
    """
    with _connected(run, workspace, timeout_s) as (kaggle, attempt, version):
        return _view(attempt, session_status(kaggle, *kernel_of(attempt), version))


def kernel_log(run: str | None, workspace: Workspace, timeout_s: float) -> tuple[KernelView, str]:
    """The log of a session so far, with its state.

    Raises:
        CompError: as for `kernel_status`.
    """
    with _connected(run, workspace, timeout_s) as (kaggle, attempt, version):
        status = session_status(kaggle, *kernel_of(attempt), version)
        return _view(attempt, status), session_log(kaggle, *kernel_of(attempt), version)


def stop_kernel(run: str | None, workspace: Workspace, timeout_s: float) -> KernelView:
    """Stop a session, if it is queued or running.

    The ledger is written by the command that waits for the session, or by `comp submissions
    --refresh`.

    Raises:
        CompError: as for `kernel_status`.
    """
    with _connected(run, workspace, timeout_s) as (kaggle, attempt, version):
        return _view(attempt, stop_session(kaggle, *kernel_of(attempt), version))


@contextmanager
def _connected(
    run: str | None, workspace: Workspace, timeout_s: float
) -> Iterator[tuple[Kaggle, Attempt, int]]:
    attempt = newest_notebook(workspace, run)
    assert attempt.kernel_version is not None
    with connect(Deadline(timeout_s), str(attempt.facts.get("kaggle") or "")) as kaggle:
        yield kaggle, attempt, attempt.kernel_version


def _view(attempt: Attempt, status: SessionStatus) -> KernelView:
    return KernelView(
        kernel=attempt.kernel,
        version=attempt.kernel_version or 0,
        run_id=attempt.run_id,
        competition=attempt.competition,
        state=status.state,
        message=status.message,
        attempt=attempt.state,
        at=attempt.at,
        url=f"https://www.kaggle.com/code/{attempt.kernel}",
    )
