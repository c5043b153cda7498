"""`comp suspects`: what it prints and writes, and its JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from oof_runs import OofRuns

from comp.cli import main
from comp.contract.metrics import ACCURACY
from comp.contract.sample import Sample

IDS = [f"s{row}" for row in range(40)]


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """The exit code of `comp suspects`."""
    monkeypatch.setattr(sys, "argv", ["comp", "suspects", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code


def test_tables_files_the_next_command_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = [Sample(id=name, target=float(row % 2)) for row, name in enumerate(IDS)]
    runs = OofRuns(tmp_path, monkeypatch, samples, classes=("no", "yes"), metric=ACCURACY)
    chances = {name: 0.9 if row % 2 or row == 4 else 0.2 for row, name in enumerate(IDS)}
    runs.write("a1", chances, {i: int(i[1:]) % 3 for i in IDS}, fit=False)
    assert not call(monkeypatch, "a", "--runs", str(tmp_path), "--json")
    out, err = capsys.readouterr()
    record, words = json.loads(out), " ".join(err.split())
    assert [one["id"] for one in record["suspects"]] == ["s4"]
    table = tmp_path / "runs" / "toy" / "a1" / "suspects.csv"
    assert record["table"] == str(table)
    assert "s4,,no,yes" in table.read_text()
    assert record["sheet"] is None
    command = f"comp run toy --repeat a1 --set drop={table} --out {tmp_path}"
    assert record["next"] == command
    assert command in err.replace("\n", "")
    assert "1 of 40 labels are estimated to be wrong (2.5%)" in words
    assert call(monkeypatch, "a", "--runs", str(tmp_path), "--out", "x.png") == 2
    assert "--out x.png is not a CSV file" in capsys.readouterr().err
