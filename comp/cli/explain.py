"""`comp explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.options import Device, Json, RunId, Runs, print_json
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.explanations.explained import Explained

Ids = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="IDS", help="Training or test samples.", show_default="the worst out of fold"
    ),
]
Count = Annotated[
    int | None,
    typer.Option("-n", "--count", min=1, help="Samples to choose without IDS.", show_default="12"),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="CLASS", help="Class, label or mask to explain.", show_default="what was decided"
    ),
]
Test = Annotated[bool, typer.Option("--test", help="The IDS are those of test samples.")]
Surest = Annotated[
    bool, typer.Option("--surest", help="Without IDS, the surest right samples of each class.")
]
Occlusion = Annotated[
    bool,
    typer.Option(
        "--occlusion/--no-occlusion",
        help="Check the maps by covering parts of the images: most of the time.",
    ),
]


def explain(
    run_id: RunId,
    ids: Ids = None,
    count: Count = None,
    target: Target = None,
    test: Test = False,
    surest: Surest = False,
    occlusion: Occlusion = True,
    runs: Runs = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Show which parts of images speak for a decision.

    Grad-CAM maps of the network that held each sample out, checked by occlusion and by random
    weights. The pictures are in the folder 'explain' of the run.
    """
    from comp.explanations.call import explain_run
    from comp.report.console import make_console
    from comp.report.libraries import quiet_libraries

    quiet_libraries()
    console = make_console(to_stderr=json)
    with stoppable(), console.status("reading the run") as status:
        found = explain_run(
            run_id,
            Workspace.at(Path.cwd(), runs),
            ids=ids,
            target=target,
            test=test,
            surest=surest,
            count=count,
            occlusion=occlusion,
            device=device,
            on_stage=status.update,
        )
    _show(found, json)


def _show(found: Explained, json: bool) -> None:
    from comp.explanations.files import record_of
    from comp.explanations.words import explained_parts
    from comp.report.console import make_console

    console = make_console(to_stderr=json)
    for part in explained_parts(found):
        console.print(part)
    console.print(f"pictures  {found.sheet}", soft_wrap=True)
    if json:
        print_json(record_of(found) | {"sheet": found.sheet})
