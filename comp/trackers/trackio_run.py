"""A run in Trackio: in its local database, or where its environment variables say."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import trackio

from comp.trackers.environment import TRACKIO_REMOTE
from comp.trackers.tracker import Start, Status


class TrackioRun:
    """Logs to a run of Trackio; the name of the run is the id.

    Trackio only warns of what it cannot write, so its warnings are errors here.
    """

    def __init__(self, start: Start, record: dict[str, Any]) -> None:
        self.id = str(record.get("id") or start.run_id)
        remote = next((os.environ[name] for name in TRACKIO_REMOTE if os.environ.get(name)), "")
        self.where = remote or f"trackio show --project {start.project!r}"
        self._warnings = warnings.catch_warnings(record=True).__enter__()
        warnings.simplefilter("always", UserWarning)
        trackio.init(
            start.project,
            name=self.id,
            resume="allow",
            config={**start.config, **start.facts, "tags": ", ".join(start.tags)},
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        self._raise_warnings()

    def metrics(self, series: str, step: int, values: Mapping[str, float]) -> None:
        """Log metrics named `<value>/<series>`."""
        self._log({f"{name}/{series}": value for name, value in values.items()}, step)

    def summary(self, values: Mapping[str, float]) -> None:
        """Log metrics at step 0."""
        self._log(dict(values), 0)

    def notes(self, texts: Sequence[str]) -> None:
        """Log the notes as Markdown; the step is their number."""
        text = "\n".join(f"- {text}" for text in texts)
        self._log({"notes": trackio.Markdown(text)}, len(texts))

    def picture(self, name: str, path: Path) -> None:
        """Log a picture."""
        self._log({name: trackio.Image(str(path))}, 0)

    def file(self, name: str, path: Path) -> None:
        """Keep the file as an artifact."""
        trackio.log_artifact(str(path), name=f"{name}-{self.id}", type=name)
        self._raise_warnings()

    def close(self, _status: Status) -> None:
        """Write what waits."""
        trackio.finish()
        self._raise_warnings()

    def _log(self, values: dict[str, Any], step: int) -> None:
        trackio.log(values, step=step)
        self._raise_warnings()

    def _raise_warnings(self) -> None:
        """Raise what Trackio warned of since the last call, also in its thread."""
        texts = [str(each.message) for each in self._warnings if each.category is UserWarning]
        self._warnings.clear()
        if texts:
            raise OSError(texts[0])
