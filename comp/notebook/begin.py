"""Begins an attempt: tells the quotas, asks the user, and writes the intent into the ledger."""

from __future__ import annotations

from comp.errors import AnswerError, RefusedError, SubmissionError
from comp.kaggle.client import submissions as kaggle_submissions
from comp.kaggle.client.identity import user_name
from comp.kaggle.client.kernels import GpuQuota, gpu_quota
from comp.kaggle.sessions import SUBMISSION
from comp.kaggle.submission_facts import none_left, run_facts
from comp.notebook.job import Job
from comp.notebook.names import Names, names_of
from comp.report.clock import duration
from comp.submission.ledger import Attempt, new_tag


def begin(job: Job) -> Attempt:
    """Tell the quotas, ask, and write the intent; nothing is sent yet.

    Raises:
        RefusedError: no submission or no GPU hour is left.
        SubmissionError: the user says no.
    """
    names = names_of(job.name, str(job.candidate.run_id))
    owner = user_name(job.kaggle)
    if job.options.run:
        _tell_quotas(job)
    if not job.reporter.confirm(_question(job, f"{owner}/{names.slug}")):
        raise SubmissionError("not sent: the answer is no")
    tag = new_tag()
    job.ledger.append("intent", tag, job.name, **_facts(job, owner, names))
    return next(found for found in job.ledger.attempts(job.name) if found.tag == tag)


def _tell_quotas(job: Job) -> None:
    slug = job.kaggle.slug
    if job.scores_on_kaggle:
        quota = kaggle_submissions.fetch_quota(job.kaggle)
        job.reporter.step(f"quota       {quota.left} left, {quota.today} made today")
        if quota.left < 1:
            raise none_left(slug, quota)
    else:
        job.reporter.step(f"quota       {slug} is a data set, which takes no submissions")
    if job.bundle.estimate:
        job.reporter.step(f"time        {job.bundle.estimate}")
    if job.options.gpu == "none":
        job.reporter.step("quota       no GPU is used")
        return
    hours = _gpu_hours(job)
    if hours is None:
        job.reporter.step("quota       Kaggle does not tell the GPU hours")
        return
    ends = f", until {hours.refresh:%Y-%m-%d %H:%M} UTC" if hours.refresh else ""
    job.reporter.step(f"quota       {hours.left_h:.1f} of {hours.total_h:g} GPU hours left{ends}")
    if hours.left_h <= 0:
        raise RefusedError(
            f"no GPU hours left{ends}: use --gpu none, or wait; the notebook can be saved with "
            "--no-run"
        )


def _gpu_hours(job: Job) -> GpuQuota | None:
    """The quota of GPU hours; None if Kaggle does not tell it."""
    try:
        return gpu_quota(job.kaggle)
    except AnswerError:
        return None
    except RefusedError as error:
        if error.status not in (400, 404):
            raise
        return None


def _question(job: Job, kernel: str) -> str:
    """What the user agrees to, once for all steps."""
    place = "model" if job.options.model else "data set"
    megabytes = f"{job.bundle.bytes / 1e6:,.1f} MB"
    if not job.options.run:
        return f"upload {megabytes} as a private {place} and save notebook {kernel} without a run"
    machine = {"none": "without a GPU", "p100": "on a P100", "t4x2": "on two T4"}[job.options.gpu]
    limit = duration(job.options.session_s)
    goal = f"submit it to {job.kaggle.slug}" if job.scores_on_kaggle else "fetch its predictions"
    return (
        f"upload {megabytes} as a private {place}, run notebook {kernel} {machine} (at most "
        f"{limit}) and {goal}"
    )


def _facts(job: Job, owner: str, names: Names) -> dict[str, object]:
    """What the ledger records of the bundle and its run; it names no folder of this machine."""
    return {
        "kind": "notebook",
        "file": SUBMISSION,
        "sha256": job.bundle.manifest_id,
        "kernel": f"{owner}/{names.slug}",
        "title": names.title,
        "store": "model" if job.options.model else "dataset",
        "gpu": job.options.gpu,
        "session_s": job.options.session_s,
        "run": job.options.run,
        **run_facts(job.candidate, job.kaggle.slug),
    }
