"""The table of a race, and what is said below it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console

from comp.report.race import race_lines, race_table
from comp.runs.race import Candidate, RaceResult, RaceRound, RoundResult

NAMES = ("convnext_tiny", "resnet18", "regnety_004", "mobilenetv2_100")


def scored(score: float, steps: int) -> RoundResult:
    return RoundResult(score=score, steps=steps, images_per_second=61.4)


def result(winner: int, direction: str = "max", best: int | None = None) -> RaceResult:
    first = {
        0: scored(0.7, 10),
        1: scored(0.8, 20),
        2: scored(0.6, 30),
        3: RoundResult(problem="too slow: 1 steps in 12 s"),
    }
    second = {0: scored(0.85, 1100), 1: scored(0.9, 2200)}
    return RaceResult(
        race_id="r",
        race_dir=Path("races/toy/r"),
        competition="toy",
        metric="accuracy",
        direction=direction,
        candidates=[Candidate(backbone=n, size="160", how="as set", lr=1e-3) for n in NAMES],
        rounds=[
            RaceRound(
                candidates=[0, 1, 2, 3], seconds=12.0, train=512, held_out=256, results=first
            ),
            RaceRound(candidates=[0, 1], seconds=60.0, train=900, held_out=300, results=second),
        ],
        winner=winner,
        best=winner if best is None else best,
        comparison="accuracy 0.90000 against 0.85000",
        run_id="20260101-000000-abcdef",
        left_out={"swinv2_tiny": "no network"},
    )


def rows(race: RaceResult) -> list[list[str]]:
    console = Console(width=100, record=True, file=StringIO())
    console.print(race_table(race))
    lines = [line for line in console.export_text().splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def test_the_winner_is_first_then_the_round_counts_then_the_score() -> None:
    assert rows(result(1)) == [
        ["resnet18", "160", "as set", "61", "2,200", "0.90000", "winner"],
        ["convnext_tiny", "160", "as set", "61", "1,100", "0.85000", "default"],
        ["regnety_004", "160", "as set", "61", "30", "0.60000", "out in 1"],
        ["mobilenetv2_100", "160", "as set", "", "", "", "no score"],
    ]
    assert [row[0] for row in rows(result(0, "min"))][:2] == ["convnext_tiny", "resnet18"]


def test_the_lines_say_how_many_were_tried_and_what_is_missing() -> None:
    text = "\n".join(race_lines(result(1)))
    assert "mobilenetv2_100, 160, as set: too slow: 1 steps in 12 s" in text
    assert "not in the race: swinv2_tiny (no network): give files of weights with --weights" in text
    assert "the best of 3 candidates on a part of fold 0" in text
    assert "against the default (convnext_tiny, 160, as set): accuracy 0.90000 against" in text
    assert "run         20260101-000000-abcdef" in text
    same = "\n".join(race_lines(result(0)))
    assert "the default (convnext_tiny, 160, as set) is the best of 3 candidates" in same


def test_a_better_score_that_may_be_noise_is_told() -> None:
    race = result(0, best=1)
    assert [row[-1] for row in rows(race)][:2] == ["winner", "may be noise"]
    text = "\n".join(race_lines(race))
    assert "resnet18, 160, as set has a better score than the default (convnext_tiny" in text
    assert "may be noise, so the default ran: accuracy 0.90000 against 0.85000" in text
