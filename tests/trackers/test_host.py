"""The process of a tracker, whose tracker is a list here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tracked_run import start_for, tracked_run

from comp.files import read_json
from comp.trackers import host
from comp.trackers.host import serve
from comp.trackers.tracker import Start


class Listing:
    """A tracker that lists what it gets, and fails where it is told to."""

    def __init__(self, fails: Sequence[int] = ()) -> None:
        self.id, self.where = "7", "nowhere"
        self.got: list[Any] = []
        self._fails, self._calls = set(fails), 0

    def _add(self, *call: Any) -> None:
        self._calls += 1
        if self._calls in self._fails:
            raise OSError("no answer\nat all")
        self.got.append(call)

    def metrics(self, series: str, step: int, values: Mapping[str, float]) -> None:
        self._add(series, step, dict(values))

    def summary(self, values: Mapping[str, float]) -> None:
        self._add(dict(values))

    def notes(self, texts: Sequence[str]) -> None:
        self._add(list(texts))

    def picture(self, name: str, path: Path) -> None:
        self._add("picture", name)

    def file(self, name: str, path: Path) -> None:
        self._add("file", name)

    def close(self, status: str) -> None:
        self._add(status)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return start_for(tracked_run(tmp_path, "mlflow")[1], "mlflow")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterable[list[float]]:
    now = [100.0]
    monkeypatch.setattr(host.time, "monotonic", lambda: now[0])
    return now


def served(
    start: Start,
    tracker: Any,
    monkeypatch: pytest.MonkeyPatch,
    messages: Sequence[Mapping[str, Any] | str],
) -> list[Mapping[str, Any]]:
    """What the process says about messages; texts are lines as they are."""

    def opened(_start: Start, record: dict[str, Any]) -> Any:
        if isinstance(tracker, Exception):
            raise tracker
        tracker.got.append(("open", record.get("id")))
        return tracker

    monkeypatch.setattr(host, "open_tracker", opened)
    said: list[Mapping[str, Any]] = []
    lines = [m if isinstance(m, str) else json.dumps({"n": n, **m}) for n, m in enumerate(messages)]
    serve([json.dumps(asdict(start)), *lines], said.append)
    return said


def point(step: int, series: str = "fold-0", **values: float) -> dict[str, Any]:
    values = values or {"loss": 0.5}
    mark = f"{series} {' '.join(values)}"
    return {"kind": "metrics", "series": series, "mark": mark, "step": step, "values": values}


END = {"kind": "end", "status": "finished"}


def test_messages_reach_the_tracker(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Listing()
    messages = [point(1), {"kind": "note", "text": "a"}, {"kind": "note", "text": "b"}, END]
    said = served(start, tracker, monkeypatch, messages)
    calls = [("open", None), ("fold-0", 1, {"loss": 0.5}), (["a"],), (["a", "b"],), ("finished",)]
    assert tracker.got == calls
    assert said == [{"where": "nowhere"}, *({"done": n} for n in range(4))]


def test_a_resumed_run_logs_nothing_twice(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It repeats the steps since its last checkpoint, its notes, results and files."""
    picture = {"kind": "picture", "name": "example", "path": f"{start.folder}/example.png"}
    summary = {"kind": "summary", "values": {"result/fold-0": 0.5}}
    note = {"kind": "note", "text": "a"}
    first = [point(1), point(5), point(5, score=0.5), summary, note, picture]
    served(start, Listing(), monkeypatch, [*first, {"kind": "end", "status": "interrupted"}])

    second, changed = Listing(), {"kind": "summary", "values": {"result/fold-0": 0.6}}
    again = [point(3), point(5), point(5, score=0.5), point(7), point(1, "fold-1")]
    served(start, second, monkeypatch, [*again, summary, note, picture, changed, END])
    assert second.got == [
        ("open", "7"),
        ("fold-0", 7, {"loss": 0.5}),
        ("fold-1", 1, {"loss": 0.5}),
        ({"result/fold-0": 0.6},),
        ("finished",),
    ]


def test_a_run_that_is_killed_ends_as_interrupted(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = Listing()
    served(start, tracker, monkeypatch, [point(1)])
    assert tracker.got[-1] == ("interrupted",)
    assert read_json(Path(start.folder) / "trackers" / "mlflow.json")["status"] == "interrupted"


def test_a_line_that_a_signal_cut_is_skipped(
    start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = Listing()
    served(start, tracker, monkeypatch, ['{"kind": "met', point(1), END])
    assert [call[0] for call in tracker.got] == ["open", "fold-0", "finished"]
    assert "skipped" in capsys.readouterr().err


def test_a_message_that_fails_is_tried_again(
    start: Start, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    """After some seconds, in which the others wait; nothing is lost."""
    tracker = Listing(fails=[1])
    said = served(start, tracker, monkeypatch, [point(1), point(2), point(3), END])
    assert said[1] == {"done": 0, "trouble": "OSError: no answer"}
    assert said[2:] == [{"done": 1}, {"done": 2}, {"done": 3}]
    assert [call[1] for call in tracker.got[1:-1]] == [1, 2, 3]


def test_a_message_that_always_fails_does_not_hold_up_the_others(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "RETRY_S", -1.0)
    tracker = Listing(fails=[1, 2, 3])
    said = served(start, tracker, monkeypatch, [*(point(n) for n in range(1, 5)), END])
    assert [call[1] for call in tracker.got[1:-1]] == [2, 3, 4]
    assert len([answer for answer in said if "trouble" in answer]) == 3
    assert read_json(Path(start.folder) / "trackers" / "mlflow.json")["lost"] == 1


def test_a_tracker_that_cannot_start_or_end_has_failed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Path(start.folder) / "trackers" / "mlflow.json"
    assert served(start, RuntimeError("no\nserver"), monkeypatch, [END]) == [
        {"failed": "RuntimeError: no"}
    ]
    assert not record.exists()
    said = served(start, Listing(fails=[1]), monkeypatch, [END])
    assert said[-1] == {"failed": "OSError: no answer"}
    assert read_json(record)["failed"] == "OSError: no answer"
    served(start, Listing(), monkeypatch, [END])
    assert "failed" not in read_json(record)
