"""`comp bundle`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from comp.cli.completion import complete_run
from comp.cli.options import Json, Runs, print_json
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

RunIds = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN_ID",
        help="Run, or the start of its id; several are blended first. With --rehearse also the "
        "folder of a bundle.",
        autocompletion=complete_run,
    ),
]
Folder = Annotated[
    Path | None, typer.Option(help="New folder to write.", show_default="bundles/RUN_ID")
]
Half = Annotated[bool, typer.Option("--half", help="Store the weights in half precision.")]
Wheels = Annotated[
    bool, typer.Option("--wheels", help="Take comp along, with the wheels that Kaggle lacks.")
]
Python = Annotated[str, typer.Option(help="Kaggle's version of Python, for --wheels.")]
Rehearse = Annotated[
    bool,
    typer.Option(
        "--rehearse/--no-rehearse",
        help="Run the bundle without a network, and compare its predictions.",
    ),
]
TestData = Annotated[
    Path | None,
    typer.Option(help="Data of the competition, for --rehearse.", show_default="the run's"),
]
Gpu = Annotated[
    Literal["none", "p100", "t4x2"],
    typer.Option("--gpu", help="GPU at Kaggle, for the time that --rehearse estimates."),
]
HiddenImages = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Images of the hidden test, for that time.",
        show_default="ten times the public test",
    ),
]
Factor = Annotated[
    float | None,
    typer.Option(help="How many times as long an image takes at Kaggle.", show_default="assumed"),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an older bundle.")]


def bundle(
    run_ids: RunIds,
    out: Folder = None,
    half: Half = False,
    wheels: Wheels = False,
    python: Python = "3.11",
    rehearse: Rehearse = False,
    data: TestData = None,
    gpu: Gpu = "t4x2",
    hidden_images: HiddenImages = None,
    factor: Factor = None,
    force: Force = False,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Make a folder that predicts on Kaggle without comp.

    It holds one program, the weights, and a manifest. Without internet, it finds the data of the
    competition and writes submission.csv.
    """
    from comp.bundle.build import BundleOptions
    from comp.bundle.call import bundle_and_report
    from comp.bundle.kaggle_time import MACHINES_OF
    from comp.bundle.scene import RehearsalSettings

    options = BundleOptions(out=out, half=half, wheels=wheels, python=python, force=force)
    settings = RehearsalSettings(
        data=data, machine=MACHINES_OF[gpu], hidden_images=hidden_images, factor=factor
    )
    with stoppable():
        made = bundle_and_report(
            run_ids, Workspace.at(Path.cwd(), runs), options, rehearse, json, settings=settings
        )
    if json:
        print_json(made.card())
