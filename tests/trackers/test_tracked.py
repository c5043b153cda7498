"""Runs with trackers: they end as runs without."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tracked_run import CARD, Notes, step, tracked_run

from comp.config.nesting import merge
from comp.config.schema import RunConfig, resolve
from comp.data.location import DataSource
from comp.files import read_json
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Step
from comp.signals import Stopped
from comp.trackers import tracked as module
from comp.trackers.tracked import scores_of, shown, tracked
from comp.training.ranks import ALONE
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING

ARRAYS = ("fold-0/model.safetensors", "fold-1/model.safetensors", "oof.safetensors")


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class StopsAt(Notes):
    """A reporter that stops the run at a step, as a signal does."""

    def step(self, step: Step) -> None:
        if step.fold == 1:
            raise Stopped(2)


def configured(tiny: RunConfig, *trackers: str) -> RunConfig:
    changes = {"max_steps": 4, "checkpoint_every": "1", "track": {"to": list(trackers)}}
    return resolve("denoising", [merge(tiny.model_dump(), changes)], DENOISING.options)


def scalars(folder: RunFolder, tag: str) -> list[int]:
    events = EventAccumulator(str(folder.path / "tensorboard"))
    events.Reload()
    return [event.step for event in events.Scalars(tag)]


@pytest.mark.usefixtures("one_thread")
def test_a_run_with_trackers_has_the_results_of_one_without(
    tiny: RunConfig, pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One tracker works, the other cannot start; the run is stopped in its second fold and goes on
    in the same run of the tracker."""
    source, notes = DataSource(pages, synthetic=False), StopsAt()
    plain = run(configured(tiny), source, Workspace.at(tmp_path, tmp_path / "plain"), Notes())
    monkeypatch.setenv("TRACKIO_DIR", "/proc/nowhere")
    config, workspace = configured(tiny, "tensorboard", "trackio"), Workspace.at(tmp_path)
    with pytest.raises(Stopped):
        run(config, source, workspace, notes)
    (place,) = workspace.runs("denoising").iterdir()
    folder = RunFolder(place)
    assert read_json(place / "trackers" / "tensorboard.json")["status"] == "interrupted"
    before = scalars(folder, "loss/fold-0")
    resumed = resume(folder, workspace, Notes(), given={"track": {"to": ["tensorboard"]}})

    (told,) = [note for note in notes.notes if "tracker trackio" in note]
    assert "the run goes on" in told
    for name in ARRAYS:
        assert (plain.run_dir / name).read_bytes() == (resumed.run_dir / name).read_bytes()
    assert plain.submission.read_bytes() == resumed.submission.read_bytes()
    assert scalars(folder, "loss/fold-0") == before
    assert scalars(folder, "loss/fold-1")[-1] == 4
    assert scalars(folder, "result/score") == [0]
    assert scalars(folder, "result/fold-0") == [0]
    assert read_json(place / "trackers" / "tensorboard.json")["status"] == "finished"


def test_no_process_and_no_file_without_a_tracker(tmp_path: Path) -> None:
    config, folder = tracked_run(tmp_path)
    notes = Notes()
    with tracked(config, folder, notes) as reporter:
        assert reporter is notes
    assert not (folder.path / "trackers").exists()
    assert "comp.trackers.tensorboard_run" not in sys.modules or "tensorboard" in sys.modules


def test_only_the_first_rank_tracks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, folder = tracked_run(tmp_path, "tensorboard")
    monkeypatch.setattr(module, "current_ranks", lambda: replace(ALONE, rank=1, size=2))
    notes = Notes()
    with tracked(config, folder, notes) as reporter:
        assert reporter is notes


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "interrupted"), (ValueError, "failed")]
)
def test_a_run_that_does_not_end_well_has_no_result(
    error: type[BaseException], status: str, tmp_path: Path
) -> None:
    config, folder = tracked_run(tmp_path, "tensorboard")

    @contextmanager
    def left() -> Iterator[None]:
        with tracked(config, folder, Notes()) as reporter:
            reporter.step(step(0, 5))
            yield

    with pytest.raises(error), left():
        raise error
    record = read_json(folder.path / "trackers" / "tensorboard.json")
    assert record["status"] == status
    assert "summary" not in record


def test_scores_have_their_intervals() -> None:
    table = {**CARD["classes"][0], "heading": "cat"}  # type: ignore[index]
    assert scores_of({**CARD, "classes": [*CARD["classes"], table]}) == {  # type: ignore[misc]
        "result/score": 0.75,
        "result/mean": 0.76,
        "result/std": 0.01,
        "result/auc": 0.8,
        "result/auc_low": 0.7,
        "result/auc_high": 0.9,
        "result/cat/auc": 0.8,
        "result/cat/auc_low": 0.7,
        "result/cat/auc_high": 0.9,
    }


def test_a_configuration_is_flat() -> None:
    config = {"a": {"b": 1, "c": None, "d": [1, 2]}, "e": True, "f": {}}
    assert shown(config) == {"a.b": 1, "a.c": "none", "a.d": "[1, 2]", "e": True, "f": "{}"}
