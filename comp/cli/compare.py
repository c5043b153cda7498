"""`comp compare`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.completion import complete_run
from comp.cli.options import Json, Runs, print_json
from comp.workspace import Workspace


def compare(
    first: Annotated[
        str,
        typer.Argument(
            metavar="RUN_A", help="Run, or the start of its id.", autocompletion=complete_run
        ),
    ],
    second: Annotated[
        str,
        typer.Argument(metavar="RUN_B", help="Run to compare with.", autocompletion=complete_run),
    ],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Compare two runs: is the difference real, or noise?

    Both are scored on the same out-of-fold samples.
    """
    from comp.pipeline.compare import compare as compare_runs
    from comp.report.compare import comparison_parts
    from comp.report.console import make_console

    console = make_console(to_stderr=json)
    with console.status("reading the runs") as status:
        workspace = Workspace.at(Path.cwd(), runs)
        found = compare_runs(first, second, workspace, seed=seed, on_stage=status.update)
    for part in comparison_parts(found):
        console.print(part)
    if json:
        print_json(asdict(found))
