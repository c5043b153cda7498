"""`comp check`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.configuration import given_config
from comp.cli.options import Data, Json, Name, Sample, Sets, print_json
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.pipeline.request import RunRequest


def check(
    name: Name,
    data: Data = None,
    sample: Sample = False,
    folds: Annotated[int | None, typer.Option(help="Number of folds.", show_default="5")] = None,
    set_: Sets = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Check lists and files without decoding images.")
    ] = False,
    embeddings: Annotated[
        bool,
        typer.Option(
            "--embeddings",
            help="Compare train and test also by embeddings of pretrained weights on this machine.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Check the data before training.

    Finds bad images, bad labels, leaks, and differences of train and test. The exit code is 2 if
    there are errors.
    """
    from comp.contract import registry
    from comp.pipeline.request import RunRequest, user_keys

    request = RunRequest(
        competition=registry.get(name),
        workspace=Workspace.at(Path.cwd()),
        keys=user_keys(given_config(None, set_), folds=folds),
        data=data,
        synthetic=sample,
    )
    _check_embeddings(request, quick, embeddings)
    if not _check(request, quick, embeddings, json):
        raise typer.Exit(2)


def _check_embeddings(request: RunRequest, quick: bool, embeddings: bool) -> None:
    """Check that embeddings can be computed, before any data is read.

    Raises:
        ConfigError: they cannot.
    """
    if not embeddings:
        return
    from comp.errors import ConfigError
    from comp.pipeline.embedding_drift import check_at_hand

    if quick:
        raise ConfigError("--quick decodes no images, and --embeddings does: leave out one of them")
    check_at_hand(request.config(request.synthetic))


def _check(request: RunRequest, quick: bool, embeddings: bool, json: bool) -> bool:
    """Audit the data and show the findings; returns whether there are no errors."""
    request.check()

    from comp.data.audit.audit import audit
    from comp.data.audit.cached_files import with_cached_files
    from comp.data.external import open_external, read_external
    from comp.report.console import make_console
    from comp.report.escaping import escape_unprintable
    from comp.report.findings import note_errors, show_findings
    from comp.report.terminal import TerminalReporter

    console = make_console(to_stderr=json)
    with stoppable(), TerminalReporter(request.competition.metric, to_stderr=json) as reporter:
        source, config = request.load()
        files: list[Path] = []
        if source.synthetic:
            reporter.note("synthetic data: the findings say nothing about the real data")
        result = audit(
            config,
            source,
            quick=quick,
            external=read_external(
                request.competition, open_external(request.competition, config, request.workspace)
            ),
            on_image=reporter.images_decoded,
            on_compared=partial(reporter.images_decoded, doing="comparing"),
            on_errors=partial(note_errors, reporter.note),
            on_inspected=lambda found: files.extend(inspection.path for inspection in found),
        )
        if not quick:
            result = with_cached_files(result, files, request.workspace.images)
        if embeddings:
            from comp.pipeline.embedding_drift import with_embedding_drift

            result = with_embedding_drift(result, config, source, reporter)
    if json:
        print_json(result.values())
        return result.ok
    console.print(
        f"{result.train:,} training and {result.test:,} test samples, {result.images:,} images "
        f"{'compared' if quick else 'decoded'} in {result.seconds:.1f} s; data in "
        f"{escape_unprintable(str(result.data))}"
    )
    show_findings(result.findings, console)
    return result.ok
