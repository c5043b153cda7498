"""Checkpoints that a thread writes beside the training."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from comp.errors import DiskError
from comp.training import checkpoint_writer
from comp.training.checkpoint_writer import CheckpointWriter, copied
from comp.training.state import are_finite, read_checkpoint

STEPS = 100


class State:
    """A state of one layer, and best weights that no step changes."""

    accelerator = SimpleNamespace(device=torch.device("cpu"))

    def __init__(self) -> None:
        self.model = nn.BatchNorm1d(3)
        self.best = {"weight": torch.zeros(3)}

    def state_dict(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "meter": {"seconds": 1.0, "between": [0.5]},
            "best": {"state": self.best},
        }

    def is_finite(self) -> bool:
        return are_finite(list(self.model.parameters()))

    def step(self) -> None:
        """What a training step does: change the weights in place."""
        with torch.no_grad():
            self.model.weight += 1


def weight(path: Path) -> float:
    checkpoint = read_checkpoint(path)
    assert checkpoint
    return float(checkpoint.state["model"]["weight"][0])


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Writing stops in the middle of the file until the function that this yields is called."""
    free, save = threading.Event(), torch.save

    def slow(content: Any, stream: Any) -> None:
        stream.write(b"half")
        stream.flush()
        assert free.wait(600)
        stream.seek(0)
        save(content, stream)

    monkeypatch.setattr(checkpoint_writer.torch, "save", slow)
    yield free.set
    free.set()


def test_the_training_goes_on_while_its_state_is_written(
    tmp_path: Path, held: Callable[[], None]
) -> None:
    state, writer = State(), CheckpointWriter(tmp_path / "resume.pt", STEPS)
    writer.save(state, 1)
    state.step()
    held()
    writer.wait()
    assert weight(tmp_path / "resume.pt") == 1  # the state of step 1
    assert state.model.weight.detach()[0] == 2


def test_a_process_that_ends_during_a_save_leaves_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: Callable[[], None]
) -> None:
    path, state = tmp_path / "resume.pt", State()
    writer = CheckpointWriter(path, STEPS)
    held()
    writer.save(state, 1)
    writer.wait()
    whole = path.read_bytes()
    gone, looked = threading.Event(), threading.Event()  # as after a kill: nothing more happens

    def half(_content: Any, stream: Any) -> None:
        stream.write(whole[: len(whole) // 2])
        stream.flush()
        gone.set()
        assert looked.wait(600)
        raise OSError(5, "the process is gone")

    monkeypatch.setattr(checkpoint_writer.torch, "save", half)
    state.step()
    writer.save(state, 2)
    try:
        assert gone.wait(600)
        parts = list(tmp_path.glob(".resume.pt.*.part"))
        assert [part.stat().st_size for part in parts] == [len(whole) // 2]
        checkpoint = read_checkpoint(path)
        assert checkpoint
        assert (checkpoint.step, path.read_bytes()) == (1, whole)
    finally:
        looked.set()
    with pytest.raises(OSError, match="the process is gone"):
        writer.wait()


def test_a_second_save_waits_for_the_first(tmp_path: Path, held: Callable[[], None]) -> None:
    state, writer = State(), CheckpointWriter(tmp_path / "resume.pt", STEPS, every_s=0.0)
    writer.save(state, 1)
    assert not writer.due(2)  # one at a time
    threading.Timer(0.1, held).start()
    state.step()
    writer.save(state, 2)
    writer.wait()
    assert weight(tmp_path / "resume.pt") == 2


def test_the_block_ends_when_the_state_is_on_the_disk(
    tmp_path: Path, held: Callable[[], None]
) -> None:
    writer, before = CheckpointWriter(tmp_path / "resume.pt", STEPS), set(threading.enumerate())
    with pytest.raises(KeyError), writer.open():  # noqa: PT012
        writer.save(State(), 1)
        threading.Timer(0.1, held).start()
        raise KeyError("stop")
    assert weight(tmp_path / "resume.pt") == 1
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if "checkpoint" in thread.name]


def test_a_full_disk_is_told_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_writer.torch, "save", full)
    writer = CheckpointWriter(tmp_path / "resume.pt", STEPS)
    with pytest.raises(DiskError, match="make room"), writer.open():  # noqa: PT012
        writer.save(State(), 1)
        writer.save(State(), 2)
    with pytest.raises(DiskError, match="make room"), writer.open():
        writer.save(State(), 3)
    with pytest.raises(KeyError), writer.open():  # noqa: PT012  the error of the block
        writer.save(State(), 4)
        raise KeyError("other")


def test_the_interval_grows_with_the_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(checkpoint_writer.time, "monotonic", lambda: now[0])
    writer = CheckpointWriter(tmp_path / "resume.pt", STEPS, every_s=60.0)
    with writer.open():
        writer.save(State(), 1)
        writer.wait()
        now[0] += 60
        assert writer.due(2)  # a small state costs nothing
        writer.cost_s = 3.0  # 2 % of 150 s
        for after, due in ((60, False), (149, False), (151, True)):
            now[0] = 1000.0 + after
            assert (writer.due(2), writer.worth(last=False)) == (due, due), after
        now[0] = 1001.0
        assert writer.worth(last=True)


def test_an_interval_of_steps_stays(tmp_path: Path) -> None:
    writer = CheckpointWriter(tmp_path / "resume.pt", STEPS, every_steps=2)
    with writer.open():
        writer.save(State(), 2)
        writer.cost_s = 1000.0
        assert (writer.due(3), writer.due(4)) == (False, True)


def test_a_state_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    state, writer = State(), CheckpointWriter(tmp_path / "resume.pt", STEPS)
    with writer.open():
        writer.save(state, 1)
        with torch.no_grad():
            state.model.weight[1] = float("nan")
        writer.save(state, 2)
    checkpoint = read_checkpoint(tmp_path / "resume.pt")
    assert checkpoint
    assert checkpoint.step == 1


def test_a_copy_does_not_follow_and_keeps_types_and_versions() -> None:
    state = State()
    model, one = state.model.state_dict(), torch.ones(1)
    before: dict[str, Any] = {"model": model, "list": [one.clone()], "pair": (one.clone(),)}
    copy = copied(before)
    before["list"][0] += 1
    before["pair"][0].add_(1)
    state.step()
    assert [float(part[0]) for part in (*copy["list"], *copy["pair"])] == [1.0, 1.0]
    assert copy["model"]["weight"].tolist() == [1.0, 1.0, 1.0]
    assert [type(part) for part in copy.values()] == [type(part) for part in before.values()]
    assert copy["model"]._metadata == before["model"]._metadata
    strided = torch.ones(1, 2, 3, 3).contiguous(memory_format=torch.channels_last)
    assert copied(strided).stride() == strided.stride()


@pytest.mark.parametrize(
    ("values", "finite"),
    [
        ([1.0, -1.0], True),
        ([3e38, 3e38], True),  # the sum overflows
        ([float("inf"), float("-inf")], False),
        ([float("nan")], False),
    ],
)
def test_values_are_finite_though_their_sum_is_not(values: list[float], finite: bool) -> None:
    assert are_finite([torch.ones(2), torch.tensor(values)]) is finite
    assert are_finite([])


@pytest.mark.gpu
def test_a_copy_from_a_gpu_lies_in_pinned_memory() -> None:
    tensor = torch.ones(1_000_000, device="cuda")
    copy = copied({"a": tensor})["a"]
    tensor += 1
    torch.cuda.synchronize()
    assert copy.is_pinned()
    assert float(copy.sum()) == 1_000_000
