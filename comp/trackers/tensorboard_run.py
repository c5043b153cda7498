"""A run in TensorBoard: event files, written by TensorBoard's own package without TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from comp.trackers.tracker import Start, Status


class TensorBoardRun:
    """Writes the event files of a run; a run that resumes adds one to the same folder."""

    def __init__(self, start: Start, record: dict[str, Any]) -> None:
        folder = start.options["tensorboard_folder"]
        path = Path(folder) / start.run_id if folder else start.run_folder / "tensorboard"
        self.id = str(record.get("id") or path)
        self.where = f"tensorboard --logdir {Path(folder) if folder else start.run_folder.parent}"
        self._writer = EventFileWriter(self.id)
        if "id" not in record:
            self._add(hparams_pb(dict(start.config), trial_id=start.run_id))
            self._text("config", _table(start.config))
            self._text("run", _table({**start.facts, "tags": ", ".join(start.tags)}))
        self._writer.flush()

    def metrics(self, series: str, step: int, values: Mapping[str, float]) -> None:
        """Write scalars named `<value>/<series>`."""
        self._scalars({f"{name}/{series}": value for name, value in values.items()}, step)

    def summary(self, values: Mapping[str, float]) -> None:
        """Write scalars at step 0."""
        self._scalars(values, 0)

    def notes(self, texts: Sequence[str]) -> None:
        """Write the notes as a text; the step is their number."""
        self._text("notes", "\n".join(f"- {text}" for text in texts), len(texts))

    def picture(self, name: str, path: Path) -> None:
        """Write a PNG or JPEG file as it is."""
        from PIL import Image

        with Image.open(path) as opened:
            width, height = opened.size
        image = Summary.Image(
            height=height, width=width, colorspace=3, encoded_image_string=path.read_bytes()
        )
        self._add(Summary(value=[Summary.Value(tag=name, image=image)]))
        self._writer.flush()

    def file(self, name: str, path: Path) -> None:
        """Write where the file is: TensorBoard keeps no files."""
        self._text(name, f"`{path}`")
        self._writer.flush()

    def close(self, _status: Status) -> None:
        """Close the event file."""
        self._writer.close()

    def _scalars(self, values: Mapping[str, float], step: int) -> None:
        listed = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._add(Summary(value=listed), step)
        self._writer.flush()

    def _text(self, tag: str, text: str, step: int = 0) -> None:
        self._add(text_pb(tag, text), step)

    def _add(self, summary: Any, step: int = 0) -> None:
        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def _table(values: Mapping[str, Any]) -> str:
    """A table in Markdown."""
    rows = (
        f"| {key} | {str(value).replace('|', chr(92) + '|')} |" for key, value in values.items()
    )
    return "\n".join(["| key | value |", "|---|---|", *rows])
