"""`comp trust`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.options import Json, Name, Runs, print_json
from comp.errors import ConfigError
from comp.workspace import Workspace


def trust(
    name: Name,
    share: Annotated[
        float | None,
        typer.Option(
            help="Share of the test that is public, 0 to 1, as Kaggle says it.",
            show_default="0.3, assumed",
        ),
    ] = None,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Compare out-of-fold with public scores.

    It says how far the folds predict the leaderboard, and which differences are noise. It needs no
    connection: 'comp submissions --refresh' fetches new scores.
    """
    if share is not None and not 0 < share <= 1:
        raise ConfigError(f"--share {share} is not a share: give a number above 0, at most 1")
    from comp.contract import registry
    from comp.pipeline.trust import trust as compute
    from comp.report.console import make_console
    from comp.report.trust import trust_parts

    competition = registry.get(name)
    console = make_console(to_stderr=json)
    with console.status("reading the ledger") as status:
        workspace = Workspace.at(Path.cwd(), runs)
        found = compute(competition, workspace, share=share, on_stage=status.update)
    for part in trust_parts(found):
        console.print(part)
    if json:
        print_json(asdict(found))
