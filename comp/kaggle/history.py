"""Runs and submissions of a workspace side by side, and what can be read from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from glob import escape
from itertools import combinations
from typing import Any

from comp.contract import registry
from comp.contract.competition import Competition
from comp.errors import RunError, ScoringError, SubmissionError
from comp.files import read_json, sha256
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.session import Kaggle, connect
from comp.kaggle.client.submissions import Verdict, find
from comp.kaggle.submit import SubmitReporter, look, note, settle
from comp.runs.catalog import covers_all_folds
from comp.runs.folder import RunFolder
from comp.runs.results import HistoryRow
from comp.submission.ledger import OPEN, Attempt, Ledger, number, public_config
from comp.workspace import Workspace

LOOK_BACK = 5
"""Scored submissions that are compared when OOF and leaderboard are."""


def lines(workspace: Workspace, ledger: Ledger, competition: str | None = None) -> list[HistoryRow]:
    """All finished runs, each once or once for every submission of it, and all submissions of other
    files, the oldest first; of one competition if named."""
    by_run: dict[str, list[Attempt]] = {}
    for attempt in ledger.attempts(competition):
        by_run.setdefault(attempt.run_id or attempt.tag, []).append(attempt)
    found = []
    for record, scores in _finished(workspace, competition):
        sent: Sequence[Attempt | None] = _telling(by_run.pop(record["run_id"], []))
        found += [_of_run(record, scores, attempt) for attempt in sent or [None]]
    found += [_of_attempt(attempt) for rest in by_run.values() for attempt in _telling(rest)]
    return list(_compared(sorted(found, key=lambda line: (line.competition, line.date))))


def _telling(attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    """Those attempts that Kaggle has or may have; where it has none, the last."""
    return [a for a in attempts if a.sent or a.state in OPEN] or attempts[-1:]


def _finished(
    workspace: Workspace, competition: str | None
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """run.json and scores.json of the runs that are finished; damaged ones are passed over."""
    for path in sorted(workspace.out.glob(f"runs/{escape(competition or '') or '*'}/*/run.json")):
        try:
            record = RunFolder(path.parent).record()
            scores = read_json(path.with_name("scores.json"))
        except (OSError, ValueError, RunError):
            continue
        if not isinstance(scores, dict):
            continue
        whole = {"run_id", "competition", "started"} <= record.keys()
        if whole and record.get("state") == "finished":
            yield record, scores


def _of_run(
    record: Mapping[str, Any], scores: Mapping[str, Any], sent: Attempt | None
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
        config=public_config(record.get("config", {})),
        **_of_sent(sent),
    )


def _of_attempt(sent: Attempt) -> HistoryRow:
    facts = sent.facts
    return HistoryRow(
        competition=sent.competition,
        run_id=sent.run_id or "",
        file=str(facts.get("file", "")),
        date=sent.at,
        metric=facts.get("metric") or "",
        direction=facts.get("direction") or "",
        cv_score=facts.get("cv_score"),
        std=facts.get("std"),
        fold_hash=facts.get("fold_hash") or "",
        config=facts.get("config") or {},
        **_of_sent(sent),
    )


def _of_sent(sent: Attempt | None) -> dict[str, Any]:
    if sent is None:
        return {}
    keys = ("state", "ref", "public", "private", "message")
    return {key: getattr(sent, key) for key in keys} | {"sent_at": sent.at}


def _compared(found: Sequence[HistoryRow]) -> Iterator[HistoryRow]:
    """The lines with what changed since the run before, of the same competition."""
    before: dict[str, HistoryRow] = {}
    for line in found:
        last = before.get(line.competition)
        if not line.config:
            yield line
            continue
        old = last.config if last else line.config
        names = sorted(old.keys() | line.config.keys())
        changed = {n: line.config.get(n) for n in names if line.config.get(n) != old.get(n)}
        before[line.competition] = line
        yield replace(line, changes=changed)


def contradiction(found: Sequence[HistoryRow]) -> str:
    """Say so where OOF and public scores of the last submissions of a competition, in the order in
    which they were sent, move in opposite directions in most pairs of them; "" where they do not,
    or fewer than three are scored."""
    scored = [
        (line.cv_score, public)
        for line in sorted(found, key=lambda line: line.sent_at)
        if line.cv_score is not None and (public := number(line.public)) is not None
    ][-LOOK_BACK:]
    pairs = [
        (b[0] - a[0]) * (b[1] - a[1])
        for a, b in combinations(scored, 2)
        if b[0] != a[0] and b[1] != a[1]
    ]
    against = sum(product < 0 for product in pairs)
    if len(scored) < 3 or against * 2 <= len(pairs):
        return ""
    return (
        f"OOF and leaderboard moved in opposite directions in {against} of {len(pairs)} pairs of "
        f"the last {len(scored)} submissions: the folds may leak or differ from the test data; "
        "trust neither before you know which"
    )


def in_play(workspace: Workspace, named: str | None) -> Competition:
    """The competition that is named or, where none is, the only one with runs on real data.

    Raises:
        RunError: when there are none, or several.
    """
    if named:
        return registry.get(named)
    finished = [record for record, _ in _finished(workspace, None)]
    names = sorted({record["competition"] for record in finished if not record.get("synthetic")})
    if len(names) == 1:
        return registry.get(names[0])
    if names:
        raise RunError(f"runs of {', '.join(names)} are in play: name one with --competition NAME")
    raise RunError("no finished run on real data here: 'comp run NAME' makes one")


def best_unsent(workspace: Workspace, ledger: Ledger, competition: Competition) -> str:
    """The finished run on real data with the best OOF score whose submission Kaggle has not.

    A run whose outcome is unknown goes before all others, and one over some folds only after those
    over all.

    Raises:
        SubmissionError: when every run was sent, or there is none.
    """
    sign = -1 if competition.metric.direction == "min" else 1
    mine = [
        (covers_all_folds(record), sign * scores["cv_score"], str(record["run_id"]))
        for record, scores in _finished(workspace, competition.name)
        if not record.get("synthetic") and isinstance(scores.get("cv_score"), int | float)
    ]
    attempts = ledger.attempts(competition.name)
    doubtful = {attempt.run_id for attempt in attempts if attempt.state in OPEN}
    sent = {attempt.sha256 for attempt in attempts if attempt.sent}
    for *_, run_id in sorted(mine, key=lambda run: (run[2] in doubtful, *run), reverse=True):
        path = workspace.submission(competition.name, run_id)
        if path.is_file() and (run_id in doubtful or sha256(path) not in sent):
            return run_id
    was = "every one was submitted" if mine else "there are none"
    raise SubmissionError(
        f"no finished run of {competition.name} on real data left to submit ({was}): run "
        "again, or name a run or a file"
    )


def refresh(
    ledger: Ledger, named: str | None, deadline: Deadline, reporter: SubmitReporter
) -> None:
    """Ask Kaggle for the scores of all that it has or may have, and note what is new.

    An error of the scoring is noted and does not end it; a competition of which something is being
    submitted just now is passed over.

    Raises:
        RefusedError: Kaggle said no.
        NetworkError: Kaggle cannot be reached; what was noted stays.
    """
    for name in dict.fromkeys(attempt.competition for attempt in ledger.attempts(named)):
        mine = [a for a in ledger.attempts(name) if a.state not in ("intent", "uploaded")]
        if not mine:
            continue
        slug = str(mine[-1].facts.get("kaggle") or name)
        try:
            with ledger.submitting(name), connect(deadline, slug) as kaggle:
                settle(ledger, kaggle, name, reporter)
                _renew([a for a in ledger.attempts(name) if a.sent], kaggle, ledger, reporter)
        except RunError as error:
            reporter.step(f"{name}: {error}")


def _renew(
    sent: Sequence[Attempt], kaggle: Kaggle, ledger: Ledger, reporter: SubmitReporter
) -> None:
    """Note what Kaggle says of submissions, where it is new."""
    listed = find(kaggle, [attempt.tag for attempt in sent])
    for attempt in sent:
        assert attempt.ref is not None
        found = listed.get(attempt.tag) or look(kaggle, attempt.ref)
        if not isinstance(found, Verdict):
            reporter.step(f"{attempt.ref}  cannot be had: {found}")
        elif _is_new(attempt, found):
            try:
                note(ledger, attempt, found)
                private = found.private or "-"
                reporter.step(f"{attempt.ref}  public {found.public}  private {private}")
            except ScoringError as error:
                reporter.step(str(error))


def _is_new(attempt: Attempt, found: Verdict) -> bool:
    if found.state == "error":
        return attempt.state != "error"
    was = (attempt.state, attempt.public, attempt.private)
    return found.state == "scored" and was != (found.state, found.public, found.private)
