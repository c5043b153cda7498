"""The link to the process of a tracker: nothing that the tracker does holds up the run."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from short_limits import FakeClock
from tracked_run import start_for, tracked_run

from comp.files import read_json
from comp.trackers import link as links
from comp.trackers.link import Link
from comp.trackers.tracker import Start

HANGS = "import time; print(flush=True, end=''); time.sleep(900)"
DIES = "import sys; sys.exit(3)"


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return start_for(tracked_run(tmp_path, "tensorboard")[1], "tensorboard", limit=600.0)


def in_place_of_a_tracker(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    popen = links.subprocess.Popen
    command = [sys.executable, "-c", code]
    monkeypatch.setattr(links.subprocess, "Popen", lambda _, **more: popen(command, **more))


def until_it_ends(link: Link) -> None:
    end = time.monotonic() + 600
    while link.running and time.monotonic() < end:
        link.pump()
        time.sleep(0.01)
    link.give_up()
    link.kill()


def test_it_says_where_the_run_is_and_ends(start: Start) -> None:
    notes: list[str] = []
    link = Link(start, notes.append)
    link.send("note", text="a")
    link.ask_to_end("finished")
    until_it_ends(link)
    assert notes == [f"tracked in tensorboard: tensorboard --logdir {start.run_folder.parent}"]
    assert link.finished
    assert not link.failed
    assert read_json(start.own_folder / "tensorboard.json")["status"] == "finished"


def test_a_tracker_that_hangs_is_told_once_and_killed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that is full does not hold up the run either."""
    in_place_of_a_tracker(monkeypatch, HANGS)
    notes: list[str] = []
    clock = FakeClock()
    monkeypatch.setattr(links, "time", clock)
    link = Link(Start(**{**vars(start), "options": {"limit": 0.3}}), notes.append)

    def send() -> None:
        for _ in range(100):
            link.send("note", text="x" * 10_000)

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    sending.join(120)
    assert not sending.is_alive()
    assert not link.failed
    assert notes == []
    clock.sleep(0.35)
    link.send("note", text="late")
    link.send("note", text="later")
    assert link.failed
    assert not link.running
    (note,) = notes
    assert note.startswith("tracker tensorboard: no answer for 0 s; the run goes on without it")
    link.ask_to_end("finished")
    link.give_up()
    assert len(notes) == 1


def test_a_tracker_that_dies_is_told_once(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    in_place_of_a_tracker(monkeypatch, DIES)
    notes: list[str] = []
    link = Link(start, notes.append)
    link.send("note", text="a")
    until_it_ends(link)
    link.send("note", text="b")
    (note,) = notes
    assert "its process ended with exit code 3; the run goes on without it" in note
    assert str(start.own_folder / "tensorboard.log") in note


def test_a_process_that_cannot_start_is_told(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    notes: list[str] = []
    link = Link(start, notes.append)
    link.send("note", text="a")
    link.give_up()
    link.kill()
    assert len(notes) == 1
    assert "cannot start: [Errno 2]" in notes[0]


def test_a_folder_that_cannot_be_written_fails_the_tracker_alone(start: Start) -> None:
    start.own_folder.write_text("in the way")
    notes: list[str] = []
    link = Link(start, notes.append)
    link.ask_to_end("finished")
    until_it_ends(link)
    assert len(notes) == 1
    assert "the run goes on without it" in notes[0]


def test_a_tracker_outlives_its_run_only_to_end(start: Start) -> None:
    """As after SIGKILL: the pipe is closed, and nobody asks it to end."""
    link = Link(start, lambda _: None)
    link.send("metrics", series="f", mark="f", step=1, values={"loss": 1.0})
    process = link._process
    assert process
    assert process.stdin
    process.stdin.close()
    assert process.wait(600) == 0
    assert read_json(start.own_folder / "tensorboard.json")["status"] == "interrupted"
    link.kill()


def test_ctrl_c_does_not_reach_the_tracker(start: Start) -> None:
    link = Link(start, lambda _: None)
    process = link._process
    assert process
    assert os.getpgid(process.pid) != os.getpgid(0)
    link.send("note", text="a")
    while not link._done:
        assert not link.failed
        link.pump()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    link.ask_to_end("interrupted")
    until_it_ends(link)
    assert link.finished


@pytest.mark.parametrize("code", [HANGS, DIES])
def test_a_tracker_that_failed_is_recorded_so_that_it_is_not_asked_again(
    start: Start, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    in_place_of_a_tracker(monkeypatch, code)
    link = Link(replace(start, options={**start.options, "limit": 0.2}), lambda _: None)
    link.send("note", text="a")
    until_it_ends(link)
    assert link.failed
    assert read_json(start.own_folder / "tensorboard.json")["failed"]
