"""Out-of-fold and leaderboard scores side by side, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

if TYPE_CHECKING:
    from comp.runs.trust import Trust


def trust_parts(found: Trust) -> Iterator[RenderableType]:
    """What to print: the tables, what is left out, the notes, and the sentences."""
    if found.submissions:
        yield _scores_table(found)
    if found.differences:
        yield _differences_table(found)
    for reason, count in found.skipped:
        yield f"left out: {count:,} scored submission{'s' * (count != 1)} that {reason}"
    for note in found.notes:
        yield f"note: {note}"
    yield from found.words


def _scores_table(found: Trust) -> Table:
    better = "lower" if found.direction == "min" else "higher"
    table = Table(title=f"{found.metric} of {found.competition} ({better} is better)")
    private = any(one.private is not None for one in found.submissions)
    table.add_column("run", no_wrap=True)
    for name in ("OOF", "public", "OOF - public", *["private"] * private, "noise of public"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found.submissions:
        table.add_row(
            one.run_id,
            f"{one.oof:.5f}",
            f"{one.public:.5f}",
            f"{one.oof - one.public:+.5f}",
            *["" if one.private is None else f"{one.private:.5f}"] * private,
            _plus_minus(one.noise),
        )
    return table


def _differences_table(found: Trust) -> Table:
    table = Table(title=f"public score of {found.differences[0].first} minus that of")
    table.add_column("run", no_wrap=True)
    for name in ("public", "noise", "OOF"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for one in found.differences:
        word = {True: "larger than the noise", False: "noise", None: ""}[one.real]
        word += ", OOF says the opposite" if one.contradicts else ""
        word += "" if one.paired or one.noise is None else " (not paired)"
        table.add_row(
            one.second,
            f"{one.public:+.5f}",
            _plus_minus(one.noise),
            f"{one.oof:+.5f}",
            word,
        )
    return table


def _plus_minus(noise: float | None) -> str:
    return "" if noise is None else f"± {noise:.5f}"
