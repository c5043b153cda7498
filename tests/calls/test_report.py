"""`comp.write_report`."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import two_classes

from comp.calls.report import write_report
from comp.errors import ConfigError


def test_one_run_two_runs_or_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    runs.add("a1", predictions, folds)
    runs.add("b1", predictions, folds)
    out = tmp_path / "page.html"
    for names in ([], ["a"], ["a", "b"]):
        assert write_report(*names, out=out, runs=tmp_path, lang="ko") == out
        assert "a1" in out.read_text(encoding="utf-8")
        out.unlink()
    with pytest.raises(ConfigError, match="3 runs are given"):
        write_report("a", "b", "c")
