"""Runs and submissions as a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from comp.report.history import show_history
from comp.runs.results import HistoryRow

RUN = "20240501-100000-abcdef"
ROW = HistoryRow(
    competition="leaves", run_id=RUN, date="2024", metric="RMSE", direction="min", cv_score=0.1,
    std=0.01234, fold_hash="0123456789", changes={"optim.lr": 0.001, "image.size": 224},
    state="complete", public="0.11111", private="0.22222",
)  # fmt: skip


@pytest.mark.parametrize("width", [80, 160])
def test_ids_and_scores_stay_whole_and_the_better_score_has_the_longer_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    drawn = replace(ROW, cv_score=0.9, synthetic=True, public="", private="")
    show_history([ROW, replace(ROW, cv_score=0.3), drawn], {})
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    rows = [line.replace("│", " ").split() for line in lines if RUN in line]
    assert [[word for word in row if word[0] in "█▉"] for row in rows] == [
        ["███████"],
        ["▉"],
        ["███████"],
    ]
    assert {"0.10000", "0.11111", "0.22222", "complete"} <= set(rows[0])
    assert "longer" in "".join(lines)
    assert ("0.01234" in "".join(lines)) is (width == 160)


def test_without_private_scores_there_is_no_column_for_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show_history([replace(ROW, private="")], {})
    text = capsys.readouterr().out
    assert "private" not in text
    assert "0.01234" in text or "optim.lr" in text


def test_a_message_and_a_warning_follow_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    failed = replace(ROW, state="error", ref=7, message="bad [row]")
    show_history([failed], {"leaves": "the scores disagree"})
    text = capsys.readouterr().out
    assert "7: bad [row]" in text
    assert "warning: the scores disagree" in text


def test_nothing_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    show_history([], {})
    assert "no finished runs and no submissions here" in capsys.readouterr().out
