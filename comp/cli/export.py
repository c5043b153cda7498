"""`comp export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from comp.cli.options import Json, RunId, Runs, print_json
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

To = Annotated[
    Literal["onnx", "torchscript", "safetensors"],
    typer.Option("--to", help="Format of the files."),
]
Fold = Annotated[
    int | None,
    typer.Option(min=0, help="Only this fold.", show_default="all finished folds, averaged"),
]
Out = Annotated[
    Path | None, typer.Option(help="New folder to write.", show_default="exports/RUN_ID-FORMAT")
]
Int8 = Annotated[
    bool, typer.Option("--int8", help="Also write an int8 form, and measure its loss of score.")
]
Opset = Annotated[
    int | None,
    typer.Option(min=1, help="Version of ONNX's operators.", show_default="that of torch"),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier export.")]


def export(
    run_id: RunId,
    to: To = "onnx",
    fold: Fold = None,
    out: Out = None,
    int8: Int8 = False,
    opset: Opset = None,
    force: Force = False,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Write the networks of a run as ONNX or other files.

    The files are checked on real samples against the run. Beside them are README.md, a model
    card, and model.json, which describes inputs, outputs and decisions for programs.
    """
    from comp.export.call import write_to_folder
    from comp.report.console import make_console
    from comp.report.libraries import quiet_libraries

    quiet_libraries()
    console = make_console(to_stderr=json)
    with stoppable(), console.status("reading the run") as status:
        found = write_to_folder(
            run_id,
            Workspace.at(Path.cwd(), runs),
            to=to,
            fold=fold,
            out=out,
            int8=int8,
            opset=opset,
            force=force,
            on_stage=status.update,
        )
    for label, words in found.lines():
        console.print(f"{label:<16} {words}", soft_wrap=True, markup=False)
    if json:
        print_json(found.record())
