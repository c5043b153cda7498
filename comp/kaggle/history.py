"""Compares the runs and submissions of a workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from glob import escape
from itertools import combinations
from typing import Any

from comp.config.schema import RENAMED
from comp.contract import registry
from comp.contract.competition import Competition
from comp.errors import RunError, ScoringError
from comp.files import read_json
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.session import Kaggle, connect
from comp.kaggle.client.submissions import SubmissionStatus, find_by_tags
from comp.kaggle.sessions import record_sessions
from comp.kaggle.submit import SubmitReporter, poll_status, record_status, resolve_unknown
from comp.runs.folder import RunFolder
from comp.runs.lineage import recorded_config
from comp.runs.results import HistoryRow
from comp.submission.ledger import NOTEBOOK, OPEN, Attempt, Ledger, number, public_config
from comp.workspace import Workspace

MAX_COMPARED = 5
"""Newest scored submissions whose OOF and public scores are compared."""


def history_rows(
    workspace: Workspace, ledger: Ledger, competition: str | None = None
) -> list[HistoryRow]:
    """The finished runs and the submissions, oldest first; of one competition if named.

    A run that was submitted several times has a row for each submission.
    """
    by_run: dict[str, list[Attempt]] = {}
    for attempt in ledger.attempts(competition):
        by_run.setdefault(attempt.run_id or attempt.tag, []).append(attempt)
    rows = []
    for record, scores in finished_runs(workspace, competition):
        attempts: Sequence[Attempt | None] = _relevant(by_run.pop(record["run_id"], []))
        rows += [_run_row(record, scores, attempt) for attempt in attempts or [None]]
    rows += [_file_row(attempt) for rest in by_run.values() for attempt in _relevant(rest)]
    return list(_with_changes(sorted(rows, key=lambda row: (row.competition, row.date))))


def _relevant(attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    """The attempts that Kaggle has or may have; else the last attempt."""
    there = [
        a for a in attempts if a.sent or a.state in OPEN or a.state in NOTEBOOK or a.kernel_version
    ]
    return there or attempts[-1:]


def finished_runs(
    workspace: Workspace, competition: str | None
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(run.json, scores.json) of each finished run; damaged runs are skipped."""
    for path in sorted(workspace.out.glob(f"runs/{escape(competition or '') or '*'}/*/run.json")):
        try:
            record = RunFolder(path.parent).record()
            scores = read_json(path.with_name("scores.json"))
        except (OSError, ValueError, RunError):
            continue
        if not isinstance(scores, dict):
            continue
        complete = {"run_id", "competition", "started"} <= record.keys()
        if complete and record.get("state") == "finished":
            yield record, scores


def _run_row(
    record: Mapping[str, Any], scores: Mapping[str, Any], attempt: Attempt | None
) -> HistoryRow:
    return HistoryRow(
        competition=record["competition"],
        run_id=record["run_id"],
        date=record["started"],
        synthetic=bool(record.get("synthetic")),
        metric=scores.get("metric", ""),
        direction=scores.get("direction", ""),
        cv_score=scores.get("cv_score"),
        std=scores.get("std"),
        fold_hash=record.get("fold_hash", ""),
        config=public_config(recorded_config(record)),
        **_attempt_fields(attempt),
    )


def _file_row(attempt: Attempt) -> HistoryRow:
    facts = attempt.facts
    return HistoryRow(
        competition=attempt.competition,
        run_id=attempt.run_id or "",
        file=str(facts.get("file", "")),
        date=attempt.at,
        metric=facts.get("metric") or "",
        direction=facts.get("direction") or "",
        cv_score=facts.get("cv_score"),
        std=facts.get("std"),
        fold_hash=facts.get("fold_hash") or "",
        config=facts.get("config") or {},
        **_attempt_fields(attempt),
    )


def _attempt_fields(attempt: Attempt | None) -> dict[str, Any]:
    if attempt is None:
        return {}
    keys = ("state", "ref", "public", "private", "message", "kind", "kernel_version", "value")
    return {key: getattr(attempt, key) for key in keys} | {"sent_at": attempt.at}


def _with_changes(rows: Sequence[HistoryRow]) -> Iterator[HistoryRow]:
    """The rows with the configuration keys that differ from the row before, of the same
    competition."""
    previous: dict[str, HistoryRow] = {}
    for row in rows:
        last = previous.get(row.competition)
        if not row.config:
            yield row
            continue
        row = replace(row, config={RENAMED.get(k, k): value for k, value in row.config.items()})
        old = last.config if last else row.config
        keys = sorted(old.keys() | row.config.keys())
        changed = {k: row.config.get(k) for k in keys if row.config.get(k) != old.get(k)}
        previous[row.competition] = row
        yield replace(row, changes=changed)


def score_contradiction(rows: Sequence[HistoryRow]) -> str:
    """A warning if the OOF and public scores of the newest submissions contradict each other.

    They do if both scores move in opposite directions in most pairs of the submissions, in the
    order in which they were sent. Returns "" if they do not, or if fewer than three have scores.
    """
    scores = [
        (row.cv_score, public)
        for row in sorted(rows, key=lambda row: row.sent_at)
        if row.cv_score is not None and (public := number(row.public)) is not None
    ][-MAX_COMPARED:]
    products = [
        (b[0] - a[0]) * (b[1] - a[1])
        for a, b in combinations(scores, 2)
        if b[0] != a[0] and b[1] != a[1]
    ]
    opposite = sum(product < 0 for product in products)
    if len(scores) < 3 or opposite * 2 <= len(products):
        return ""
    return (
        f"OOF and public score moved in opposite directions in {opposite} of {len(products)} pairs "
        f"of the last {len(scores)} submissions: the folds may leak or differ from the test data; "
        "find out which before you trust either score"
    )


def competition_with_runs(workspace: Workspace, name: str | None) -> Competition:
    """The named competition, by default the only one with finished runs on real data.

    Raises:
        RunError: `name` is None, and no or several competitions have such runs.
    """
    if name:
        return registry.get(name)
    finished = [record for record, _ in finished_runs(workspace, None)]
    names = sorted({record["competition"] for record in finished if not record.get("synthetic")})
    if len(names) == 1:
        return registry.get(names[0])
    if names:
        raise RunError(f"runs of {', '.join(names)} exist here: name one with --competition NAME")
    raise RunError("no finished run on real data here: start one with 'comp run NAME'")


def refresh(
    ledger: Ledger, competition: str | None, deadline: Deadline, reporter: SubmitReporter
) -> None:
    """Fetch the status of all submissions and of the sessions of notebooks from Kaggle, and record
    changes in the ledger.

    A scoring error is recorded and does not stop the others. A competition with a running `comp
    submit` is skipped.

    Raises:
        RefusedError: Kaggle refused.
        NetworkError: Kaggle cannot be reached; earlier changes are recorded.
    """
    for name in dict.fromkeys(attempt.competition for attempt in ledger.attempts(competition)):
        attempts = [a for a in ledger.attempts(name) if a.state not in ("intent", "uploaded")]
        if not attempts:
            continue
        slug = str(attempts[-1].facts.get("kaggle") or name)
        try:
            with ledger.submitting(name), connect(deadline, slug) as kaggle:
                record_sessions(ledger.attempts(name), kaggle, ledger, reporter)
                if "/" in slug:  # a data set, which takes no submissions
                    continue
                resolve_unknown(ledger, kaggle, name, reporter)
                sent = [a for a in ledger.attempts(name) if a.sent]
                _record_changes(sent, kaggle, ledger, reporter)
        except RunError as error:
            reporter.step(f"{name}: {error}")


def _record_changes(
    sent: Sequence[Attempt], kaggle: Kaggle, ledger: Ledger, reporter: SubmitReporter
) -> None:
    listed = find_by_tags(kaggle, [attempt.tag for attempt in sent])
    for attempt in sent:
        assert attempt.ref is not None
        status = listed.get(attempt.tag) or poll_status(kaggle, attempt.ref)
        if not isinstance(status, SubmissionStatus):
            reporter.step(f"{attempt.ref}  no status: {status}")
        elif _has_changed(attempt, status):
            try:
                record_status(ledger, attempt, status)
                private = status.private or "-"
                reporter.step(f"{attempt.ref}  public {status.public}  private {private}")
            except ScoringError as error:
                reporter.step(str(error))


def _has_changed(attempt: Attempt, status: SubmissionStatus) -> bool:
    if status.state == "error":
        return attempt.state != "error"
    recorded = (attempt.state, attempt.public, attempt.private)
    return status.state == "scored" and recorded != (status.state, status.public, status.private)
