"""The submissions of a competition that have a public score, with the scores of their runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from comp.contract.competition import Competition
from comp.errors import RunError
from comp.files import read_json
from comp.runs.catalog import covers_all_folds, has_other_metric
from comp.runs.folder import RunFolder
from comp.runs.trust import ScoredSubmission
from comp.submission.ledger import Attempt, Ledger, number
from comp.workspace import Workspace

NOT_OF_A_RUN = "are not of a run"
SYNTHETIC = "are of runs on synthetic data"
NO_SCORE = "are of runs without an out-of-fold score"
OTHER_METRIC = "are of runs with another metric"
SOME_FOLDS = "are of runs over some folds only"
AGAIN = "are of a run that was submitted again"


@dataclass(frozen=True, kw_only=True)
class FoundSubmissions:
    """Submissions with a public score that can be compared with their folds."""

    submissions: Sequence[ScoredSubmission]
    """The best public score first."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Why others are left out: how many."""


def scored_submissions(competition: Competition, workspace: Workspace) -> FoundSubmissions:
    """The scored submissions of a competition, in the ledgers of the workspace and of its root.

    The score of a run is that of scores.json or, if the run is not here, that of the ledger. Of a
    run that was submitted several times the last scored submission counts.

    Raises:
        RunError: a ledger cannot be read.
    """
    skipped: Counter[str] = Counter()
    by_run: dict[str, ScoredSubmission] = {}
    for attempt in _scored_attempts(competition.name, workspace):
        found, reason = _read(attempt, competition, workspace)
        if found is None:
            skipped[reason] += 1
            continue
        skipped[AGAIN] += found.run_id in by_run
        by_run[found.run_id] = found
    sign = 1 if competition.metric.direction == "min" else -1
    ranked = sorted(by_run.values(), key=lambda one: (sign * one.public, one.run_id))
    return FoundSubmissions(
        submissions=ranked, skipped={reason: count for reason, count in skipped.items() if count}
    )


def _scored_attempts(name: str, workspace: Workspace) -> list[Attempt]:
    """The attempts with a public score, oldest first."""
    paths = {workspace.ledger, Workspace.at(workspace.root).ledger}
    attempts = {a.tag: a for path in sorted(paths) for a in Ledger(path).attempts(name)}
    scored = [a for a in attempts.values() if a.state == "scored" and number(a.public) is not None]
    return sorted(scored, key=lambda attempt: attempt.at)


def _read(
    attempt: Attempt, competition: Competition, workspace: Workspace
) -> tuple[ScoredSubmission | None, str]:
    """The submission, or None and why it is left out."""
    if not attempt.run_id:
        return None, NOT_OF_A_RUN
    record, scores = _run_facts(attempt, workspace)
    if record.get("synthetic") or scores.get("synthetic"):
        return None, SYNTHETIC
    oof, public = scores.get("cv_score"), number(attempt.public)
    if not isinstance(oof, int | float) or not math.isfinite(oof) or public is None:
        return None, NO_SCORE
    if has_other_metric(scores, competition.metric.name):
        return None, OTHER_METRIC
    if not covers_all_folds(record):
        return None, SOME_FOLDS
    private = number(attempt.private)
    found = ScoredSubmission(run_id=attempt.run_id, oof=float(oof), public=public, private=private)
    return found, ""


def _run_facts(
    attempt: Attempt, workspace: Workspace
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """(run.json, scores.json) of a run; without them, what the ledger says of it."""
    folder = RunFolder(workspace.runs(attempt.competition) / str(attempt.run_id))
    try:
        return folder.record(), dict(read_json(folder.scores))
    except (RunError, OSError, ValueError, TypeError):
        return {}, attempt.facts
