"""Checks the submission file that a notebook left, before it costs a submission."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from comp.errors import DataError, SubmissionError
from comp.kaggle.candidate import check_candidate
from comp.kaggle.client.kernel_sessions import download_output
from comp.kaggle.sessions import SUBMISSION, kernel_of
from comp.notebook.job import Job
from comp.submission.ledger import Attempt


def fetch_output(job: Job, attempt: Attempt) -> Path:
    """Download the submission file of a notebook, `notebooks/<name>-v<version>/submission.csv`."""
    owner, slug = kernel_of(attempt)
    version = attempt.kernel_version
    assert version is not None
    folder = job.workspace.out / "notebooks" / f"{slug}-v{version}"
    return download_output(job.kaggle, owner, slug, version, SUBMISSION, folder)


def check_output(job: Job, attempt: Attempt) -> None:
    """Check the file against the public test, if its data is here.

    Raises:
        SubmissionError: Kaggle would not accept it; the message lists every problem.
    """
    path = fetch_output(job, attempt)
    try:
        found = replace(job.candidate, path=path)
        checked = check_candidate(found, job.workspace, job.options.data)
    except DataError as error:
        if job.options.data:  # the user wants the check
            raise
        job.reporter.step(f"unchecked   the file is sent as it is: {error}")
        return
    except SubmissionError as error:
        job.record("failed", attempt, message=str(error))
        raise
    job.reporter.step(f"checked     {checked.rows:,} rows against {checked.template}")
