"""`comp export`: what it prints, its JSON, and what it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import planted
import pytest

from comp.cli import main
from comp.pipeline.run_oof import RunOof


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunOof]:
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("export")
        yield planted.train_square(root, patch, planted.planted(), max_steps=2)


def call(run: RunOof, *words: str) -> object:
    """The exit code of `comp export`."""
    root = run.folder.path.parents[2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["comp", "export", run.run_id, *words, "--runs", str(root)])
        with pytest.raises(SystemExit) as stop:
            main()
    return stop.value.code


def test_words_and_json_and_a_second_time(
    run: RunOof, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "weights"
    words = ("--to", "safetensors", "--out", str(out))
    assert not call(run, *words, "--json")
    printed, said = capsys.readouterr()
    record = json.loads(printed)
    assert record["files"] == ["fold-0.safetensors", "fold-1.safetensors"]
    assert record["check"]["largest_difference"] == 0
    assert "equal to the run" in said
    assert call(run, *words) == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert not call(run, *words, "--force")
    assert "fold-1.safetensors" in capsys.readouterr().out


def test_an_option_of_another_format_is_refused(
    run: RunOof, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(run, "--to", "torchscript", "--int8") == 2
    assert "--int8 is for ONNX" in capsys.readouterr().err
