"""What the ledger and Kaggle are told of a submission, and why Kaggle takes no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comp.errors import RefusedError
from comp.kaggle.candidate import Candidate, CheckedSubmission
from comp.kaggle.client.submissions import Quota
from comp.runs.lineage import recorded_config
from comp.submission.ledger import public_config


def ledger_entry(candidate: Candidate, checked: CheckedSubmission, slug: str) -> Mapping[str, Any]:
    """What the ledger records of a file and its run; it contains no folder of this machine."""
    file = {"file": candidate.path.name, "sha256": checked.sha256, "rows": checked.rows}
    return run_facts(candidate, slug) | file


def run_facts(candidate: Candidate, slug: str) -> dict[str, Any]:
    """What the ledger records of a run and of its competition on Kaggle."""
    record, scores = candidate.record, candidate.scores
    return {
        "run_id": candidate.run_id,
        "kaggle": slug,
        "metric": scores.get("metric"),
        "direction": scores.get("direction"),
        "cv_score": scores.get("cv_score"),
        "std": scores.get("std"),
        "fold_hash": record.get("fold_hash"),
        "config": public_config(recorded_config(record)),
    }


def description(candidate: Candidate, message: str, tag: str) -> str:
    """The description on Kaggle: the tag, the message of the user, the run and its score."""
    score = candidate.scores.get("cv_score")
    parts = [message, candidate.run_id or candidate.path.stem]
    parts += [f"OOF {score:.5f}"] if score is not None else []
    return " | ".join([tag, *(part for part in parts if part)])  # Kaggle may cut the end


def none_left(slug: str, quota: Quota) -> RefusedError:
    """The error if no submission is left."""
    rules = f"https://www.kaggle.com/competitions/{slug}/rules"
    joined = "" if quota.total else f", or you have not joined: accept the rules at {rules}"
    return RefusedError(
        f"no submission of {slug} left today ({quota.today} made): the quota is reset at midnight "
        f"UTC{joined}"
    )
