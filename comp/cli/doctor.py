"""`comp doctor`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.options import Json, print_json
from comp.workspace import Workspace


def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help="Connect to neither the model hub nor Kaggle.")
    ] = False,
    json: Json = False,
) -> None:
    """Find problems of this machine and how to fix them.

    The exit code is 2 if there are problems.
    """
    from comp.doctor.examination import examine
    from comp.doctor.terminal import DoctorReporter
    from comp.runs.folder import environment

    checks = []
    with DoctorReporter(to_stderr=json) as reporter:
        for check in examine(Workspace.at(Path.cwd()), offline, reporter.check_started):
            checks.append(check)
            reporter.show(check)
        problems = sum(check.state == "problem" for check in checks)
        notes = sum(check.state == "note" for check in checks)
        reporter.end(problems, notes)
    if json:
        values = {"checks": [asdict(check) for check in checks], "problems": problems}
        print_json(values | {"notes": notes, "environment": environment()})
    if problems:
        raise typer.Exit(2)
