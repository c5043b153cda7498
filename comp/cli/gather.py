"""`comp gather`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.completion import complete_run
from comp.cli.options import Json, Out, print_json
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace


def gather(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="Folders of runs, folders that 'comp run --out' wrote to, or ids of runs.",
            autocompletion=complete_run,
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder or zip with the runs' data.", show_default="its old path"),
    ] = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Join the folds of several runs into one run.

    The runs have the same configuration, data and folds; each brings the folds that it finished.
    """
    from comp.calls.after import report_on
    from comp.calls.gather import competition_of
    from comp.pipeline.gather import gather as gather_runs
    from comp.report.terminal import TerminalReporter

    workspace = Workspace.at(Path.cwd(), out)
    metric = competition_of(runs, workspace).metric
    with stoppable(), TerminalReporter(metric, to_stderr=json) as reporter:
        summary = gather_runs(runs, workspace, reporter, data=data)
        reporter.summary(summary)
        report = report_on(summary.run_dir, reporter, summary.seconds)
    if json:
        print_json(asdict(summary) | {"report": report})
