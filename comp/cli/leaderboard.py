"""`comp leaderboard`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.options import Json, print_json
from comp.cli.timeouts import seconds
from comp.workspace import Workspace

if TYPE_CHECKING:
    from rich.table import Table

    from comp.kaggle.leaderboard import LeaderboardView


def leaderboard(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Competition, as 'comp list' or its address at Kaggle names it."
        ),
    ],
    score: Annotated[
        float | None,
        typer.Option(help="Score to place.", show_default="the best out-of-fold score"),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(metavar="RUN_ID", help="Run whose out-of-fold score is to be placed."),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Fetch it, however new the kept one is.")
    ] = False,
    timeout: Annotated[str, typer.Option(help="Give up after this long: 60s, 5m.")] = "60s",
    json: Json = False,
) -> None:
    """Show a competition's public leaderboard, and where a score would stand."""
    from comp.kaggle.leaderboard import look
    from comp.report.clock import duration
    from comp.report.console import make_console

    workspace = Workspace.at(Path.cwd())
    seen = look(
        name,
        workspace,
        timeout_s=seconds(timeout),
        score=score,
        run_id=run,
        refresh=refresh,
    )
    say = make_console(to_stderr=json).print
    if seen.stale:
        say(f"warning: {seen.stale}")
    age = f"fetched {duration(seen.age_s)} ago"
    say(f"Public leaderboard of {seen.slug}: {seen.teams:,} teams, {age}")
    if seen.teams:
        say(_table(seen))
    for line in _verdict(seen):
        say(line)
    if json:
        print_json(asdict(seen))


def _table(seen: LeaderboardView) -> Table:
    """The best score, the medal lines and the median, beside the lines that comp keeps."""
    from rich.table import Table

    table = Table(title="medal lines by Kaggle's rules; a competition may award none")
    table.add_column("line")
    table.add_column("rank", justify="right")
    table.add_column("score", justify="right")
    if seen.own_lines:
        table.add_column("kept in comp", justify="right")
    rows = {"best": (1, seen.best), **seen.lines, "median": (0, seen.median)}
    for line, (rank, value) in rows.items():
        own = [_number(seen.own_lines.get(line))] if seen.own_lines else []
        table.add_row(line, f"{rank:,}" if rank else "", _number(value), *own)
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5f}"


def _verdict(seen: LeaderboardView) -> list[str]:
    """Where the score would stand, in words."""
    if not seen.teams:
        return ["no team stands on it yet"]
    if seen.entry is None or seen.standing is None:
        return ["no finished run on real data to place: give a score with --score"]
    place = seen.standing
    medal = place.medal or "no medal"
    line = place.next_line
    goal = f"; {line[0]} begins at {line[1]:.5f}" if line else ""
    words = [
        f"{seen.entry.words} would be rank {place.rank:,} of {place.teams:,} "
        f"(top {place.share:.1f} %): {medal}{goal}"
    ]
    if seen.own_lines:
        own = seen.own_medal or "no medal"
        words.append(f"by the lines that are kept in comp, which are of another day: {own}")
    return words
