"""Tasks in processes: what they see and report, how they fail, stop and die."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path

import engine_tasks
import pytest

from comp.engines.engine import TaskDiedError, TaskTraceback
from comp.engines.processes import ProcessEngine
from comp.errors import RunError
from comp.signals import Stopped


@pytest.fixture(scope="module")
def engine() -> Iterator[ProcessEngine]:
    variables = [{"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": str(n)} for n in range(2)]
    with ProcessEngine(variables) as engine:
        yield engine


def until(condition: Callable[[], object], seconds: float = 600.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_tasks_share_the_processes_and_have_the_variables_of_their_slot(
    engine: ProcessEngine,
) -> None:
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    results = [f.result() for f in [engine.submit(engine_tasks.tell, n) for n in range(6)]]
    assert [result["value"] for result in results] == list(range(6))
    devices = {result["process"]: result["CUDA_VISIBLE_DEVICES"] for result in results}
    assert len(devices) <= 2
    assert set(devices.values()) <= {"0", "1"}
    for result in results:
        assert result["OMP_NUM_THREADS"] == "1"
        assert not result["torch"]
        assert result["folder"] == str(Path.cwd())
        assert result["path"] == sys.path
        assert result["process"] != os.getpid()
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == before
    events = engine.events()
    assert [text for n, text in events if n == 3] == ["begins", "ends"]
    assert len(events) == 12


def test_processes_import_what_the_tasks_need_before_the_first_one(tmp_path: Path) -> None:
    with ProcessEngine([{"FOLDER": str(tmp_path)}], "engine_warm"):
        until((tmp_path / "imported").exists, 120)


def test_ctrl_c_while_a_process_starts_leaves_it_alone() -> None:
    with ProcessEngine([{}]) as engine:
        for _ in range(10):
            os.kill(engine.process_ids()[0], signal.SIGINT)
            time.sleep(0.02)
        assert engine.submit(engine_tasks.tell, 1).result()["process"] == engine.process_ids()[0]


def test_a_module_that_cannot_be_imported_leaves_the_error_to_the_task() -> None:
    with ProcessEngine([{}], "engine_missing") as engine:
        assert engine.submit(engine_tasks.tell, 1).result()["value"] == 1


def test_exceptions_come_back_with_their_traceback(engine: ProcessEngine) -> None:
    with pytest.raises(RunError, match=r"^one line$"):
        engine.submit(engine_tasks.fail, "user").result()
    with pytest.raises(KeyError, match="missing") as caught:
        engine.submit(engine_tasks.fail, "bug").result()
    assert isinstance(caught.value.__cause__, TaskTraceback)
    assert "engine_tasks.py" in str(caught.value.__cause__)
    with pytest.raises(RuntimeError, match="StubbornError: ab"):
        engine.submit(engine_tasks.fail, "stubborn").result()


def test_a_dead_process_is_named_and_replaced(engine: ProcessEngine) -> None:
    with pytest.raises(TaskDiedError, match="killed by SIGKILL"):
        engine.submit(engine_tasks.fail, "die").result()
    futures = [engine.submit(engine_tasks.tell, n) for n in range(4)]
    assert [future.result()["value"] for future in futures] == [0, 1, 2, 3]


def test_stopped_tasks_save_their_state(tmp_path: Path) -> None:
    with ProcessEngine([{}]) as engine:
        running = engine.submit(engine_tasks.train, tmp_path)
        waiting = engine.submit(engine_tasks.train, tmp_path)
        until(lambda: engine.events() or running.done())
        engine.stop()
        wait([running, waiting])
        for future in (running, waiting):
            assert isinstance(future.exception(), Stopped)
    assert int((tmp_path / "saved").read_text()) >= 0


def test_a_second_stop_kills(tmp_path: Path) -> None:
    with ProcessEngine([{}]) as engine:
        hanging = engine.submit(engine_tasks.hang, tmp_path)
        until(lambda: engine.events() or hanging.done())
        engine.stop()
    assert isinstance(hanging.exception(), TaskDiedError)  # it would hang for ten minutes


@pytest.mark.parametrize("interrupted", [0, 1])
def test_a_signal_while_the_processes_end_leaves_none(
    monkeypatch: pytest.MonkeyPatch, interrupted: int
) -> None:
    """Python would wait for one at its exit, for ever."""
    engine = ProcessEngine([{}, {}]).__enter__()
    processes = [slot._process for slot in engine._slots]
    kill = engine._slots[interrupted].kill

    def kill_and_stop() -> None:
        kill()
        raise Stopped(signal.SIGINT)

    monkeypatch.setattr(engine._slots[interrupted], "kill", kill_and_stop)
    first = Stopped(signal.SIGINT)

    def stop() -> None:
        try:
            raise first
        finally:
            engine.__exit__()

    with pytest.raises(Stopped) as caught:
        stop()
    assert caught.value.__context__ is first  # it knows what is saved
    alive = [process.is_alive() for process in processes]
    for process in processes:
        process.kill()
    assert alive == [False, False]


def test_tasks_without_an_engine_save_their_state_and_end(tmp_path: Path) -> None:
    with ProcessEngine([{}]) as outer:
        task = outer.submit(engine_tasks.lead, tmp_path)
        until(lambda: outer.events() or task.done())
        os.kill(outer.process_ids()[0], signal.SIGKILL)
        with pytest.raises(TaskDiedError):
            task.result()
    until((tmp_path / "saved").is_file, 120)
