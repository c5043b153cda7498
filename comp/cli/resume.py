"""`comp resume`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp.cli.completion import complete_run
from comp.cli.options import Gpus, Jobs, Json, NodeData, On, Runs, print_json
from comp.cli.ranks import placed
from comp.cli.started import STARTED_AT
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.config.placement import Placement
    from comp.pipeline.fold_numbers import MoreFolds
    from comp.runs.folder import RunFolder


def resume(
    run_id: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN_ID",
            help="Run, or the start of its id.",
            show_default="the newest unfinished run, with --folds the newest that left out folds",
            autocompletion=complete_run,
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Check on the run's configuration that a resumed training is exact.",
        ),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder or zip with the run's data.", show_default="its old path"),
    ] = None,
    folds: Annotated[
        str | None,
        typer.Option(
            metavar="rest|N,N",
            help="Train folds that the run left out: rest for all, or their numbers.",
        ),
    ] = None,
    runs: Runs = None,
    jobs: Jobs = None,
    on: On = "",
    node_data: NodeData = "",
    gpus: Gpus = None,
    json: Json = False,
) -> None:
    """Resume a stopped run."""
    from comp.pipeline.fold_numbers import more_folds
    from comp.runs.folder import RunFolder
    from comp.runs.newest import newest_partial, newest_unfinished

    if verify:
        _check_verify(folds, placed_elsewhere=bool(jobs or on or gpus or node_data))
    more = more_folds(folds)
    workspace, placement = Workspace.at(Path.cwd(), runs), placed(jobs, on, gpus, node_data)
    newest = newest_unfinished if more is None else newest_partial
    folder = RunFolder(workspace.find_run(run_id)) if run_id else newest(workspace)
    if verify:
        _verify(folder, workspace, data, json)
    else:
        resume_and_report(folder, workspace, {}, data, json, placement, more)


def _check_verify(folds: str | None, placed_elsewhere: bool) -> None:
    from comp.errors import ConfigError

    if folds:
        raise ConfigError("--verify trains no fold to its end: leave out --folds")
    if placed_elsewhere:
        raise ConfigError("--verify trains in this process: leave out --jobs, --on and --gpus")


def resume_and_report(
    folder: RunFolder,
    workspace: Workspace,
    keys: Mapping[str, Any],
    data: Path | None,
    json: bool,
    placement: Placement | None = None,
    more: MoreFolds | None = None,
) -> None:
    """Resume a run, and print as `comp run` does.

    `keys` are configuration keys of the user, which must agree with those of the run, and `more`
    are folds that it left out and trains too.
    """
    from comp.calls.after import report_on
    from comp.contract import registry
    from comp.pipeline.resume import resume as resume_run
    from comp.report.terminal import TerminalReporter

    metric = registry.get(folder.record("competition")["competition"]).metric
    with stoppable(), TerminalReporter(metric, to_stderr=json) as reporter:
        summary = resume_run(
            folder,
            workspace,
            reporter,
            given=keys,
            data=data,
            began=STARTED_AT,
            more=more,
            placement=placement,
        )
        reporter.summary(summary)
        report = report_on(summary.run_dir, reporter, summary.seconds)
    if json:
        print_json(asdict(summary) | {"report": report})


def _verify(folder: RunFolder, workspace: Workspace, data: Path | None, json: bool) -> None:
    """Train a few steps of the run's first fold with and without a stop, and print whether the
    states are equal.

    Raises:
        RunError: naming the parts of the state that differ.
    """
    from comp.config.schema import resolve
    from comp.contract import registry
    from comp.errors import RunError
    from comp.pipeline.resume import source_of
    from comp.pipeline.verify_resume import verify
    from comp.report.terminal import TerminalReporter
    from comp.runs.folder import NEEDED_TO_RESUME
    from comp.runs.lineage import check_has_models

    record = folder.record(*NEEDED_TO_RESUME)
    check_has_models(folder.run_id, record, "verify one of its runs")
    competition = registry.get(record["competition"])
    config = resolve(competition.name, [record["config"]], competition.options)
    source = source_of(record, workspace, data)
    with stoppable(), TerminalReporter(competition.metric, to_stderr=json) as reporter:
        fold, skipped = record["folds"][0], bool(record.get("skipped"))
        result = verify(config, source, workspace, reporter, fold, skipped)
        if not result.exact:
            raise RunError(
                f"a resumed training is not exact here: {', '.join(result.differing)} differ after "
                f"{result.steps} steps; on a GPU the order of sums can change the last digits"
            )
        thawing = ", and stages that thaw after the stop" if result.thawing else ""
        reporter.note(
            f"exact: {result.steps} steps straight through and with a stop after "
            f"{result.stopped_after}{thawing} give equal states ({result.parts} parts); weights "
            f"{result.sha256[:12]}"
        )
    if json:
        print_json(asdict(result))
