"""`comp resume`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp.cli.options import Json, Runs, print_json
from comp.cli.started import BEGAN
from comp.cli.stoppable import stoppable
from comp.contract import registry
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.runs.folder import RunFolder


def resume(
    run_id: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN_ID",
            help="Run, or the start of its id.",
            show_default="the newest unfinished run",
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Prove on the run's configuration that a stopped training goes on exactly.",
        ),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder or zip with the run's data.", show_default="where it was"),
    ] = None,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Go on with a run that was stopped."""
    from comp.pipeline.resume import newest_unfinished
    from comp.runs.folder import RunFolder

    workspace = Workspace.at(Path.cwd(), runs)
    folder = RunFolder(workspace.find_run(run_id)) if run_id else newest_unfinished(workspace)
    if verify:
        _verify(folder, workspace, data, json)
    else:
        resume_and_report(folder, workspace, {}, data, json)


def resume_and_report(
    folder: RunFolder,
    workspace: Workspace,
    given: Mapping[str, Any],
    data: Path | None,
    json: bool,
) -> None:
    """Go on with a run, and print as `comp run` does; `given` are keys that must be the run's."""
    from comp.pipeline.resume import resume as resume_run
    from comp.report.terminal import TerminalReporter

    metric = registry.get(folder.record("competition")["competition"]).metric
    with stoppable(), TerminalReporter(metric, to_stderr=json) as reporter:
        summary = resume_run(folder, workspace, reporter, given=given, data=data, began=BEGAN)
        reporter.summary(summary)
    if json:
        print_json(asdict(summary))


def _verify(folder: RunFolder, workspace: Workspace, data: Path | None, json: bool) -> None:
    """Train a few steps of the run's first fold twice, and say whether they are the same.

    Raises:
        RunError: naming what differs.
    """
    from comp.config.schema import resolve
    from comp.errors import RunError
    from comp.pipeline.resume import source_of
    from comp.pipeline.verify_resume import verify
    from comp.report.terminal import TerminalReporter
    from comp.runs.folder import NEEDED_TO_RESUME

    record = folder.record(*NEEDED_TO_RESUME)
    competition = registry.get(record["competition"])
    config = resolve(competition.name, [record["config"]], competition.options)
    source = source_of(record, workspace, data)
    with stoppable(), TerminalReporter(competition.metric, to_stderr=json) as reporter:
        fold, skipped = record["folds"][0], bool(record.get("skipped"))
        found = verify(config, source, workspace, reporter, fold, skipped)
        if not found.exact:
            raise RunError(
                f"a stopped training does not go on exactly here: {', '.join(found.differing)} "
                f"differ after {found.steps} steps; on a GPU sums may differ in their last digits"
            )
        thawed = ", with a thaw after the stop" if found.thawing else ""
        reporter.note(
            f"exact: {found.steps} steps straight through and with a stop after "
            f"{found.stopped_after}{thawed} end alike in {found.parts} parts of the state; weights "
            f"{found.sha256[:12]}"
        )
    if json:
        print_json(asdict(found))
