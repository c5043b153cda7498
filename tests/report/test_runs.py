"""Past runs on the terminal."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from comp.report.runs import format_age, format_bytes, show_runs
from comp.runs.catalog import RunInfo


def test_a_table_a_competition(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "200")
    best = RunInfo(
        competition="leaves",
        run_id="a",
        path=Path("a"),
        state="finished",
        synthetic=True,
        metric="AUC",
        direction="max",
        cv_score=0.91234567,
        folds_done=5,
        folds=5,
        age_s=200_000,
        bytes=12_345_678,
        submitted=True,
    )
    lost = RunInfo(
        competition="roots", run_id="b", path=Path("b"), state="damaged", reason="no [run.json]"
    )

    show_runs([best, lost])

    text = capsys.readouterr().out
    assert "OOF AUC" in text
    (row,) = [line for line in text.splitlines() if "0.91235" in line]
    cells = [cell.strip() for cell in row.strip("│┃ ").split("│")]
    assert cells == [
        "a",
        "finished, synthetic, submitted",
        "0.91235",
        "███████",
        "5/5",
        "2 d",
        "12.3 MB",
    ]
    assert "damaged: no [run.json]" in text
    assert text.index("leaves") < text.index("roots")


def test_ids_stay_whole_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "80")
    run_id = "20240501-100000-abcdef"
    show_runs(
        [
            RunInfo(
                competition="leaves",
                run_id=run_id,
                path=Path("a"),
                state="failed",
                reason="cannot write model.safetensors in a long place: no space left on device",
                metric="RMSE",
                cv_score=0.1,
                bytes=51_700_000,
                submitted=True,
            )
        ]
    )
    text = capsys.readouterr().out
    assert run_id in text
    assert "submitted" in text
    assert "device" in text
    assert max(map(len, text.splitlines())) <= 80


def test_at_80_columns_the_better_score_has_the_longer_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "80")
    run = RunInfo(
        competition="leaves",
        run_id="20240501-100000-abcdef",
        path=Path("a"),
        state="finished",
        metric="RMSE",
        direction="min",
        cv_score=0.1,
        folds_done=5,
        folds=5,
        age_s=200_000,
        bytes=51_700_000,
    )
    worse, drawn = replace(run, cv_score=0.3), replace(run, cv_score=0.001, synthetic=True)
    show_runs([run, worse, drawn, replace(run, cv_score=None, state="running")])

    lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines if "20240501-100000-abcdef" in line]
    shown = [[word for word in row if re.fullmatch(r"0\.\d{5}|[█▉]+", word)] for row in rows]
    assert shown == [["0.10000", "███████"], ["0.30000", "▉"], ["0.00100", "███████"], []]
    assert "longer" in "".join(lines)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(("count", "words"), [(0, "0.0 MB"), (4_560_000_000, "4.56 GB")])
def test_sizes_in_words(count: int, words: str):
    assert format_bytes(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (90, "90 s"),
        (7100, "118 min"),
        (7300, "2 h"),
        (170_000, "47 h"),
        (9e6, "104 d"),
    ],
)
def test_ages_in_words(seconds: float, words: str):
    assert format_age(seconds) == words
