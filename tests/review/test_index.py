"""The index page: rows, bars, links, marks, and scores against the leaderboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from comp.errors import RunError
from comp.files import write_json
from comp.page.blocks import Figure, Link, Page, Paragraph, Table
from comp.page.charts import LineChart
from comp.page.document import render
from comp.review.index import index_page, index_path, write_index
from comp.runs.verdicts import write_verdicts
from comp.submission.ledger import Ledger
from comp.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.at(tmp_path)


def write_run(
    workspace: Workspace, run_id: str, score: float | None, name: str = "toy", **record: Any
) -> Path:
    """A run of two folds with a score; None of one that is interrupted."""
    folder = workspace.runs(name) / run_id
    (folder / "fold-0").mkdir(parents=True)
    (folder / "fold-0" / "meta.json").write_text("{}")
    values = {
        "run_id": run_id,
        "competition": name,
        "started": f"2024-05-{len(list(folder.parent.iterdir())):02d}T10:00:00+00:00",
        "state": "interrupted" if score is None else "finished",
        "folds": [0, 1],
        "config": {"folds": 2, "optim": {"lr": float(run_id[-1])}},
    }
    write_json(folder / "run.json", values | record)
    if score is not None:
        card = {"metric": "AUC", "direction": "max", "cv_score": score}
        write_json(folder / "scores.json", card)
    return folder


def send(workspace: Workspace, run_id: str, public: str, name: str = "toy") -> None:
    ledger = Ledger(workspace.ledger)
    ledger.append("intent", run_id, name, run_id=run_id, sha256=run_id)
    ledger.append("created", run_id, name, ref=7)
    if public:
        ledger.append("scored", run_id, name, ref=7, public=public, private="")


def table_of(page: Page, panel: int = 0) -> Table:
    found = page.panels[panel].blocks[0]
    assert isinstance(found, Table)
    return found


def column(table: Table, name: str) -> list[Any]:
    index = [str(column) for column in table.columns].index(name)
    return [row[index] for row in table.rows]


def words(page: Page) -> list[str]:
    return [str(b.text) for p in page.panels for b in p.blocks if isinstance(b, Paragraph)]


def test_an_empty_workspace_is_refused(workspace: Workspace) -> None:
    with pytest.raises(RunError, match="start a run with 'comp run NAME'"):
        index_page(workspace)


def test_a_row_for_each_run_the_newest_first(workspace: Workspace) -> None:
    write_run(workspace, "r1", 0.8)
    write_run(workspace, "r2", 0.9, synthetic=True)
    write_run(workspace, "r3", None)
    write_run(workspace, "s1", 0.5, name="other")
    send(workspace, "r1", "0.75")
    page = index_page(workspace)
    assert [panel.title for panel in page.panels] == ["other", "toy"]
    table = table_of(page, 1)
    assert column(table, "run") == ["r3", "r2", "r1"]
    assert column(table, "OOF AUC") == [None, 0.9, 0.8]
    assert [str(s) for s in column(table, "state")] == [
        "interrupted",
        "finished, synthetic",
        "finished",
    ]
    assert [str(s) for s in column(table, "on Kaggle")] == ["", "", "scored"]
    assert column(table, "public") == [None, None, 0.75]
    assert "private" not in [str(column) for column in table.columns]  # nothing has one
    assert str(page.lead) == "Runs: 4. Competitions: 2. Submissions that Kaggle has: 1."


@pytest.mark.parametrize(("direction", "longest"), [("max", "r3"), ("min", "r1")])
def test_the_longest_bar_is_the_best(workspace: Workspace, direction: str, longest: str) -> None:
    for run_id, score in (("r1", 0.7), ("r2", 0.8), ("r3", 0.9)):
        folder = write_run(workspace, run_id, score)
        card = {"metric": "AUC", "direction": direction, "cv_score": score}
        write_json(folder / "scores.json", card)
    table = table_of(index_page(workspace))
    bars = dict(zip(column(table, "run"), table.shares or (), strict=True))
    assert bars[longest] == 1.0
    assert bars["r2"] == pytest.approx(0.55)
    assert sorted(value or 0.0 for value in bars.values())[0] == pytest.approx(0.1)


def test_reports_are_linked_where_they_are(workspace: Workspace, tmp_path: Path) -> None:
    write_run(workspace, "r1", 0.8)
    (write_run(workspace, "r2", 0.9) / "report.html").write_text("x")
    runs = column(table_of(index_page(workspace)), "run")
    assert runs == [Link("r2", "toy/r2/report.html"), "r1"]
    path = write_index(workspace)
    assert path == index_path(workspace) == tmp_path / "runs" / "report.html"
    assert (path.parent / "toy/r2/report.html").is_file()
    assert 'href="toy/r2/report.html"' in path.read_text()
    elsewhere = index_page(workspace, tmp_path / "pages" / "all.html")
    assert column(table_of(elsewhere), "run") == ["r2", "r1"]


def test_known_verdicts_are_marked(workspace: Workspace) -> None:
    write_run(workspace, "r1", 0.8, fold_hash="x")
    write_run(workspace, "r2", 0.9, fold_hash="x")
    write_verdicts(workspace.runs("toy"), {"r2 0.9 r1 0.8": False})
    states = [str(state) for state in column(table_of(index_page(workspace)), "state")]
    assert states == ["finished, best", "finished, like the best"]


def scored(workspace: Workspace, scores: Sequence[tuple[float, str]]) -> Page:
    for index, (score, public) in enumerate(scores):
        write_run(workspace, f"r{index}", score)
        send(workspace, f"r{index}", public)
    return index_page(workspace)


def test_out_of_fold_against_the_leaderboard(workspace: Workspace) -> None:
    page = scored(
        workspace, [(0.8, "0.7"), (0.81, "0.72"), (0.82, "0.71"), (0.9, "0.8"), (0.91, "0.81")]
    )
    (figure,) = [b for b in page.panels[0].blocks if isinstance(b, Figure)]
    assert isinstance(figure.chart, LineChart)
    assert list(figure.chart.series[0].x) == [0.8, 0.81, 0.82, 0.9, 0.91]
    assert list(figure.chart.series[0].y) == [0.7, 0.72, 0.71, 0.8, 0.81]
    assert words(page) == [
        "The rank correlation of both scores over 5 submissions is +0.90; 1 is the same order, and "
        "0 is no relation."
    ]


def test_opposite_scores_are_a_warning(workspace: Workspace) -> None:
    page = scored(workspace, [(0.8, "0.9"), (0.85, "0.8"), (0.9, "0.7")])
    found = words(page)
    assert found[0] == "3 submissions are too few for a correlation; 5 are needed."
    assert found[1].startswith("OOF and public score moved in opposite directions in 3 of 3 pairs")


def test_one_score_is_no_picture(workspace: Workspace) -> None:
    assert len(scored(workspace, [(0.8, "0.9"), (0.85, "")]).panels[0].blocks) == 1


def test_equal_scores_have_no_correlation(workspace: Workspace) -> None:
    page = scored(workspace, [(0.8, "0.7")] * 6)
    assert words(page) == ["There is no correlation: all scores are the same."]


def test_what_is_damaged_is_shown(workspace: Workspace) -> None:
    (write_run(workspace, "r1", 0.8) / "run.json").write_text("{")
    write_run(workspace, "r2", math.nan)
    page = index_page(workspace)
    assert [str(state) for state in column(table_of(page), "state")] == ["damaged", "finished"]
    assert "damaged" in render(page)


def test_a_submission_without_a_run(workspace: Workspace) -> None:
    send(workspace, "gone", "0.75")
    page = index_page(workspace)
    assert column(table_of(page), "run") == ["gone"]
    assert [str(state) for state in column(table_of(page), "state")] == ["only submitted"]
    assert render(page, "ko")
