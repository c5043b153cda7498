"""Brings a bundle to Kaggle: one version of a data set or a model, and waits until it is ready."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from comp.errors import CompError, PendingError, RefusedError, UnknownOutcomeError
from comp.kaggle.client.blobs import upload_blob
from comp.kaggle.client.dataset_versions import DatasetStatus
from comp.kaggle.look_again import look_again
from comp.notebook.job import Job
from comp.notebook.names import Names
from comp.notebook.stores import Store, store_of
from comp.submission.ledger import Attempt

FIRST_WAIT_S, LONGEST_WAIT_S = 3.0, 30.0
"""Seconds between two questions whether a version is ready, the first and the longest wait."""
GONE_S = 60.0
"""Seconds after which a version that Kaggle does not show counts as deleted; a new one may not be
shown at once."""


def store_for(job: Job, attempt: Attempt) -> Store:
    """The data set or the model of an attempt."""
    owner, _, _slug = attempt.kernel.partition("/")
    return store_of(attempt.facts["store"], job.kaggle, owner, Names(attempt.facts["title"]))


def bring_weights(job: Job, attempt: Attempt) -> Attempt:
    """Make a version with the bundle, unless Kaggle has one, and wait until it is ready.

    Raises:
        UnknownOutcomeError: it is unknown whether an earlier request made a version.
        RefusedError: Kaggle refused, or could not process the version.
        PendingError: the version is not ready at the deadline.
    """
    if attempt.state not in ("intent", "versioning", "versioned"):
        return attempt
    store = store_for(job, attempt)
    if attempt.state != "versioned":
        version = _existing(job, store)
        if version is None and attempt.state == "versioning" and job.options.retry_unknown:
            version = look_again(lambda: _existing(job, store), job.kaggle.deadline, job.reporter)
        if version is not None:
            job.reporter.step(f"{store.noun:<11} is there, version {version}")
        elif attempt.state == "versioning" and not job.options.retry_unknown:
            raise UnknownOutcomeError(
                f"the bundle was sent at {attempt.at} as a {store.noun} and the answer was lost; "
                f"Kaggle shows no version marked {job.bundle.mark} so far: repeat the command "
                "later, or send it again with --retry-unknown"
            )
        else:
            version = _make(job, store, attempt)
        attempt = job.record("versioned", attempt, source_version=version)
    return _wait_until_ready(job, store, attempt)


def _existing(job: Job, store: Store) -> int | None:
    """The newest version, if it has this bundle; of a model any version, as a notebook names it."""
    status = _settled(job, store)
    if status.state in ("absent", "error"):
        return None
    version = store.find(job.bundle.mark)
    newest = status.version in (None, version) or store.kind == "model"
    return version if newest else None


def _make(job: Job, store: Store, attempt: Attempt) -> int | None:
    """Upload the files and make the version. Returns None if Kaggle does not tell its number."""
    with tempfile.TemporaryDirectory() as scratch:
        files = {name: job.bundle.folder / name for name in job.bundle.files}
        if store.files_by_name:
            note = Path(scratch) / f"{job.bundle.mark}.txt"
            note.write_text(f"{job.bundle.manifest_id}\n")
            files[note.name] = note
        tokens, before = {}, 0
        total = sum(path.stat().st_size for path in files.values())
        for name, path in files.items():
            tokens[name] = _upload(job, store, path, (before, total))
            before += path.stat().st_size
    job.reporter.step(f"uploaded    {len(tokens)} files, {before:,} bytes")
    job.record("uploaded", attempt)
    job.record("versioning", attempt)
    notes = f"{attempt.tag} {job.bundle.mark} of run {job.candidate.run_id}"
    try:
        return store.make(notes, tokens)
    except UnknownOutcomeError as error:
        raise UnknownOutcomeError(
            f"{error}: repeat the command, it looks for the {store.noun} first and sends nothing "
            "twice"
        ) from None
    except CompError as error:  # nothing was made
        job.record("refused", attempt, message=str(error))
        if "in use" in str(error):  # the user cannot choose a name
            other = "without --model" if store.kind == "model" else "with --model"
            raise RefusedError(
                f"the name {attempt.kernel} is taken on Kaggle, perhaps by a deleted {store.noun} "
                f"or by one of somebody else: submit {other}"
            ) from None
        raise


def _upload(job: Job, store: Store, path: Path, amount: tuple[int, int]) -> str:
    """Upload a file; `amount` is the number of bytes before it, and that of all files."""
    before, total = amount
    return upload_blob(
        job.kaggle, path, store.kind, lambda done: job.reporter.sent(before + done, total)
    )


def _settled(job: Job, store: Store) -> DatasetStatus:
    """The status, once Kaggle does not process a version any more.

    Raises:
        PendingError: it still does at the deadline.
    """
    wait, shown = FIRST_WAIT_S, False
    while True:
        status = store.status()
        if status.state != "pending":
            return status
        if job.kaggle.deadline.left < 1:
            raise PendingError(
                f"Kaggle still processes the {store.noun}: repeat the command later, it continues"
            )
        if not shown:
            job.reporter.step(f"waiting     until the {store.noun} is ready")
            shown = True
        job.kaggle.deadline.sleep(min(wait, max(0.5, job.kaggle.deadline.left - 2)))
        wait = min(LONGEST_WAIT_S, wait * 1.6)


def _wait_until_ready(job: Job, store: Store, attempt: Attempt) -> Attempt:
    """Wait until notebooks see the version: one that is pushed earlier runs on the version before.

    Raises:
        RefusedError: Kaggle could not process the version.
        PendingError: it is not ready at the deadline.
    """
    wait, gone = FIRST_WAIT_S, time.monotonic() + GONE_S
    while True:
        status = _settled(job, store)
        if status.state == "error":
            message = status.message or "no reason"
            raise _lost(job, attempt, f"Kaggle could not process the {store.noun}: {message}")
        if status.state != "absent":
            gone = time.monotonic() + GONE_S
        elif time.monotonic() > gone:
            raise _lost(job, attempt, f"Kaggle has no {store.noun} {attempt.kernel} any more")
        if status.state == "ready" and attempt.source_version is None:
            version = store.find(job.bundle.mark)
            if version is not None:
                attempt = job.record("versioned", attempt, source_version=version)
        seen, wanted = status.version, attempt.source_version
        if store.kind == "dataset" and wanted is not None and seen is not None and seen > wanted:
            raise RefusedError(
                f"the data set {attempt.kernel} has a newer version, {seen}, with another bundle, "
                "on which a notebook would run: begin again with --force"
            )
        if status.state == "ready" and wanted is not None and (seen is None or seen >= wanted):
            job.reporter.step(f"ready       {store.noun} {attempt.kernel}, version {wanted}")
            return attempt
        if job.kaggle.deadline.left < 1:
            raise PendingError(
                f"notebooks do not see the {store.noun} yet: repeat the command later, it continues"
            )
        job.kaggle.deadline.sleep(min(wait, max(0.5, job.kaggle.deadline.left - 2)))
        wait = min(LONGEST_WAIT_S, wait * 1.6)


def _lost(job: Job, attempt: Attempt, problem: str) -> RefusedError:
    """Record that there is no version; the next command makes one."""
    job.record("refused", attempt, message=problem)
    return RefusedError(f"{problem}; repeat the command to upload it again")
