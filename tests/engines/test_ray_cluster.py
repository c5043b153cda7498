"""Tasks on a Ray cluster of two nodes, which are started here. The last test kills one of them."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import ray_tasks
from ray_nodes import Nodes, ray_nodes

from comp.config.placement import Placement
from comp.engines.choose import Machine
from comp.engines.ray_cluster import RayEngine
from comp.errors import DataError
from comp.signals import Stopped

pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray, and its sockets


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes of one CPU each; what they fetch is in folders of their own."""
    with ray_nodes(tmp_path_factory.mktemp("head")) as started:
        started.add(tmp_path_factory.mktemp("node"))
        yield started


@pytest.fixture(scope="module")
def engine(nodes: Nodes) -> Iterator[RayEngine]:
    """An engine whose nodes see the disk."""
    with engine_on(nodes) as started:
        yield started


def engine_on(nodes: Nodes, node_data: str = "") -> RayEngine:
    placement = Placement(on=nodes.address, node_data=node_data)
    return RayEngine(placement, Machine(device="cpu"), 4)


def until(condition: Callable[[], Any], seconds: float = 600) -> Any:
    """Wait until a condition is true; returns its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise TimeoutError


def a_run(folder: Path) -> tuple[Path, Path]:
    """Data, and the folder of a run."""
    data, run = folder / "data", folder / "run"
    (data / "a").mkdir(parents=True)
    (data / "a" / "words.txt").write_text("words")
    (run / "reader").mkdir(parents=True)
    (run / "folds.csv").write_text("id,fold,group\n")
    return data, run


def test_tasks_run_on_both_nodes_and_report(engine: RayEngine, tmp_path: Path) -> None:
    assert engine.slots == 2
    meet = partial(engine.submit, ray_tasks.meet)
    first, second = (meet(number, 2, str(tmp_path)) for number in (1, 2))
    caches = {future.result(600)["COMP_NODE_CACHE"] for future in (first, second)}
    assert len(caches) == 2
    assert first.result()["OMP_NUM_THREADS"] == first.result()["COMP_CORES"] == "1"
    assert sorted(engine.events()) == [1, 2]


def test_an_error_is_that_of_the_task(engine: RayEngine) -> None:
    failed = engine.submit(ray_tasks.fail, DataError("no images: add some"))
    with pytest.raises(DataError, match=r"^no images: add some$") as caught:
        failed.result(600)
    assert "ray_tasks.py" in str(caught.value.__cause__)


def test_a_task_whose_process_is_killed_starts_again(engine: RayEngine, tmp_path: Path) -> None:
    data, run = a_run(tmp_path)
    counted = engine.submit(ray_tasks.count, data, run, 0, 6, tmp_path / "release")
    found = until(lambda: [e for e in engine.events() if e[0] == 3] or counted.done())
    assert not counted.done(), counted.result()
    _, process, _ = found[0]
    assert (run / "fold-0" / "resume.pt").is_file()  # on this disk, which the node shares
    os.kill(process, signal.SIGKILL)
    (tmp_path / "release").touch()
    processes = [int(line.split()[0]) for line in counted.result(600)]
    assert processes[:3] == [process] * 3
    assert len(set(processes[3:])) == 1
    assert processes[3] != process
    assert "its node or its process died" in engine.events()[-1][2]


def test_stop_ends_running_and_waiting_tasks(engine: RayEngine) -> None:
    running, *waiting = (engine.submit(ray_tasks.wait_for_stop) for _ in range(3))
    until(lambda: engine.events() or running.done())
    engine.stop()
    for future in (running, *waiting, engine.submit(ray_tasks.wait_for_stop)):
        assert isinstance(future.exception(600), Stopped)


def test_without_the_disk_a_fold_goes_on_where_its_node_died(nodes: Nodes, tmp_path: Path) -> None:
    data, run = a_run(tmp_path)
    with engine_on(nodes, "copy") as engine:
        counted = [
            engine.submit(ray_tasks.count, data, run, fold, 6, tmp_path / f"release-{fold}")
            for fold in (0, 1)
        ]
        events: list[Any] = []

        def both_are_at_half() -> bool:
            assert not [future.result() for future in counted if future.done()]
            events.extend(engine.events())
            return len([e for e in events if e[0] == 3]) == 2

        until(both_are_at_half)
        until(lambda: all((run / f"fold-{fold}" / "resume.pt").is_file() for fold in (0, 1)), 120)
        victim = nodes.kill_one_of({process for _, process, _ in events})
        for fold in (0, 1):
            (tmp_path / f"release-{fold}").touch()
        lines = [future.result(600) for future in counted]
    for fold, processes in enumerate([[int(line.split()[0]) for line in part] for part in lines]):
        assert [line.split()[1] for line in lines[fold]] == ["words"] * 6
        assert (processes[2] == victim) == (processes[2] != processes[3])
        assert [path.name for path in (run / f"fold-{fold}").iterdir()] == ["meta.json"]
    assert victim in {int(line.split()[0]) for part in lines for line in part}


@pytest.mark.slow
def test_a_run_on_nodes_without_the_disk_has_the_same_bytes(tmp_path: Path) -> None:
    from whole_run import tiny_run

    changes = {"max_steps": 200, "checkpoint_every": 5, "seed": 1}
    alone = tiny_run("cats-dogs", tmp_path / "alone", changes)
    with ray_nodes(tmp_path / "head") as nodes:
        nodes.add(tmp_path / "node")
        kill = threading.Thread(target=_kill_when, args=(nodes, tmp_path / "ray"))
        kill.start()
        placement = Placement(on=nodes.address, node_data="copy")
        on_ray = tiny_run("cats-dogs", tmp_path / "ray", changes, placement)
        kill.join()
    for file in alone.run_dir.rglob("*.safetensors"):
        assert (on_ray.run_dir / file.relative_to(alone.run_dir)).read_bytes() == file.read_bytes()
    assert on_ray.submission.read_bytes() == alone.submission.read_bytes()


def _kill_when(nodes: Nodes, root: Path) -> None:
    """Kill a node when both folds have a checkpoint."""
    until(lambda: len(list(root.glob("runs/*/*/fold-*/resume.pt"))) == 2)
    nodes.kill_one_of(nodes.tasks())
