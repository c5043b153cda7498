"""All alerts together: their order, their pages, their commands, and runs of every kind."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from review_runs import ReviewRun, chances
from squares import image_runs, mask

from comp.review.alerts.alert import PAGE
from comp.review.alerts.all_alerts import ALERTS, alerts_of

ROOT = Path(__file__).parents[3]
TRUTH = np.arange(60) % 2


def test_every_code_has_a_heading_on_its_page() -> None:
    text = (ROOT / "docs" / PAGE).read_text(encoding="utf-8")
    headings = set(re.findall(r"^### `?([a-z-]+)`?$", text, re.M))
    assert {alert.code for alert in ALERTS} <= headings


def test_codes_differ() -> None:
    codes = [alert.code for alert in ALERTS]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", code) for code in codes)


def test_a_good_run_has_no_alert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH))
    assert alerts_of(run.facts()) == []


def test_the_worst_alert_is_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(1 - TRUTH))
    run.record(skipped={"x": "is empty"}, synthetic=True).config(optim={"lr": 1.0}, folds=3)
    found = alerts_of(run.facts())
    tones = [notice.tone for notice in found]
    assert tones == sorted(tones, key=("bad", "warning", "plain").index)
    assert [notice.code for notice in found] == [
        *("not-better-than-a-baseline", "images-left-out", "synthetic-data"),
    ]
    assert all(notice.page == f"report.md#{notice.code}" for notice in found)


@pytest.mark.parametrize("broken", ["not finite", "one fold", "unfinished", "one class", "one"])
def test_odd_runs_do_not_fail(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, found = TRUTH.copy(), chances(TRUTH)
    if broken == "not finite":
        found[3] = np.nan
    if broken == "one class":
        truth[:] = 1
    if broken == "one":
        truth, found = truth[:1], found[:1]
    folds = [0] * len(truth) if broken in ("one fold", "one") else None
    finished = broken not in ("unfinished", "not finite")
    run = ReviewRun(tmp_path, monkeypatch, truth, found, folds=folds, finished=finished)
    alerts_of(run.curves([[np.nan] * 3] * 3, [[1.0, np.nan, 3.0]] * 3).facts())


def test_a_run_without_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(1 - TRUTH))
    run.record(data_fingerprint="of other data")
    facts = run.facts()
    assert facts.oof is None
    assert alerts_of(facts) == []


@pytest.mark.parametrize("restores", [False, True])
def test_good_images_have_no_alert_and_useless_ones_have_one(
    restores: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = {"restores": restores, "predict": lambda index: 0.1 + 0.8 * mask(index)}
    good = image_runs(tmp_path / "good", monkeypatch, 24, **right)
    assert "not-better-than-a-baseline" not in [n.code for n in alerts_of(good)]
    bad = image_runs(
        tmp_path / "bad",
        monkeypatch,
        24,
        restores=restores,
        predict=lambda index: 0.9 - 0.8 * mask(index),
    )
    found = {notice.code: notice for notice in alerts_of(bad)}
    base = "the input unchanged" if restores else "an empty mask"
    assert base in str(found["not-better-than-a-baseline"].text)
