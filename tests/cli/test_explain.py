"""`comp explain`: what it prints and writes, its JSON, hostile ids, and its refusals."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import planted
import pytest

from comp.cli import main
from comp.contract.sample import Sample, Split
from comp.pipeline.run_oof import RunOof

HOSTILE = "<script>\n[red]\u202e'\"/../x"


def hostile_samples(root: Path, split: Split) -> list[Sample]:
    """The planted samples; one of them has an id that wants to do harm."""
    found = list(planted.samples(root, split))
    return [replace(s, id=HOSTILE) if s.id == "t01-1" and split == "train" else s for s in found]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunOof]:
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("explain")
        competition = planted.planted(samples=hostile_samples)
        yield planted.train_square(root, patch, competition, max_steps=4)


def call(run: RunOof, *words: str) -> object:
    """The exit code of `comp explain`."""
    root = run.folder.path.parents[2]
    with pytest.MonkeyPatch.context() as patch:
        line = ["comp", "explain", run.run_id, *words, "--runs", str(root)]
        patch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as stop:
            main()
    return stop.value.code


def test_the_worst_samples_pictures_and_json(
    run: RunOof, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not call(run, "-n", "3", "--json")
    out, err = capsys.readouterr()
    record, words = json.loads(out), " ".join(err.split())
    assert len(record["samples"]) == 3
    assert record["grid"] == [8, 8]
    assert {one["split"] for one in record["samples"]} == {"train"}
    assert "Grad-CAM, 8 x 8 cells (layer features)" in words
    assert "sanity test " in words
    assert "Grad-CAM and occlusion " in words
    picture = cv2.imread(record["sheet"])
    assert picture is not None
    assert picture.shape[1] > 1000  # two samples of three pictures beside each other
    assert sorted(path.name for path in (run.folder.path / "explain").iterdir()) == [
        "explain.json",
        "sheet.png",
    ]


def test_a_hostile_id_is_shown_and_does_nothing(
    run: RunOof, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not call(run, HOSTILE, "--no-occlusion", "--json")
    out, err = capsys.readouterr()
    assert [one["id"] for one in json.loads(out)["samples"]] == [HOSTILE]
    assert "\\n[red]" in err
    assert "<script>\n" not in err
    assert "\u202e" not in err
    assert "occlusion" not in err
    assert len(list((run.folder.path / "explain").iterdir())) == 2


def test_an_id_of_both_splits_is_that_of_the_training_sample(
    run: RunOof, capsys: pytest.CaptureFixture[str]
) -> None:
    splits = []
    for words in ([], ["--test"]):
        assert not call(run, "t03-1", *words, "--no-occlusion", "--json")
        record = json.loads(capsys.readouterr()[0])
        splits.append(record["samples"][0]["split"])
        assert ("--test explains it" in record["notes"][0]) == (not words)
    assert splits == ["train", "test"]


def test_the_surest_samples_of_each_class(run: RunOof, capsys: pytest.CaptureFixture[str]) -> None:
    assert not call(run, "--surest", "-n", "4", "--no-occlusion", "--json")
    found = json.loads(capsys.readouterr()[0])["samples"]
    assert 0 < len(found) <= 4
    assert all(one["truth"] == one["target"] for one in found)
    assert all(one["probability"] >= 0.5 for one in found)


def test_refusals(run: RunOof, capsys: pytest.CaptureFixture[str]) -> None:
    cases = {
        ("nobody",): "no sample 'nobody' among the 52",
        ("--target", "plan"): "no target 'plan': did you mean 'plain'",
        ("--test",): "give the ids of test samples",
        ("t00-0", "--surest"): "surest chooses samples, and 1 ids are given",
        ("t00-0", "-n", "2"): "count = 2 chooses samples, and 1 ids are given",
        ("t00-0", "--device", "cuda:99"): "no device 'cuda:99'",
    }
    for words, message in cases.items():
        assert call(run, *words) == 2, words
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
