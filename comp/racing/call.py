"""A race with progress and a printed table, for the command line and for Python."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.calls.after import report_on
from comp.contract import registry
from comp.pipeline.request import (
    RunRequest,
    config_keys,
    new_request,
    refuse_with_resume,
    user_keys,
)
from comp.report.libraries import quiet_libraries
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.runs.progress import Reporter
    from comp.runs.race import RaceResult
    from comp.runs.results import RunSummary

PathLike = str | os.PathLike[str]
Raced = tuple["RaceResult", "RunSummary | None"]


def start_race(
    request: RunRequest, weights: Sequence[Path], began: float, reporter: Reporter
) -> Raced:
    """Start the race that a request describes; see `comp.racing.race.race`."""
    from comp.racing.race import race as race_backbones

    source, config = request.load()
    return race_backbones(
        config,
        source,
        request.workspace,
        reporter,
        weights=weights,
        began=began,
        skip_bad=request.skip_bad,
    )


def check_request(request: RunRequest) -> None:
    """Check the configuration before any data is unpacked.

    Raises:
        ConfigError: naming every fault, or there is nothing to compare.
    """
    request.check()
    from comp.racing.race import check_race

    check_race(request.competition, request.config(request.synthetic))


def race(
    competition: str,
    *,
    budget: str | float | None = None,
    weights: Sequence[PathLike] = (),
    resume: bool = False,
    folds: int | None = None,
    data: PathLike | None = None,
    synthetic: bool = False,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    config: PathLike | Mapping[str, Any] | None = None,
    set: Mapping[str, Any] | None = None,
    skip_bad: bool = False,
    out: PathLike | None = None,
    quiet: bool = False,
) -> RaceResult:
    """Compare backbones, sizes and learning rates, and run the best, as `comp race` does.

    Args:
        budget: wall-clock time of the race and of the run: "30m", or a number of seconds.
        weights: files of pretrained weights, and folders of them, named as their backbones.
        resume: continue the newest unfinished race of the competition, with its own settings.
        out: folder to write to; the current folder if None.
        quiet: print nothing.

    The other arguments are those of `comp.run`. `comp.load_run(result.run_id)` is the run.

    Raises:
        CompError: for any fault of the data or the configuration.
        Stopped: an interrupt or SIGTERM stopped the race; it can be resumed.
    """
    began = time.perf_counter()
    workspace = Workspace.at(Path.cwd(), Path(out).expanduser().absolute() if out else None)
    chosen = registry.get(competition)
    quiet_libraries()
    if resume:
        refuse_with_resume(
            "race",
            {"budget": budget, "folds": folds, "data": data, "seed": seed, "device": device}
            | {"precision": precision, "config": config, "set": set, "synthetic": synthetic}
            | {"weights": list(weights) or None, "skip_bad": skip_bad},
        )
        from comp.racing.folder import newest_unfinished_race
        from comp.racing.race import resume_race

        folder = newest_unfinished_race(workspace, competition)
        with _reporter(chosen, quiet) as reporter:
            return _shown(resume_race(folder, workspace, reporter, began), reporter, quiet)
    layer = config if isinstance(config, Mapping) else Path(config).expanduser() if config else None
    flags: dict[str, Any] = {"folds": folds, "budget": budget, "seed": seed}
    request = new_request(
        chosen,
        workspace,
        user_keys(config_keys(layer, set), device=device, precision=precision, **flags),
        data=Path(data).expanduser() if data else None,
        synthetic=synthetic,
        skip_bad=skip_bad,
    )
    check_request(request)
    files = [Path(path).expanduser() for path in weights]
    with _reporter(chosen, quiet) as reporter:
        return _shown(start_race(request, files, began, reporter), reporter, quiet)


def _reporter(competition: Any, quiet: bool) -> AbstractContextManager[Any]:
    from contextlib import nullcontext

    from comp.report.terminal import TerminalReporter
    from comp.runs.progress import Silent

    return nullcontext(Silent()) if quiet else TerminalReporter(competition.metric)


def _shown(raced: Raced, reporter: Any, quiet: bool) -> RaceResult:
    """Show the run and the race, and write the report of the run."""
    result, summary = raced
    if not quiet:
        show(result, summary, reporter, to_stderr=False)
    elif summary is not None:
        report_on(summary.run_dir, reporter, summary.seconds)
    return result


def show(result: RaceResult, summary: RunSummary | None, reporter: Any, *, to_stderr: bool) -> None:
    """Print the scores of the run, write its report, and print the table of the race."""
    from comp.report.race import show_race

    if summary is not None:
        reporter.summary(summary)
        report_on(summary.run_dir, reporter, summary.seconds)
    show_race(result, to_stderr)
