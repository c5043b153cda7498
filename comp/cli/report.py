"""`comp report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from comp.cli.completion import complete_run
from comp.cli.opening import open_page
from comp.cli.options import Json, Runs, print_json
from comp.cli.stoppable import stoppable
from comp.errors import ConfigError
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.page.words import Language

Lang = Annotated[
    Literal["en", "ko"], typer.Option("--lang", help="Language of the page: English or Korean.")
]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def report(
    run_ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN_ID",
            help="Run, or the start of its id; two runs are shown side by side.",
            show_default="the newest run",
            autocompletion=complete_run,
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="An index page of all runs and submissions.")
    ] = False,
    lang: Lang = "en",
    open_: Open = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="HTML file to write.", show_default="report.html in the run"
        ),
    ] = None,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Write a report of a run, of two runs, or of all.

    The page is one file, which needs no network.
    """
    chosen = list(run_ids or ())
    _check(chosen, every, out)
    from comp.report.console import make_console

    workspace = Workspace.at(Path.cwd(), runs)
    console = make_console(to_stderr=json)
    chosen = _ids(chosen, every, workspace)
    with stoppable():
        path = _write(chosen, every, workspace, out, lang, to_stderr=json)
    console.print(f"report  {path}", soft_wrap=True)
    if open_:
        open_page(path, console.print)
    if json:
        print_json({"report": path, "runs": chosen, "bytes": path.stat().st_size})


def _check(chosen: Sequence[str], every: bool, out: Path | None) -> None:
    """Check the arguments.

    Raises:
        ConfigError: they do not go together.
    """
    if every and chosen:
        raise ConfigError("--all shows all runs: leave out the ids, or leave out --all")
    if len(chosen) > 2:
        raise ConfigError(f"{len(chosen)} runs are given: give one or two, or --all")
    if out and out.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"--out {out} is not an HTML file: give a name that ends in .html")


def _write(
    chosen: list[str],
    every: bool,
    workspace: Workspace,
    out: Path | None,
    lang: Language,
    *,
    to_stderr: bool,
) -> Path:
    """Write the page that is asked for; returns the absolute path of its file."""
    from comp.report.console import Live

    path = out.absolute() if out else None
    with Live(to_stderr) as live:

        def show(done: int, total: int) -> None:
            live.show_progress("report", done, total, f"{done}/{total} panels")

        if every:
            from comp.review.index import write_index

            return write_index(workspace, path=path, language=lang)
        if len(chosen) == 2:
            from comp.review.pair.write import write_pair

            return write_pair(chosen[0], chosen[1], workspace, path=path, language=lang)
        from comp.review.write import write_report

        written = write_report(chosen[0], workspace, path=path, language=lang, on_panel=show)
        return written.absolute()


def _ids(chosen: Sequence[str], every: bool, workspace: Workspace) -> list[str]:
    """The whole ids of the runs: those that are chosen, all, or else the newest.

    Raises:
        RunError: there is no such run.
    """
    from comp.errors import RunError
    from comp.runs.catalog import list_runs

    if chosen:
        return [workspace.find_run(run_id).name for run_id in chosen]
    found = [run for run in list_runs(workspace, ()) if run.state != "damaged"]
    if every:
        return [run.run_id for run in found]
    if not found:
        raise RunError(f"no runs under {workspace.out / 'runs'}: start one with 'comp run NAME'")
    return [min(found, key=lambda run: run.age_s).run_id]
