"""`comp trust`: what it prints, and its JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from oof_runs import OofRuns

from comp.cli import main
from comp.contract.metrics import ACCURACY
from comp.contract.sample import Sample
from comp.submission.ledger import Ledger

IDS = [f"s{row}" for row in range(40)]


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """The exit code of `comp trust`."""
    monkeypatch.setattr(sys, "argv", ["comp", "trust", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code


def test_tables_sentences_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("comp.pipeline.trust.DRAWS", 20)
    samples = [Sample(id=name, target=float(row % 2)) for row, name in enumerate(IDS)]
    test = [Sample(id=f"t{row}") for row in range(30)]
    runs = OofRuns(tmp_path, monkeypatch, samples, test, classes=("no", "yes"), metric=ACCURACY)
    ledger = Ledger(runs.workspace.ledger)
    for name, few in (("a1", 6), ("b1", 9)):
        chances = {i: 0.9 if (row % 2) != (row < few) else 0.1 for row, i in enumerate(IDS)}
        runs.write(name, chances, {i: int(i[1:]) % 3 for i in IDS}, fit=False)
        ledger.append("intent", f"comp:{name}", "toy", run_id=name)
        ledger.append("scored", f"comp:{name}", "toy", public="0.8", private="")
    assert not call(monkeypatch, "toy", "--runs", str(tmp_path), "--share", "0.5", "--json")
    out, err = capsys.readouterr()
    record, words = json.loads(out), " ".join(err.split())
    assert record["public_samples"] == 15
    assert record["differences"][0]["real"] is False
    assert all(sentence in words for sentence in record["words"])
    assert "accuracy of toy (higher is better)" in words
    assert "+0.05000" in err  # 0.85 out of fold, 0.8 public
    assert call(monkeypatch, "toy", "--share", "30") == 2
    assert "--share 30.0 is not a share" in capsys.readouterr().err
