"""`comp compare`: what it prints, and its JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from oof_runs import OofRuns

from comp.cli import main
from comp.contract.metrics import ACCURACY
from comp.contract.sample import Sample


def test_a_table_a_sentence_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [f"s{row}" for row in range(40)]
    samples = [Sample(id=name, target=float(row % 2)) for row, name in enumerate(ids)]
    runs = OofRuns(tmp_path, monkeypatch, samples, classes=("no", "yes"), metric=ACCURACY)
    right = np.array([0.1 + 0.8 * (row % 2) for row in range(40)])
    wrong = np.where(np.arange(40) < 12, 1 - right, right)
    for name, chances in (("a1", wrong), ("b1", right)):
        runs.write(
            name, dict(zip(ids, chances, strict=True)), {i: int(i[1:]) % 3 for i in ids}, fit=False
        )
    monkeypatch.setattr(
        sys, "argv", ["comp", "compare", "a", "b", "--runs", str(tmp_path), "--json"]
    )
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    assert not stop.value.code
    record = json.loads(out)
    assert (record["better"], record["real"], record["n"]) == ("b1", True, 40)
    assert record["sides"]["only_second"] == ids[:12]
    assert record["words"] in " ".join(err.split())
    assert "wrong in A, right in B: 12 (s0, s1, s2, s3, s4, ...)" in err
    assert "accuracy (higher is better)" in err
