"""The best run that Kaggle does not have yet."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from comp.contract.competition import Competition
from comp.errors import SubmissionError
from comp.files import sha256
from comp.kaggle.history import finished_runs
from comp.runs.catalog import covered_folds, covers_all_folds, has_other_metric, other_metric_note
from comp.submission.ledger import NOTEBOOK, OPEN, Attempt, Ledger
from comp.workspace import Workspace


class _Ranked(NamedTuple):
    """A finished run; `other_metric`: it is left out, because it records another metric."""

    run_id: str
    other_metric: bool
    is_sent: Callable[[], bool]


def best_unsent(
    workspace: Workspace, ledger: Ledger, competition: Competition, *, notebook: bool = False
) -> str:
    """The id of the best finished run on real data that Kaggle does not have.

    OOF scores are only compared between runs that cover all folds, and between runs that cover the
    same number of folds. Runs over all folds come first, then runs over fewer folds, more folds
    before fewer. Runs that record another metric than the competition has are left out. A run whose
    outcome is unknown, or whose notebook is under way, comes before all others.

    Args:
        notebook: whether a notebook is to be sent, not a file.

    Raises:
        SubmissionError: every run was submitted, or there is none.
    """
    ranked = _ranked(workspace, ledger, competition, notebook)
    for run in ranked:
        if not run.other_metric and not run.is_sent():
            return run.run_id
    done = "every one was submitted" if ranked else "there are none"
    raise SubmissionError(
        f"no finished run of {competition.name} on real data is left to submit "
        f"({_left_out(ranked, competition) or done}): start another run, or name a run or a file"
    )


def left_out_note(
    workspace: Workspace, ledger: Ledger, competition: Competition, *, notebook: bool = False
) -> str:
    """Say how many runs `best_unsent` leaves out for their metric alone; "" if it leaves out none.

    Not counted are runs that Kaggle has, runs whose outcome is unknown, which are not left out, and
    runs without a score.
    """
    return _left_out(_ranked(workspace, ledger, competition, notebook), competition)


def _left_out(ranked: Sequence[_Ranked], competition: Competition) -> str:
    count = sum(run.other_metric and not run.is_sent() for run in ranked)
    return other_metric_note(count, competition.metric.name)


def _ranked(
    workspace: Workspace, ledger: Ledger, competition: Competition, notebook: bool
) -> list[_Ranked]:
    """The finished runs on real data that have a score, in the order of `best_unsent`."""
    metric, kind = competition.metric, "notebook" if notebook else "file"
    sign = -1 if metric.direction == "min" else 1
    attempts = [a for a in ledger.attempts(competition.name) if a.kind == kind]
    unknown = {a.run_id for a in attempts if a.state in (*OPEN, *NOTEBOOK)}
    sent = [attempt for attempt in attempts if attempt.sent or attempt.state == "graded"]
    places = []
    for record, scores in finished_runs(workspace, competition.name):
        score, run_id = scores.get("cv_score"), str(record["run_id"])
        if record.get("synthetic") or not isinstance(score, int | float):
            continue
        if not math.isfinite(score):
            continue
        folds = math.inf if covers_all_folds(record) else len(covered_folds(record))
        other = has_other_metric(scores, metric.name) and run_id not in unknown
        places.append((run_id in unknown, folds, sign * score, run_id, other))
    was_sent = partial(_was_sent, competition.name, workspace, sent, notebook)
    return [
        _Ranked(run_id, other, partial(was_sent, run_id) if not is_open else lambda: False)
        for is_open, _, _, run_id, other in sorted(places, reverse=True)
    ]


def _was_sent(
    name: str, workspace: Workspace, sent: Sequence[Attempt], notebook: bool, run_id: str
) -> bool:
    """Whether a run was sent with a notebook, or its file was, or it has no file to send."""
    if notebook:
        return any(attempt.run_id == run_id for attempt in sent)
    path = workspace.submission(name, run_id)
    return not path.is_file() or sha256(path) in {attempt.sha256 for attempt in sent}
