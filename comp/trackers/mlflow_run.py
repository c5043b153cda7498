"""A run in MLflow: on a tracking server, or in a file of SQLite beside the folder of runs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from comp.files import take_lock
from comp.streams import print_to_stderr
from comp.trackers.tracker import Start, Status

MOST_PARAMS = 100
"""Parameters that MLflow takes at once."""
LONGEST = 6000
"""Characters that MLflow takes of a parameter."""
STATUS: Mapping[Status, str] = {
    "finished": "FINISHED",
    "interrupted": "KILLED",
    "failed": "FAILED",
}


class MlflowRun:
    """Logs to a run of MLflow."""

    def __init__(self, start: Start, record: dict[str, Any]) -> None:
        uri = start.options["mlflow_uri"]
        self.where = uri or f"sqlite:///{start.workspace / 'mlflow.db'}"
        with take_lock(
            start.workspace / ".mlflow.lock", timeout_s=start.limit, warn=print_to_stderr
        ):
            self._client = MlflowClient(tracking_uri=self.where)  # makes the tables of a new file
            self.id = record.get("id") or self._new_run(start, own_store=not uri)
        self._client.update_run(self.id, status="RUNNING")
        self._moved = not uri and self._was_moved(start.workspace / "mlartifacts")
        if self._moved:
            self.where += " (without pictures and report, because the folder of runs was moved)"

    def _new_run(self, start: Start, own_store: bool) -> str:
        client, name = self._client, start.project
        experiment = client.get_experiment_by_name(name)
        place = (start.workspace / "mlartifacts" / name).as_uri() if own_store else None
        number = (
            experiment.experiment_id
            if experiment
            else client.create_experiment(name, artifact_location=place)
        )
        tags = {**start.facts, **dict.fromkeys(start.tags, "true"), "mlflow.source.name": "comp"}
        run_id = str(client.create_run(number, run_name=start.run_id, tags=tags).info.run_id)
        params = (Param(key, str(value)[:LONGEST]) for key, value in start.config.items())
        for part in _parts(params, MOST_PARAMS):
            client.log_batch(run_id, params=part)
        return run_id

    def metrics(self, series: str, step: int, values: Mapping[str, float]) -> None:
        """Log metrics named `<value>/<series>`."""
        self._log({f"{name}/{series}": value for name, value in values.items()}, step)

    def summary(self, values: Mapping[str, float]) -> None:
        """Log metrics at step 0."""
        self._log(values, 0)

    def notes(self, texts: Sequence[str]) -> None:
        """Make the notes the description of the run."""
        text = "\n".join(f"- {text}" for text in texts)
        self._client.log_batch(self.id, tags=[RunTag("mlflow.note.content", text[:LONGEST])])

    def picture(self, _name: str, path: Path) -> None:
        """Keep the picture as an artifact."""
        self._keep(path, "pictures")

    def file(self, _name: str, path: Path) -> None:
        """Keep the file as an artifact."""
        self._keep(path)

    def close(self, status: Status) -> None:
        """Set the state of the run."""
        self._client.set_terminated(self.id, STATUS[status])

    def _keep(self, path: Path, folder: str | None = None) -> None:
        if not self._moved:
            self._client.log_artifact(self.id, str(path), folder)

    def _was_moved(self, files: Path) -> bool:
        """Whether MLflow would write files to another folder: it keeps the absolute one in which
        the experiment began."""
        parts = urlsplit(self._client.get_run(self.id).info.artifact_uri)
        place = Path(url2pathname(parts.path))
        began = next((each for each in place.parents if each.name == files.name), files)
        return began.resolve() != files.resolve()

    def _log(self, values: Mapping[str, float], step: int) -> None:
        now = round(time.time() * 1000)
        listed = [Metric(name, value, now, step) for name, value in values.items()]
        self._client.log_batch(self.id, metrics=listed)


def _parts(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(values)
    while part := list(islice(iterator, size)):
        yield part
