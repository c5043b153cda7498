"""Bundles in Python, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from bundled import Bundled, bundled

import comp
from comp.bundle.call import bundle_and_report
from comp.errors import ConfigError

__all__ = ["bundled"]


def test_a_run_in_python(
    bundled: Callable[[str], Bundled], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = bundled("photos")
    run = comp.load_run(known.run_id, runs=known.workspace.out)
    words = {"runs": known.workspace.out, "quiet": True}
    folder = comp.write_bundle(run, out=tmp_path / "b", half=True, **words)
    assert folder == tmp_path / "b"
    assert (folder / "predict.py").is_file()
    assert capsys.readouterr().out == ""


def test_several_runs_are_blended_first(
    bundled: Callable[[str], Bundled],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = bundled("photos")
    given: list[object] = []

    def blend(names: object, *_: object) -> SimpleNamespace:
        given.append(names)
        return SimpleNamespace(run_id=known.run_id)

    monkeypatch.setattr("comp.calls.blend.blend_and_report", blend)
    comp.write_bundle(["a", "b"], out=tmp_path / "b", runs=known.workspace.out)
    assert given == [["a", "b"]]
    lines = capsys.readouterr().out
    assert "blending 2 runs, as 'comp blend' does" in lines
    assert "of which weights" in lines
    with pytest.raises(ConfigError, match="name the run"):
        bundle_and_report([], known.workspace, None, False, False)  # type: ignore[arg-type]
