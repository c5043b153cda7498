"""A run in Weights & Biases: on its server, or offline in the folder of the run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb

from comp.trackers.tracker import Start, Status

SYNC = "send it with 'wandb sync {}/wandb/offline-run-*'"


class WandbRun:
    """Logs to a run of W&B, which has the id of the run."""

    def __init__(self, start: Start, record: dict[str, Any]) -> None:
        self.id, self._record = str(record.get("id") or start.run_id), record
        mode, self._why = _mode(start, record)
        self._run = self._opened(start, mode)
        self._steps: set[str] = set()
        self.where = self._run.url or f"{self._why}: {SYNC.format(start.own_folder)}"
        if not self._run.url:
            record["offline"] = self._why

    def _opened(self, start: Start, mode: str) -> Any:
        """Open the run; offline if the server cannot be reached."""
        try:
            return self._init(start, mode)
        except wandb.errors.Error as error:
            if mode == "offline":
                raise
            self._why = _unreached(error)
            return self._init(start, "offline")

    def _init(self, start: Start, mode: str) -> Any:
        return wandb.init(
            project=start.project,
            id=self.id,
            name=start.run_id,
            mode=mode or None,  # type: ignore[arg-type]
            resume="allow" if mode != "offline" else None,
            dir=start.own_folder,
            config={**start.config, **start.facts},
            allow_val_change=True,
            tags=start.tags,
            settings=wandb.Settings(
                silent=True,
                console="off",
                disable_git=True,
                disable_code=True,
                disable_job_creation=True,
                x_disable_stats=True,
                init_timeout=start.limit / 2,
            ),
        )

    def metrics(self, series: str, step: int, values: Mapping[str, float]) -> None:
        """Log metrics named `<value>/<series>` against the steps of the series."""
        axis = f"step/{series}"
        for name in (f"{name}/{series}" for name in values):
            if name not in self._steps:
                self._run.define_metric(name, step_metric=axis)
                self._steps.add(name)
        self._log({axis: step, **{f"{name}/{series}": v for name, v in values.items()}})

    def summary(self, values: Mapping[str, float]) -> None:
        """Put results into the summary."""
        self._run.summary.update(dict(values))

    def notes(self, texts: Sequence[str]) -> None:
        """Make the notes those of the run."""
        self._run.notes = "\n".join(f"- {text}" for text in texts)

    def picture(self, name: str, path: Path) -> None:
        """Log a picture."""
        self._log({name: wandb.Image(str(path))})

    def file(self, name: str, path: Path) -> None:
        """Keep the file as an artifact."""
        artifact = wandb.Artifact(f"{name}-{self.id}", type=name)
        artifact.add_file(str(path))
        self._run.log_artifact(artifact)

    def close(self, status: Status) -> None:
        """Send what waits, and end W&B's own process."""
        self._run.finish(exit_code=0 if status == "finished" else 1)
        wandb.teardown()

    def _log(self, values: Mapping[str, Any]) -> None:
        """Log a row under a number of its own; offline a run that resumes would count from 0."""
        row = max(int(self._record.get("rows", 0)), self._run.step)
        self._run.log(dict(values), step=row)
        self._record["rows"] = row + 1


def _mode(start: Start, record: Mapping[str, Any]) -> tuple[str, str]:
    """The mode of W&B and, if it is offline, why; "" leaves it to WANDB_MODE. A run that began
    offline stays so: its files are sent in their order."""
    if start.options["wandb_mode"] == "offline" or record.get("offline"):
        return "offline", str(record.get("offline") or "offline")
    if os.environ.get("WANDB_MODE"):
        return "", f"WANDB_MODE={os.environ['WANDB_MODE']}"
    try:
        known = wandb.login()
    except wandb.errors.UsageError:
        known = False
    except wandb.errors.Error as error:
        return "offline", _unreached(error)
    return ("online", "") if known else ("offline", "offline, because there is no API key")


def _unreached(error: Exception) -> str:
    return f"offline, because {str(error).strip().splitlines()[0].rstrip('.')}"
