"""`comp blend`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from comp.cli.completion import complete_run
from comp.cli.options import Json, Runs, print_json
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

Method = Literal["weights", "mean", "greedy", "rank", "stack", "ridge", "logistic", "gbdt"]


def blend(
    run_ids: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN_ID",
            help="Finished runs over the same folds, or the starts of their ids.",
            autocompletion=complete_run,
        ),
    ],
    method: Annotated[
        Method,
        typer.Option(
            help="weights: least squared error; greedy: by the metric; rank: mean of ranks; stack: "
            "a model that learns from the predictions (ridge, logistic, gbdt).",
        ),
    ] = "weights",
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Blend runs into a new run.

    Its score is nested: the weights of a fold come from the other folds.
    """
    from comp.calls.blend import blend_and_report

    workspace = Workspace.at(Path.cwd(), runs)
    with stoppable():
        summary = blend_and_report(run_ids, workspace, method, to_stderr=json)
    if json:
        print_json(asdict(summary))
