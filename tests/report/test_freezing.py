"""The table of a network's stages."""

from __future__ import annotations

import io

from rich.console import Console

from comp.report.freezing import freezing_table, when
from comp.runs.progress import StageReport


def part(name: str, frozen: bool, thaws: float | None) -> StageReport:
    return StageReport(
        name=name,
        parameters=1000,
        frozen=frozen,
        thaws=thaws,
        batch_norm="eval" if frozen else "train",
        lr=1e-3,
        weight_decay=0.02,
    )


PARTS = [part("stem", True, None), part("blocks.1", True, 2.5), part("head", False, 0.0)]


def test_when_in_words() -> None:
    assert [when(p) for p in PARTS] == ["never (frozen)", "from epoch 2.5", "from the start"]


def test_the_table_shows_every_stage_and_the_sum() -> None:
    console = Console(file=io.StringIO(), width=120)
    console.print(freezing_table(PARTS))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    stem = next(line for line in lines if "stem" in line)
    assert "1.0e-03" not in stem
    assert "eval" in stem
    head = next(line for line in lines if "head" in line)
    assert "1.0e-03" in head
    assert "0.02" in head
    total = next(line for line in lines if " all " in line)
    assert "3,000" in total
    assert "1,000 at first" in total
