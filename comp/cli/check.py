"""`comp check`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.options import Data, Json, Name, Sample, Sets, print_json
from comp.cli.run import CommandInput
from comp.cli.stoppable import stoppable
from comp.config.schema import merge, parse_sets
from comp.contract import registry
from comp.workspace import Workspace


def check(
    name: Name,
    data: Data = None,
    sample: Sample = False,
    folds: Annotated[int | None, typer.Option(help="Folds.", show_default="5")] = None,
    set_: Sets = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Decode no image: look at lists, files and bytes only.")
    ] = False,
    json: Json = False,
) -> None:
    """Audit the data before training: bad images, labels, leaks. Exit 2 where errors are found."""
    given = merge(parse_sets(set_ or []), {} if folds is None else {"folds": folds})
    workspace = Workspace.at(Path.cwd())
    asked = CommandInput(registry.get(name), workspace, {}, given, data, sample, skip_bad=False)
    if not _check(asked, quick, json):
        raise typer.Exit(2)


def _check(asked: CommandInput, quick: bool, json: bool) -> bool:
    """Make the audit and show it; returns whether it found no error."""
    asked.settings(drawn=asked.synthetic)  # mistakes show before data is unpacked

    from comp.data.audit.audit import audit
    from comp.data.location import locate
    from comp.report.console import make_console
    from comp.report.findings import show_findings
    from comp.report.names import visible
    from comp.report.terminal import TerminalReporter

    console = make_console(to_stderr=json)
    with stoppable(), TerminalReporter(asked.competition.metric, to_stderr=json) as reporter:
        source = locate(asked.competition, asked.workspace, asked.data, asked.synthetic)
        if source.synthetic:
            reporter.note("sample data: what is found says nothing about the competition's own")
        settings = asked.settings(drawn=source.synthetic)
        made = audit(
            settings,
            source,
            quick=quick,
            on_image=reporter.reading,
            on_compared=partial(reporter.reading, doing="comparing"),
        )
    if json:
        print_json(made.values())
        return made.ok
    console.print(
        f"{made.train:,} training and {made.test:,} test samples, {made.images:,} images "
        f"{'hashed' if quick else 'decoded'} in {made.seconds:.1f} s; data in "
        f"{visible(str(made.data))}"
    )
    show_findings(made.findings, console)
    return made.ok
