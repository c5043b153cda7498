"""`comp download`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.completion import complete_competition
from comp.cli.options import Json, print_json
from comp.cli.timeouts import seconds
from comp.errors import ConfigError
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.kaggle.download import DownloadResult
    from comp.kaggle.download_request import DownloadRequest

TIMEOUT = "1h"


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Competition, as 'comp list' shows it, or its name or address on Kaggle.",
        autocompletion=complete_competition,
    ),
]
Files = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Download this file (repeatable).")
]
Only = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="Download files that match, or a folder (repeatable)."),
]
Show = Annotated[bool, typer.Option("--list", help="Only show the files and their sizes.")]


def download(
    name: Name,
    file: Files = None,
    only: Only = None,
    show: Show = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files.", show_default="data/NAME")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Download again and replace existing files.")
    ] = False,
    keep_zip: Annotated[
        bool, typer.Option("--keep-zip", help="Keep the zip file, next to the folder.")
    ] = False,
    timeout: Annotated[
        str, typer.Option(help="Time limit: 30m, 6h. The next call continues the download.")
    ] = TIMEOUT,
    json: Json = False,
) -> None:
    """Download the data of a competition from Kaggle.

    The data is checked and unpacked.
    """
    from comp.kaggle.download_request import download_request

    workspace = Workspace.at(Path.cwd())
    request = download_request(
        name,
        workspace,
        out=out,
        files=file or (),
        only=only or (),
        force=force,
        keep_zip=keep_zip,
    )
    if show:
        _show(request, seconds(timeout), json)
        return
    result = download_and_report(request, workspace, seconds(timeout), to_stderr=json)
    if json:
        print_json(asdict(result))


def _show(request: DownloadRequest, timeout_s: float, json: bool) -> None:
    """Show the files at Kaggle; with `json`, as one line of JSON."""
    from comp.kaggle.client.deadline import Deadline
    from comp.kaggle.download_chosen import list_request
    from comp.report.download import DownloadReporter

    if request.files or request.only:
        raise ConfigError("--list shows all files: leave out --file and --only")
    with DownloadReporter(to_stderr=json) as reporter:
        listing = list_request(request, Deadline(timeout_s), reporter)
        if not json:
            for line in listing.lines():
                reporter.note(line)
    if json:
        needed = {entry.name for entry in listing.needed}
        files = [asdict(entry) | {"needed": entry.name in needed} for entry in listing.entries]
        print_json({"name": request.name, "reference": str(request.reference), "files": files})


def download_and_report(
    download_request: DownloadRequest, workspace: Workspace, timeout_s: float, to_stderr: bool
) -> DownloadResult:
    """Download and show the progress and the result."""
    from comp.kaggle.client.deadline import Deadline
    from comp.kaggle.download_chosen import download_chosen
    from comp.report.download import DownloadReporter

    with DownloadReporter(to_stderr) as reporter:
        result = download_chosen(download_request, workspace.cache, Deadline(timeout_s), reporter)
        state = "downloaded" if result.fetched else "is up to date"
        received = f", {result.received / 1e6:,.1f} MB received" if result.fetched else ""
        reporter.note(
            f"{result.name} {state}: {result.files:,} files, {result.bytes / 1e6:,.1f} MB{received}"
        )
        reporter.note(f"data        {_short(result.place)}")
        if result.zip:
            reporter.note(f"zip         {_short(result.zip)}")
    return result


def _short(path: Path) -> Path:
    """The path relative to the working folder, if it is inside."""
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path
