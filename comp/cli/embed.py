"""`comp embed`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from comp.cli.configuration import given_config
from comp.cli.options import (
    ConfigFile,
    Data,
    Device,
    Json,
    Name,
    Pretrained,
    Sample,
    Sets,
    SkipBad,
    Weights,
    print_json,
)
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.features.embedding_set import Embeddings
    from comp.pipeline.request import RunRequest

Splits = Literal["train", "test", "all"]


def embed(
    name: Name,
    split: Annotated[Splits, typer.Option(help="Samples to embed.")] = "train",
    neighbours: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Show the images that look most like this one."),
    ] = None,
    count: Annotated[int, typer.Option("-k", min=1, help="Number of neighbours.")] = 5,
    duplicates: Annotated[
        float | None,
        typer.Option(
            metavar="SIMILARITY",
            help="Show pairs of images, also of train and test, that are at least this similar, "
            "such as 0.95.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to write: .npz or .parquet.", show_default=False),
    ] = None,
    data: Data = None,
    sample: Sample = False,
    config: ConfigFile = None,
    set_: Sets = None,
    weights: Weights = None,
    pretrained: Pretrained = None,
    device: Device = None,
    skip_bad: SkipBad = False,
    json: Json = False,
) -> None:
    """Embed images, and find those that look alike."""
    from comp.contract import registry
    from comp.pipeline.request import RunRequest, user_keys

    _check_file(out)
    keys = given_config(config, set_)
    request = RunRequest(
        competition=registry.get(name),
        workspace=Workspace.at(Path.cwd()),
        keys=user_keys(keys, weights=weights, pretrained=pretrained, device=device),
        data=data,
        synthetic=sample,
        skip_bad=skip_bad,
    )
    found = _embed(request, "all" if duplicates is not None else split, to_stderr=json)
    part = found.of_split(split)
    values = _show(found, part, (neighbours, count, duplicates), to_stderr=json)
    if out:
        part.save(out)
    if json:
        print_json({"competition": name, "file": out} | values)


def _check_file(path: Path | None) -> None:
    from comp.features.embedding_set import check_suffix

    if path:
        check_suffix(path)


def _embed(request: RunRequest, split: Splits, to_stderr: bool) -> Embeddings:
    """The embeddings of a split, with the progress of computing them."""
    from comp.pipeline.embed import embed
    from comp.report.terminal import TerminalReporter

    metric = request.competition.metric
    with stoppable(), TerminalReporter(metric, to_stderr=to_stderr) as reporter:
        return embed(request, reporter, split=split)


def _show(
    found: Embeddings,
    part: Embeddings,
    wanted: tuple[str | None, int, float | None],
    to_stderr: bool,
) -> dict[str, Any]:
    """Print the number of embeddings, neighbours and duplicates; returns the fields for --json.

    Args:
        found: of all samples, if duplicates are wanted.
        part: of the split.
        wanted: id of the image whose neighbours are shown, their number, least similarity.
    """
    from comp.report.console import make_console
    from comp.report.embeddings import duplicates_table, neighbours_table

    console, (name, count, least) = make_console(to_stderr), wanted
    samples, width = part.values.shape
    console.print(f"{samples:,} embeddings of {width:,} numbers")
    values: dict[str, Any] = {"backbone": part.backbone, "samples": samples, "width": width}
    if name is not None:
        near, split = part.neighbours(name, count), part.split_of(name)
        console.print(neighbours_table(name, split, near))
        values["neighbours_of"] = {"id": name, "split": split}
        values["neighbours"] = [neighbour._asdict() for neighbour in near]
    if least is not None:
        pairs = found.duplicates(least)
        console.print(duplicates_table(pairs, least))
        values["duplicates"] = [pair._asdict() for pair in pairs]
    return values
