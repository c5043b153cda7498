"""A run for the tests of trackers: its folder, what it reports, and where trackers keep it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from comp.config.schema import RunConfig, resolve
from comp.files import write_json
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent, Step
from comp.runs.results import FoldResult
from comp.trackers.tracker import Start
from competitions.cats_dogs import COMPETITION as CATS

RUN_ID = "20260102-030405-abcdef"
CARD = {
    "cv_score": 0.75,
    "mean": 0.76,
    "std": 0.01,
    "classes": [{"heading": "", "estimates": {"auc": {"value": 0.8, "low": 0.7, "high": 0.9}}}],
}


@dataclass
class Notes(Silent):
    """A reporter that keeps its notes."""

    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)


def tracked_run(workspace: Path, *trackers: str, **track: Any) -> tuple[RunConfig, RunFolder]:
    """A finished run in a workspace, with an example and a report, and its configuration."""
    layer = {"folds": 2, "track": {"to": list(trackers), **track}}
    config = resolve("cats-dogs", [layer], CATS.options)
    folder = RunFolder(workspace / "runs" / "cats-dogs" / RUN_ID)
    folder.path.mkdir(parents=True)
    folder.update_record(
        run_id=RUN_ID,
        competition="cats-dogs",
        device="cpu (1 threads)",
        config=config.model_dump(mode="json"),
    )
    write_json(folder.scores, CARD)
    cv2.imwrite(str(folder.path / "example.png"), np.zeros((4, 6, 3), np.uint8))
    (folder.path / "report.html").write_text("<p>report</p>")
    return config, folder


def start_for(folder: RunFolder, tracker: str, **options: Any) -> Start:
    """What a tracker gets to know of a run."""
    given = {"wandb_mode": "offline", "mlflow_uri": None, "tensorboard_folder": None}
    return Start(
        tracker=tracker,
        folder=str(folder.path),
        run_id=folder.run_id,
        competition="cats-dogs",
        project="cats-dogs",
        config={"epochs": 3, "backbone": "none", "optim.lr": 0.1},
        tags=["first"],
        facts={"run_id": folder.run_id},
        options={"limit": 60.0, **given, **options},
    )


def step(fold: int, number: int, part: str = "", steps: int = 20) -> Step:
    """The report of a step, with a loss that says which it is."""
    loss = 1 / number
    return Step(
        fold=fold,
        epoch=1,
        epochs=1,
        step=number,
        steps=steps,
        loss=loss,
        lr=0.1,
        rate=5.0,
        part=part,
    )


def fold_result(fold: int, score: float) -> FoldResult:
    """The result of a fold."""
    return FoldResult(
        fold=fold, score=score, loss=0.1, epoch=1, step=20, steps=20, planned=20,
        stopped_early=False, setup_s=1.0, fit_s=2.0, predict_s=3.0, validate_s=0.5,
        images_per_second=5.0, wait_share=0.1,
    )  # fmt: skip


def wandb_records(folder: RunFolder) -> Iterator[Any]:
    """The records that W&B wrote offline, of all its folders in order: a file in the format of
    LevelDB's log, after a header of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    for path in sorted(folder.path.glob("trackers/wandb/offline-run-*/*.wandb")):
        data, place, parts = path.read_bytes(), 7, b""
        while place + 7 <= len(data):
            if 32768 - place % 32768 < 7:
                place += 32768 - place % 32768
            _, length, kind = struct.unpack("<IHB", data[place : place + 7])
            parts += data[place + 7 : place + 7 + length]
            place += 7 + length
            if kind in (1, 4):
                yield Record.FromString(parts)
                parts = b""
