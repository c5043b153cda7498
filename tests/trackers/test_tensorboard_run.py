"""TensorBoard, whose event files are read back with its own reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tracked_run import start_for, tracked_run

from comp.trackers.tensorboard_run import TensorBoardRun


def read(folder: str | Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0, "images": 0})
    events.Reload()
    return events


def text(events: EventAccumulator, tag: str) -> str:
    return str(events.Tensors(tag)[-1].tensor_proto.string_val[0], "utf-8")


def test_a_run_that_resumes_goes_on_in_the_same_folder(tmp_path: Path) -> None:
    _, folder = tracked_run(tmp_path, "tensorboard")
    start = start_for(folder, "tensorboard")
    first = TensorBoardRun(start, {})
    first.metrics("fold-0", 5, {"loss": 0.5, "lr": 0.1})
    first.notes(["a", "b"])
    first.close("interrupted")
    second = TensorBoardRun(start, {"id": first.id})
    second.metrics("fold-0", 9, {"loss": 0.25, "lr": 0.1})
    second.summary({"result/score": 0.75})
    second.picture("example", folder.path / "example.png")
    second.file("report", folder.path / "report.html")
    second.close("finished")

    events = read(folder.path / "tensorboard")
    assert [(e.step, e.value) for e in events.Scalars("loss/fold-0")] == [(5, 0.5), (9, 0.25)]
    assert events.Scalars("result/score")[0].value == 0.75
    assert (events.Images("example")[0].width, events.Images("example")[0].height) == (6, 4)
    assert text(events, "notes") == "- a\n- b"
    assert "| optim.lr | 0.1 |" in text(events, "config")
    assert "| tags | first |" in text(events, "run")
    assert "report.html" in text(events, "report")
    assert "_hparams_/session_start_info" in events.Tags()["tensors"]
    assert len(events.Tensors("config")) == 1


@pytest.mark.parametrize("given", [False, True])
def test_each_run_has_a_folder(given: bool, tmp_path: Path) -> None:
    _, folder = tracked_run(tmp_path, "tensorboard")
    boards = str(tmp_path / "boards") if given else None
    run = TensorBoardRun(start_for(folder, "tensorboard", tensorboard_folder=boards), {})
    run.close("finished")
    place = tmp_path / "boards" / folder.run_id if given else folder.path / "tensorboard"
    assert list(place.glob("events*"))
    assert (
        run.where == f"tensorboard --logdir {tmp_path / 'boards' if given else folder.path.parent}"
    )
