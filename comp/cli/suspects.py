"""`comp suspects`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.options import Json, RunId, Runs, print_json
from comp.errors import ConfigError
from comp.workspace import Workspace


def suspects(
    run_id: RunId,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of suspects to list.",
            show_default="those estimated to be wrong, or 1 % of the samples",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="CSV file to write.", show_default="suspects.csv in the run"
        ),
    ] = None,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """List training samples whose label is probably wrong.

    The file that it writes can be given to 'comp run' with --set drop=FILE.
    """
    from comp.pipeline.suspect_files import write_suspects
    from comp.pipeline.suspects import find_suspects
    from comp.report.console import make_console
    from comp.report.suspects import suspect_parts
    from comp.runs.lineage import member_ids

    _check_file(out)
    console = make_console(to_stderr=json)
    with console.status("reading the run") as status:
        workspace = Workspace.at(Path.cwd(), runs)
        found, run = find_suspects(run_id, workspace, top=top, on_stage=status.update)
        path = out or run.folder.path / "suspects.csv"
        status.update("drawing the images")
        sheet = write_suspects(found, run, path)
    for part in suspect_parts(found):
        console.print(part)
    repeated = None if member_ids(run.folder.record()) else found.run_id
    command = _next_command(found.competition, repeated, path, runs)
    console.print(f"table   {path}", soft_wrap=True)
    if sheet:
        console.print(f"images  {sheet}", soft_wrap=True)
    if found.suspects:
        console.print(
            "look at them, delete the rows whose label is right, and train without the others: "
            f"{command}",
            soft_wrap=True,
        )
    if json:
        print_json(asdict(found) | {"table": path, "sheet": sheet, "next": command})


def _check_file(path: Path | None) -> None:
    """Check the suffix of --out.

    Raises:
        ConfigError: it is not .csv.
    """
    if path and path.suffix.lower() != ".csv":
        raise ConfigError(f"--out {path} is not a CSV file: give a name that ends in .csv")


def _next_command(competition: str, repeated: str | None, path: Path, runs: Path | None) -> str:
    """The command that trains without the suspects, as the run did; a blend has no training to
    repeat."""
    repeat = ["--repeat", repeated] if repeated else []
    place = ["--out", str(runs)] if runs else []
    return shlex.join(["comp", "run", competition, *repeat, "--set", f"drop={path}", *place])
