"""`comp watch`."""

from __future__ import annotations

import math
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp.cli.completion import complete_run
from comp.cli.options import Json, Runs, print_json
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.errors import CompError
    from comp.report.watch import WatchDisplay
    from comp.runs.folder import RunFolder
    from comp.runs.watched import WatchedRun

AGAIN = "blend its runs again with 'comp blend'"
Run = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN_ID",
        help="Run, or the start of its id.",
        show_default="the newest that is running",
        autocompletion=complete_run,
    ),
]


def watch(
    run: Run = None,
    once: Annotated[bool, typer.Option("--once", help="Print the state once, and end.")] = False,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Follow a run from another terminal; it only reads files.

    It ends when the run ends. The exit code is 0 if the run is finished, and 2 if it failed or was
    interrupted. Ctrl-C ends it and leaves the run alone.
    """
    from comp.errors import StoppedError
    from comp.report.watch import WatchDisplay
    from comp.runs.folder import RunFolder
    from comp.runs.watched import newest_running

    workspace = Workspace.at(Path.cwd(), runs)
    folder = RunFolder(workspace.find_run(run)) if run else newest_running(workspace)
    try:
        with WatchDisplay(to_stderr=json) as display:
            last = _follow(folder, display, once)
            display.print_state(last)
            if once and last.state not in ("finished", "running"):
                display.note(str(_ended(last, runs)))
    except KeyboardInterrupt:
        raise StoppedError(
            f"stopped watching run {folder.run_id}, which is left alone: "
            f"'comp watch {folder.run_id}' follows it again"
        ) from None
    if json:
        print_json(_finite(asdict(last)))
    if not once and last.state != "finished":
        raise _ended(last, runs)


def _follow(folder: RunFolder, display: WatchDisplay, once: bool) -> WatchedRun:
    """Show a run until it has ended, or once; returns the last look at it."""
    from comp.runs.watched import follow

    looks = follow(folder)
    last = next(looks)
    display.introduce(last)
    if not once:
        display.show(last)
        for last in looks:
            display.show(last)
    return last


def _ended(run: WatchedRun, runs: Path | None) -> CompError:
    """The error for a run that has not finished: what happened, and what to do."""
    from comp.errors import RunError

    option = f" --runs {shlex.quote(str(runs))}" if runs else ""
    again = f"continue with 'comp resume {run.run_id}{option}'" if run.resumable else AGAIN
    if run.state == "interrupted":
        reason = f" ({run.reason})" if run.reason else ""
        return RunError(f"run {run.run_id} was interrupted{reason}: {again}")
    reason = run.reason or "no reason is recorded"
    return RunError(f"run {run.run_id} failed: {reason}; when that is mended, {again}")


def _finite(value: Any) -> Any:
    """A value for JSON, which has no NaN."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
