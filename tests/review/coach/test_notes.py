"""Notes and alerts of real runs that were trained to show one fault each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from review_runs import ReviewRun, chances
from trained_runs import CASES, train

from comp.review.alerts.all_alerts import alerts_of
from comp.review.coach.notes import MOST, RULES, coach_notes

TRUTH = np.arange(120) % 2


@pytest.mark.parametrize(
    ("name", "begins", "ends", "must", "must_not"),
    [
        (
            *("overfitting", "Too little data for this network", "--set loader.cutmix=1.0"),
            *({"overfitting"}, {"still-improving", "class-never-predicted", "test-unlike-train"}),
        ),
        (
            *("too few steps", "Too few steps: in the last part", "--max-steps 48"),
            *({"still-improving"}, {"overfitting", "not-better-than-a-baseline"}),
        ),
        (
            *("imbalance", "Imbalance: marked, 13.3% of", "--set loader.sampler=balanced"),
            *({"class-never-predicted"}, {"overfitting", "still-improving", "test-unlike-train"}),
        ),
        (
            *("shift", "Test differs from train", "--set scheme=domain"),
            *({"test-unlike-train", "other-class-shares"}, {"overfitting", "still-improving"}),
        ),
    ],
)
def test_a_trained_run_shows_its_fault(
    name: str,
    begins: str,
    ends: str,
    must: set[str],
    must_not: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = train(CASES[name], tmp_path, monkeypatch)
    codes = {notice.code for notice in alerts_of(facts)}
    assert must <= codes
    assert not must_not & codes
    notes = [str(note) for note in coach_notes(facts)]
    assert len(notes) == 2
    assert notes[0].startswith(begins)
    assert notes[1].startswith(f"Try next: comp run toy --repeat {facts.run_id} ")
    assert notes[1].endswith(ends)


def test_a_good_run_has_no_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH))
    assert coach_notes(run.facts()) == []


def test_synthetic_data_has_one_note_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(1 - TRUTH), record={"synthetic": True})
    notes = [str(note) for note in coach_notes(run.facts())]
    assert notes == [
        "The data is synthetic, so the scores say nothing about the competition.",
        "Try next: comp download toy",
    ]


def test_at_most_five_sentences(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from comp.page.words import say
    from comp.review.coach import notes
    from comp.review.coach.note import Note

    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH))
    many = tuple(lambda _facts, n=n: Note(text=say("{n}", n=n), command=f"c{n}") for n in range(9))
    monkeypatch.setattr(notes, "RULES", many)
    found = [str(note) for note in coach_notes(run.facts())]
    assert found == ["0", "1", "2", "3", "Try next: c0"]
    assert len(found) == MOST
    assert len(RULES) >= MOST
