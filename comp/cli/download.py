"""`comp download`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.options import Json, print_json
from comp.cli.timeouts import seconds
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.kaggle.download import DownloadResult
    from comp.kaggle.download_request import DownloadRequest

TIMEOUT = "1h"


def download(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Competition, as 'comp list' names it, or competitions/SLUG or OWNER/SLUG.",
        ),
    ],
    file: Annotated[
        str | None, typer.Option(metavar="NAME", help="Fetch this one of its files alone.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files.", show_default="data/NAME")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Fetch anew, and replace files of the same names.")
    ] = False,
    keep_zip: Annotated[
        bool, typer.Option("--keep-zip", help="Keep Kaggle's zip too, beside the folder.")
    ] = False,
    timeout: Annotated[
        str, typer.Option(help="Give up the network after this long: 30m, 6h; what came is kept.")
    ] = TIMEOUT,
    json: Json = False,
) -> None:
    """Fetch a competition's data from Kaggle, check it and unpack it."""
    from comp.kaggle.download_request import download_request

    workspace = Workspace.at(Path.cwd())
    wanted = download_request(name, workspace, out=out, file=file, force=force, keep_zip=keep_zip)
    made = download_and_report(wanted, workspace, seconds(timeout), to_stderr=json)
    if json:
        print_json(asdict(made))


def download_and_report(
    download_request: DownloadRequest, workspace: Workspace, timeout_s: float, to_stderr: bool
) -> DownloadResult:
    """Download what is ordered, and show how it goes and what is there in the end."""
    from comp.kaggle.client.deadline import Deadline
    from comp.kaggle.download import download as fetch
    from comp.report.download import DownloadReporter

    with DownloadReporter(to_stderr) as reporter:
        made = fetch(download_request, workspace.cache, Deadline(timeout_s), reporter)
        state = "downloaded" if made.fetched else "there already, unchanged"
        came = f", {made.received / 1e6:,.1f} MB came from Kaggle" if made.fetched else ""
        reporter.note(
            f"{made.name} {state}: {made.files:,} files, {made.bytes / 1e6:,.1f} MB{came}"
        )
        reporter.note(f"data        {_short(made.place)}")
        if made.zip:
            reporter.note(f"zip         {_short(made.zip)}")
    return made


def _short(path: Path) -> Path:
    """A path as seen from the working folder, where it is in it."""
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path
