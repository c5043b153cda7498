"""What trackers get of what a run reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tracked_run import Notes, fold_result, step

from comp.trackers.reporter import TrackedReporter


@dataclass
class FakeLink:
    sent: list[dict[str, Any]] = field(default_factory=list)
    pumped: int = 0

    def send(self, kind: str, **values: Any) -> None:
        self.sent.append({"kind": kind, **values})

    def pump(self) -> None:
        self.pumped += 1


@pytest.fixture
def link() -> FakeLink:
    return FakeLink()


@pytest.fixture
def reporter(link: FakeLink) -> TrackedReporter:
    return TrackedReporter(Notes(), [link], folds=3)  # type: ignore[list-item]


def points(link: FakeLink, value: str) -> list[tuple[str, int]]:
    return [
        (m["series"], m["step"])
        for m in link.sent
        if m["kind"] == "metrics" and value in m["values"]
    ]


def test_steps_and_scores_of_each_fold_are_a_series(
    reporter: TrackedReporter, link: FakeLink
) -> None:
    reporter.step(step(0, 10))
    reporter.validated(0, 10, 0.5)
    reporter.step(step(1, 10))
    assert points(link, "loss") == [("fold-0", 10), ("fold-1", 10)]
    assert points(link, "score") == [("fold-0", 10)]
    assert link.sent[0]["values"] == {"loss": 0.1, "lr": 0.1, "samples_per_second": 5.0}


def test_a_long_training_sends_few_points_and_its_last(
    reporter: TrackedReporter, link: FakeLink
) -> None:
    for number in range(1, 10_001):
        reporter.step(step(0, number, steps=10_000))
    sent = points(link, "loss")
    assert len(sent) == 501
    assert sent[-1] == ("fold-0", 10_000)
    assert link.pumped == 10_000 - 501


def test_seeds_and_networks_are_series_of_their_own(
    reporter: TrackedReporter, link: FakeLink
) -> None:
    """One after another: the steps of a seed follow those of the seed before, its validations
    count from its own start."""
    reporter.step(step(0, 10, "seed 1 of 2"))
    reporter.validated(0, 10, 0.5)
    reporter.step(step(0, 20, "seed 2 of 2"))
    reporter.validated(0, 10, 0.6)
    reporter.step(step(1, 20, "tabm"))
    first, second = "fold-0-seed-1-of-2", "fold-0-seed-2-of-2"
    assert points(link, "loss") == [(first, 10), (second, 20), ("fold-1-tabm", 20)]
    assert points(link, "score") == [(first, 10), (second, 20)]


def test_a_validation_belongs_to_the_training_that_made_its_step(
    reporter: TrackedReporter, link: FakeLink
) -> None:
    """Two seeds at the same time."""
    reporter._jobs = 2
    reporter.step(step(0, 10, "seed 1 of 2"))
    reporter.step(step(0, 8, "seed 2 of 2"))
    reporter.validated(0, 10, 0.5)
    assert points(link, "score") == [("fold-0-seed-1-of-2", 10)]


def test_the_full_model_has_a_name_and_no_score(reporter: TrackedReporter, link: FakeLink) -> None:
    reporter.step(step(3, 10, "full model"))
    reporter.validated(3, 10, 0.0)
    assert points(link, "loss") == [("full", 10)]
    assert points(link, "score") == []


def test_numbers_that_are_not_finite_are_left_out(
    reporter: TrackedReporter, link: FakeLink
) -> None:
    reporter.step(step(0, 10))
    reporter.validated(0, 10, float("nan"))
    assert points(link, "score") == []


def test_notes_and_results_are_sent(reporter: TrackedReporter, link: FakeLink) -> None:
    reporter.note("a note")
    reporter.fold_done(fold_result(1, 0.5), Path("x.csv"))
    assert link.sent[0] == {"kind": "note", "text": "a note"}
    assert link.sent[1]["values"]["result/fold-1"] == 0.5
