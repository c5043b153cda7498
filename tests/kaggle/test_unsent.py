"""The best run that is not submitted yet, and the runs that are left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comp.errors import SubmissionError
from comp.files import sha256
from comp.kaggle.unsent import best_unsent, left_out_note
from comp.submission.ledger import Ledger
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING

NOTE = "1 finished run with another metric than RMSE is left out"


def write_run(
    workspace: Workspace,
    run_id: str,
    score: float,
    folds: list[int] | None = None,
    of: int = 2,
    metric: str | None = "RMSE",
) -> None:
    """A finished run with a submission."""
    folder = workspace.runs("denoising") / run_id
    folder.mkdir(parents=True)
    record = {
        "run_id": run_id,
        "competition": "denoising",
        "started": run_id,
        "state": "finished",
        "folds": folds or [0, 1],
        "config": {"folds": of},
    }
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "scores.json").write_text(json.dumps({"cv_score": score, "metric": metric}))
    path = workspace.submission("denoising", run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(run_id)


def test_runs_are_compared_with_runs_over_as_many_folds(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    ledger = Ledger(workspace.ledger)
    runs = [
        ("a", [0, 1, 2, 3, 4], 0.5, 5),
        ("b", [0, 1], 0.6, 2),
        ("c", [0, 1, 2], 0.4, 5),
        ("d", [1, 2], 0.2, 5),
        ("e", [0, 1], 0.3, 5),
        ("f", [0], 0.1, 5),
        ("g", [0], float("nan"), 5),
        ("h", [0, 1, 2, 3, 4], float("-inf"), 5),
    ]
    for run_id, folds, score, of in reversed(runs):
        write_run(workspace, run_id, score, folds, of)

    order = []
    for tag in "123456":
        run_id = best_unsent(workspace, ledger, DENOISING)
        order.append(run_id)
        digest = sha256(workspace.submission("denoising", run_id))
        ledger.append("intent", tag, "denoising", run_id=run_id, sha256=digest)
        ledger.append("created", tag, "denoising", ref=1)

    assert order == ["a", "b", "c", "d", "e", "f"]
    with pytest.raises(SubmissionError, match="every one was submitted"):
        best_unsent(workspace, ledger, DENOISING)


def test_runs_with_another_metric_are_not_compared(tmp_path: Path) -> None:
    """The plugin's metric changed, and the smaller number of the old one was the better run."""
    workspace = Workspace.at(tmp_path)
    ledger = Ledger(workspace.ledger)
    write_run(workspace, "old", 0.14, metric="RMSLE")
    write_run(workspace, "new", 16000.0)
    write_run(workspace, "unnamed", 17000.0, metric=None)

    assert best_unsent(workspace, ledger, DENOISING) == "new"
    assert left_out_note(workspace, ledger, DENOISING) == NOTE

    for run_id in ("new", "unnamed"):
        (workspace.runs("denoising") / run_id / "scores.json").unlink()
    with pytest.raises(SubmissionError, match=rf"is left to submit \({NOTE}\): start another"):
        best_unsent(workspace, ledger, DENOISING)


@pytest.mark.parametrize("state", ["unknown", "creating"])
def test_a_run_whose_outcome_is_unknown_is_chosen_and_not_counted_as_left_out(
    state: str, tmp_path: Path
) -> None:
    workspace = Workspace.at(tmp_path)
    ledger = Ledger(workspace.ledger)
    for run_id in ("lost", "old"):
        write_run(workspace, run_id, 0.14, metric="RMSLE")
    write_run(workspace, "new", 16000.0)
    ledger.append("intent", "1", "denoising", run_id="lost")
    ledger.append(state, "1", "denoising")  # type: ignore[arg-type]
    workspace.submission("denoising", "lost").unlink()  # what was sent is not sent again

    assert best_unsent(workspace, ledger, DENOISING) == "lost"
    assert left_out_note(workspace, ledger, DENOISING) == NOTE

    # A notebook of the run may be sent: nothing is unknown of it.
    assert best_unsent(workspace, ledger, DENOISING, notebook=True) == "new"
    words = "2 finished runs with another metric than RMSE are left out"
    assert left_out_note(workspace, ledger, DENOISING, notebook=True) == words


def test_runs_that_could_not_be_sent_anyway_are_not_counted_as_left_out(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    ledger = Ledger(workspace.ledger)
    write_run(workspace, "sent", 0.14, metric="RMSLE")
    write_run(workspace, "without score", float("nan"), metric="RMSLE")
    digest = sha256(workspace.submission("denoising", "sent"))
    ledger.append("intent", "1", "denoising", run_id="sent", sha256=digest)
    ledger.append("created", "1", "denoising", ref=1)

    assert left_out_note(workspace, ledger, DENOISING) == ""
    with pytest.raises(SubmissionError, match=r"\(every one was submitted\): start another"):
        best_unsent(workspace, ledger, DENOISING)
