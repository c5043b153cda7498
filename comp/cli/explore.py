"""`comp explore`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from comp.cli.configuration import given_config
from comp.cli.opening import open_page
from comp.cli.options import (
    ConfigFile,
    Data,
    Device,
    Json,
    Name,
    Pretrained,
    Sample,
    Sets,
    Weights,
    print_json,
)
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.exploration.call import Choices
    from comp.exploration.exploration import Exploration
    from comp.pipeline.request import RunRequest


def explore(
    name: Name,
    clusters: Annotated[
        int | None,
        typer.Option(metavar="K", help="Clusters of K-means, from 2.", show_default="2 and 8"),
    ] = None,
    neighbours: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Show the samples that are most like this one."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="HTML file to write.", show_default="explorations/NAME.html"
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    lang: Annotated[Literal["en", "ko"], typer.Option(help="Language of the page.")] = "en",
    data: Data = None,
    sample: Sample = False,
    config: ConfigFile = None,
    set_: Sets = None,
    weights: Weights = None,
    pretrained: Pretrained = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Look at data before any training, on one page.

    Classes, sizes, brightness, copies, clusters and a map of the samples, on one HTML page that
    needs no network. Images are compared by embeddings if pretrained weights are on this machine.
    """
    from comp.contract import registry
    from comp.exploration.call import Choices
    from comp.pipeline.request import RunRequest, user_keys

    choices = Choices(clusters=clusters, neighbours=neighbours, out=out, language=lang)
    choices.check()
    keys = given_config(config, set_)
    request = RunRequest(
        competition=registry.get(name),
        workspace=Workspace.at(Path.cwd()),
        keys=user_keys(keys, weights=weights, pretrained=pretrained, device=device),
        data=data,
        synthetic=sample,
    )
    found, path = _look(request, choices, to_stderr=json)
    if json:
        print_json({"page": str(path)} | found.values())
    if open_:
        open_page(path, partial(typer.echo, err=True))


def _look(request: RunRequest, choices: Choices, to_stderr: bool) -> tuple[Exploration, Path]:
    from comp.exploration.call import look
    from comp.exploration.terminal import show_exploration
    from comp.report.console import make_console
    from comp.report.terminal import TerminalReporter

    metric = request.competition.metric
    with stoppable(), TerminalReporter(metric, to_stderr=to_stderr) as reporter:
        found, path = look(request, choices, reporter)
    show_exploration(found, path, make_console(to_stderr))
    return found, path
