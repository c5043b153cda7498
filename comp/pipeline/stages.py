"""stages.json of a fold: how each stage of its network trains, for the report."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from comp.errors import CompError
from comp.files import write_json
from comp.runs.progress import OnFreezingReport, StageReport

STAGES = "stages.json"


def recorded(folder: Path, show: OnFreezingReport, leads: bool = True) -> OnFreezingReport:
    """Show the stages of a network, and write them to the folder of its training. A file that
    cannot be written does not stop the training.

    Args:
        leads: whether this process writes the files of the run.
    """

    def report(fold: int, stages: Sequence[StageReport]) -> None:
        show(fold, stages)
        if leads and stages and folder.is_dir():
            with suppress(CompError, OSError):
                write_json(folder / STAGES, [asdict(stage) for stage in stages])

    return report
