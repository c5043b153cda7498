"""`comp leaderboard`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.completion import complete_competition, complete_run
from comp.cli.options import Json, print_json
from comp.cli.timeouts import seconds
from comp.workspace import Workspace

if TYPE_CHECKING:
    from rich.table import Table

    from comp.kaggle.leaderboard import LeaderboardView


Competition = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Competition, as 'comp list' or its Kaggle URL names it.",
        autocompletion=complete_competition,
    ),
]
Score = Annotated[
    float | None, typer.Option(help="Score to rank.", show_default="the best out-of-fold score")
]
Run = Annotated[
    str | None,
    typer.Option(
        metavar="RUN_ID",
        help="Run whose out-of-fold score to rank.",
        autocompletion=complete_run,
    ),
]
Refresh = Annotated[
    bool, typer.Option("--refresh", help="Download it again, even if the local copy is new.")
]


def leaderboard(
    name: Competition,
    score: Score = None,
    run: Run = None,
    refresh: Refresh = False,
    timeout: Annotated[str, typer.Option(help="Time limit: 60s, 5m.")] = "60s",
    json: Json = False,
) -> None:
    """Show a public leaderboard and the rank of a score."""
    from comp.kaggle.leaderboard import view_leaderboard
    from comp.report.clock import duration
    from comp.report.console import make_console

    workspace = Workspace.at(Path.cwd())
    view = view_leaderboard(
        name,
        workspace,
        timeout_s=seconds(timeout),
        score=score,
        run_id=run,
        refresh=refresh,
    )
    say = make_console(to_stderr=json).print
    if view.stale:
        say(f"warning: {view.stale}")
    age = f"fetched {duration(view.age_s)} ago"
    say(f"Public leaderboard of {view.slug}: {view.teams:,} teams, {age}")
    if view.teams:
        say(_table(view))
    for line in [*_verdict(view), *filter(None, [view.left_out])]:
        say(line)
    if json:
        print_json(asdict(view))


def _table(view: LeaderboardView) -> Table:
    """The best score, the medal lines and the median; also those stored in comp, if any."""
    from rich.table import Table

    table = Table(title="medal lines by Kaggle's rules; a competition may have no medals")
    table.add_column("line")
    table.add_column("rank", justify="right")
    table.add_column("score", justify="right")
    if view.own_lines:
        table.add_column("stored in comp", justify="right")
    rows = {"best": (1, view.best), **view.lines, "median": (0, view.median)}
    for line, (rank, value) in rows.items():
        own = [_number(view.own_lines.get(line))] if view.own_lines else []
        table.add_row(line, f"{rank:,}" if rank else "", _number(value), *own)
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5f}"


def _verdict(view: LeaderboardView) -> list[str]:
    """The rank of the score, one or two lines."""
    if not view.teams:
        return ["no team is on the leaderboard yet"]
    if view.entry is None or view.standing is None:
        return ["no finished run on real data: give a score with --score"]
    standing = view.standing
    medal = standing.medal or "no medal"
    line = standing.next_line
    goal = f"; {line[0]} starts at {line[1]:.5f}" if line else ""
    words = [
        f"{view.entry.words} would be rank {standing.rank:,} of {standing.teams:,} "
        f"(top {standing.share:.1f} %): {medal}{goal}"
    ]
    if view.own_lines:
        own = view.own_medal or "no medal"
        words.append(f"by the older medal lines stored in comp: {own}")
    return words
