"""Pushes the notebook: one version of it for one decision of the user."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Literal

from comp.errors import CompError, UnknownOutcomeError
from comp.kaggle.client.kernel_sessions import stop_session
from comp.kaggle.client.kernels import (
    InvalidSourcesError,
    KernelSpec,
    find_kernel_version,
    push_kernel,
)
from comp.kaggle.look_again import look_again
from comp.kaggle.sessions import kernel_of
from comp.notebook.job import Gpu, Job
from comp.notebook.launcher import launcher_text
from comp.notebook.weights import store_for
from comp.submission.ledger import Attempt, State

ACCELERATORS: Mapping[Gpu, tuple[Literal["none", "gpu"], str]] = {
    "none": ("none", ""),
    "p100": ("gpu", "NvidiaTeslaP100"),
    "t4x2": ("gpu", "NvidiaTeslaT4"),
}
"""Value of --gpu: what the quota counts, and Kaggle's name of the machine."""


def push(job: Job, attempt: Attempt) -> Attempt:
    """Save a version of the notebook, unless Kaggle has it, and let it run.

    Raises:
        UnknownOutcomeError: it is unknown whether an earlier request saved a version.
        RefusedError: Kaggle refused, or left out a source of the notebook.
    """
    if attempt.state not in ("versioned", "pushing"):
        return attempt
    done: State = "pushed" if attempt.facts.get("run", True) else "saved"
    if attempt.state == "pushing":
        version = _arrived(job, attempt)
        if version is None and job.options.retry_unknown:
            version = look_again(lambda: _arrived(job, attempt), job.kaggle.deadline, job.reporter)
        if version is not None:
            job.reporter.step(f"an earlier push, whose answer was lost, arrived as {version}")
            return job.record(done, attempt, kernel_version=version)
        if not job.options.retry_unknown:
            raise UnknownOutcomeError(
                f"the notebook was pushed at {attempt.at} and the answer was lost; Kaggle shows no "
                f"version of {attempt.kernel} tagged {attempt.tag} so far: repeat the command "
                "later, or push it again with --retry-unknown"
            )
    spec = _spec(job, attempt)
    attempt = job.record("pushing", attempt)
    version = _push_once(job, spec, attempt)
    job.reporter.step(f"{done:<11} {attempt.kernel}, version {version}")
    return job.record(done, attempt, kernel_version=version)


def _arrived(job: Job, attempt: Attempt) -> int | None:
    """The version of the notebook that an attempt made, None if Kaggle shows none."""
    return find_kernel_version(job.kaggle, *kernel_of(attempt), attempt.tag)


def _spec(job: Job, attempt: Attempt) -> KernelSpec:
    """The notebook with every field set."""
    owner, slug = kernel_of(attempt)
    accelerator, shape = ACCELERATORS[attempt.facts["gpu"]]
    sources = store_for(job, attempt).sources(attempt.source_version)
    data = (job.kaggle.slug,)
    return KernelSpec(
        owner=owner,
        slug=slug,
        title=attempt.facts["title"],
        text=launcher_text(
            manifest_id=job.bundle.manifest_id,
            run_id=str(job.candidate.run_id),
            tag=attempt.tag,
        ),
        kind="script",
        private=True,
        internet=False,
        accelerator=accelerator,
        machine_shape=shape,
        timeout_s=int(attempt.facts["session_s"]),
        datasets=sources.datasets + (() if job.scores_on_kaggle else data),
        models=sources.models,
        competitions=data if job.scores_on_kaggle else (),
    )


def _push_once(job: Job, spec: KernelSpec, attempt: Attempt) -> int:
    try:
        return push_kernel(job.kaggle, spec, run=bool(attempt.facts.get("run", True))).version
    except UnknownOutcomeError as error:
        raise UnknownOutcomeError(
            f"{error}: repeat the command, it looks for the notebook first and pushes nothing twice"
        ) from None
    except InvalidSourcesError as error:
        with suppress(CompError):  # it would run without its data
            stop_session(job.kaggle, spec.owner, spec.slug, error.pushed.version)
        job.record("refused", attempt, message=str(error))
        raise
    except CompError as error:  # nothing was saved
        job.record("refused", attempt, message=str(error))
        raise
