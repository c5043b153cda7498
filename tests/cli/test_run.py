"""Whole runs as a user starts them: real processes, what they print and what they leave."""

from __future__ import annotations

import csv
import json
import os
import pty
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import forked_comp
import inline_comp
import numpy as np
import pytest

from comp.cli import main
from comp.config.parsing import parse_sets
from comp.config.schema import resolve
from comp.pipeline.request import RunRequest
from competitions.denoising import COMPETITION as DENOISING
from competitions.denoising import Options

TINY = (
    *("--max-steps", "2", "--folds", "2", "--device", "cpu"),
    *("--set", "loader.batch_size=2", "--set", "options.crop=32"),
    *("--set", 'predict.tta="none"', "--set", "validations=1"),
    *("--set", "report.explain=0"),
)
KEYS = {
    *("run_id", "run_dir", "competition", "metric", "direction", "cv_score", "fold_scores"),
    *("submission", "n_rows", "seconds", "synthetic"),
}


@dataclass(frozen=True)
class Done:
    """A finished command: its working folder and what came out."""

    here: Path
    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        return dict(json.loads(self.out))


def comp(here: Path, *args: str) -> Done:
    done = inline_comp.run(*args, cwd=here)
    return Done(here, done.returncode, done.stdout, done.stderr)


def comp_in_new_python(here: Path, *args: str) -> Done:
    done = subprocess.run(
        [sys.executable, "-m", "comp", *args],
        cwd=here,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return Done(here, done.returncode, done.stdout, done.stderr)


def comp_on_terminal(here: Path, *args: str) -> Done:
    """Run with stderr, and unless --json is asked for stdout, on a terminal of its own.

    What the terminal got is `err`.
    """
    outer, inner = pty.openpty()
    env = os.environ | {"TERM": "xterm-256color", "COLUMNS": "200"}
    with os.fdopen(inner, "wb", buffering=0) as terminal:
        out = None if "--json" in args else terminal
        process = forked_comp.start(*args, cwd=here, env=env, out=out, err=terminal)
    seen = b""
    while True:
        try:
            piece = os.read(outer, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not piece:
            break
        seen += piece
    os.close(outer)
    printed, _ = process.communicate(600)
    return Done(here, process.wait(), printed, seen.decode())


def control_codes(text: str) -> list[str]:
    return [c for c in text if ord(c) < 32 and c != "\n"]


def pack(pages: Path, target: Path) -> Path:
    """Zip the pages as Kaggle does: a zip of one zip a folder, and of the zipped sample."""
    inner = target.with_name("inner")
    inner.mkdir()
    for part in sorted(pages.iterdir()):
        name = part.name + ".zip"
        with zipfile.ZipFile(inner / name, "w") as zipped:
            for path in sorted(part.rglob("*.png")) if part.is_dir() else [part]:
                zipped.write(path, path.relative_to(pages))
    with zipfile.ZipFile(target, "w") as zipped:
        for path in sorted(inner.iterdir()):
            zipped.write(path, path.name)
    shutil.rmtree(inner)
    return target


@pytest.fixture(scope="module")
def first(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run on a zip of zips, with --json, --out, and keys from TOML and --set."""
    here = tmp_path_factory.mktemp("first")
    pack(pages, here / "denoising-dirty-documents.zip")
    (here / "mine.toml").write_text(
        "seed = 5\nvalidations = 3\n\n[optim]\nlr = 0.001\nweight_decay = 0.02\n"
    )
    return comp_in_new_python(  # the run that repeats it has another hash seed
        here,
        *("run", "denoising", "--data", "denoising-dirty-documents.zip", "--json"),
        *("--out", "results", "--config", "mine.toml", "--set", "optim.lr=0.002", *TINY),
    )


def run_json(done: Done) -> dict[str, Any]:
    path = Path(done.summary["run_dir"]) / "run.json"
    return dict(json.loads((done.here / path).read_text()))


def test_json_is_one_object_and_all_that_stdout_holds(first: Done) -> None:
    assert first.code == 0, first.err
    assert first.out.count("\n") == 1
    assert first.out.endswith("}\n")
    summary = first.summary
    assert KEYS - set(summary) == set()
    assert (summary["competition"], summary["metric"], summary["direction"]) == (
        "denoising",
        "RMSE",
        "min",
    )
    assert set(summary["fold_scores"]) == {"0", "1"}
    assert 0 < summary["cv_score"] < 0.5
    assert summary["n_rows"] == 40 * 56 + 30 * 56
    assert summary["synthetic"] is False
    assert summary["seconds"] > 0


def test_progress_goes_to_stderr_and_without_a_terminal_has_no_control_codes(first: Done) -> None:
    assert f"run {first.summary['run_id']} of denoising" in first.err
    assert "8 training samples in 4 groups (clean page), 2 test samples, 2 folds" in first.err
    assert "step 2/2" in first.err
    assert "checked" in first.err
    assert control_codes(first.out) == control_codes(first.err) == []


def test_the_printed_scores_are_those_of_the_json(first: Done) -> None:
    for score in [first.summary["cv_score"], *first.summary["fold_scores"].values()]:
        assert f"{score:.5f}" in first.err


def test_everything_is_written_under_out_but_the_unpacked_zip(first: Done) -> None:
    summary, out = first.summary, first.here / "results"
    assert (first.here / summary["run_dir"]).parent == out / "runs" / "denoising"
    submission = out / "submissions" / "denoising" / f"{summary['run_id']}.csv"
    assert first.here / summary["submission"] == submission
    assert sorted(p.name for p in first.here.iterdir()) == [
        "data",
        "denoising-dirty-documents.zip",
        "mine.toml",
        "results",
    ]
    assert [p for p in out.rglob("*") if p.name.startswith(".")] == []


def test_the_submission_has_the_rows_of_the_sample_submission(first: Done, pages: Path) -> None:
    with (first.here / first.summary["submission"]).open(newline="") as stream:
        made = list(csv.reader(stream))
    with (pages / "sampleSubmission.csv").open(newline="") as stream:
        sample = list(csv.reader(stream))
    assert [row[0] for row in made] == [row[0] for row in sample]
    assert made[0] == ["id", "value"]
    assert all(0 <= float(value) <= 1 for _, value in made[1:])
    assert len({value for _, value in made[1:]}) > 50


def test_set_beats_toml_beats_the_competition_beats_the_defaults(first: Done) -> None:
    config = run_json(first)["config"]
    assert config["optim"]["lr"] == 0.002
    assert config["optim"]["weight_decay"] == 0.02
    assert config["optim"]["clip_norm"] == 0.1
    assert config["optim"]["warmup"] == 0.05
    assert (config["seed"], config["validations"], config["max_steps"]) == (5, 1, 2)


def test_set_takes_none_where_none_is_one_of_the_choices() -> None:
    config = resolve("denoising", [DENOISING.defaults, parse_sets(["predict.tta=none"])], Options)
    assert config.predict.tta == "none"


@pytest.fixture(scope="module")
def again(first: Done, pages: Path) -> Done:
    """The first run repeated, one fold of it, from a folder of pages, without --json."""
    data = os.path.relpath(pages, first.here)
    return comp(
        first.here,
        *("run", "denoising", "--data", data, "--fold", "1", "--out", "results"),
        *("--repeat", first.summary["run_id"]),
    )


def repeated(first: Done, again: Done) -> Path:
    runs = (first.here / first.summary["run_dir"]).parent
    (other,) = {p.name for p in runs.iterdir()} - {first.summary["run_id"]}
    return runs / other


def test_without_json_all_is_on_stdout_and_nothing_on_stderr(again: Done) -> None:
    assert (again.code, again.err) == (0, "")
    assert "fold 1: RMSE" in again.out
    assert "submission" in again.out
    assert control_codes(again.out) == []


def test_fold_trains_that_fold_only(first: Done, again: Done) -> None:
    folder = repeated(first, again)
    assert [p.name for p in sorted(folder.glob("fold-*"))] == ["fold-1"]
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["fold_scores"] == {"1": pytest.approx(first.summary["fold_scores"]["1"])}
    assert scores["cv_score"] == pytest.approx(first.summary["fold_scores"]["1"])


def test_a_repeat_has_the_same_configuration_folds_data_and_weights(
    first: Done, again: Done
) -> None:
    folder, before = repeated(first, again), first.here / first.summary["run_dir"]
    record, old = json.loads((folder / "run.json").read_text()), run_json(first)
    for key in ("config", "fold_hash", "data_fingerprint"):
        assert record[key] == old[key]
    weights = "fold-1/model.safetensors"
    assert (folder / weights).read_bytes() == (before / weights).read_bytes()


def test_run_json_holds_the_full_path_of_the_data(first: Done, again: Done, pages: Path) -> None:
    record = json.loads((repeated(first, again) / "run.json").read_text())
    assert record["data"] == str(pages)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run in an empty folder, with its progress on a terminal and --json on a pipe."""
    here = tmp_path_factory.mktemp("drawn")
    words = ["--max-steps", "2", "--folds", "2", "--fold", "0", "--device", "cpu"]
    words += ["--no-pretrained", "--set", "backbone=test_resnet", "--set", "image.size=32"]
    words += ["--set", "predict.tta=none", "--set", "validations=1", "--set", "report.explain=0"]
    return comp_on_terminal(here, "run", "cats-dogs", "--json", *words)


def test_without_data_the_run_says_loudly_that_it_is_on_sample_data(drawn: Done) -> None:
    assert drawn.code == 0, drawn.err
    first_words = drawn.err.index("SYNTHETIC DATA")
    assert first_words < drawn.err.index("training samples")
    assert "score says nothing about the competition" in drawn.err[first_words:]
    assert "says nothing about the competition" in drawn.err[drawn.err.index("out of fold") :]


def test_sample_data_is_marked_in_the_json_and_on_disk(drawn: Done) -> None:
    assert drawn.summary["synthetic"] is True
    assert run_json(drawn)["synthetic"] is True
    scores = json.loads((Path(drawn.summary["run_dir"]) / "scores.json").read_text())
    assert scores["synthetic"] is True


def test_a_terminal_gets_live_progress_and_the_pipe_beside_it_none(drawn: Done) -> None:
    assert "\x1b[" in drawn.err
    assert "step 2/2" in drawn.err
    assert control_codes(drawn.out) == []
    assert drawn.out.count("\n") == 1


def test_the_cursor_is_back_when_the_run_is_over(drawn: Done) -> None:
    assert drawn.err.count("\x1b[?25l") == drawn.err.count("\x1b[?25h") > 0


def test_drawn_data_is_the_same_every_time(tmp_path: Path, drawn: Done) -> None:
    done = comp(tmp_path, "sample", "cats-dogs", "--out", "new")
    assert (done.code, done.err) == (0, "")
    (cached,) = (drawn.here / "data" / ".cache").glob("cats-dogs-sample-*")
    first, second = (
        {p.relative_to(root): p.read_bytes() for root in [root] for p in root.rglob("*.*")}
        for root in (cached, tmp_path / "new")
    )
    assert len(first) > 40
    assert first == second
    assert f"{len(first)} files" in done.out


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans of odd and different sizes in folders of their own."""
    root = tmp_path_factory.mktemp("scans")
    rng = np.random.default_rng(8)
    for name, (height, width) in {"box 1/left.png": (37, 51), "right.png": (64, 45)}.items():
        (root / name).parent.mkdir(exist_ok=True)
        page = rng.integers(0, 256, (height, width), dtype=np.uint8)
        cv2.imwrite(str(root / name), page)
    return root


def test_predict_cleans_a_folder_of_scans(first: Done, scans: Path, tmp_path: Path) -> None:
    runs = str(first.here / "results")
    done = comp_on_terminal(
        tmp_path,
        *("predict", first.summary["run_id"][:15], "--runs", runs, "--data", str(scans)),
        *("--out", "clean", "--device", "cpu"),
    )
    assert done.code == 0, done.err
    assert "2 samples predicted with 2 folds" in done.err
    assert "\x1b[" in done.err
    images = tmp_path / "clean" / "images"
    made = {str(p.relative_to(images)): cv2.imread(str(p), -1) for p in images.rglob("*.png")}
    assert {name: page.shape for name, page in made.items()} == {
        "box 1/left.png": (37, 51),
        "right.png": (64, 45),
    }
    assert all(page.dtype == np.uint8 and page.std() > 0 for page in made.values())
    assert not (tmp_path / "clean" / "submission.csv").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clean"]


def test_predict_refuses_an_unreadable_scan_and_writes_nothing(
    first: Done,
    scans: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(scans, tmp_path / "scans")
    (tmp_path / "scans" / "right.png").write_bytes(b"torn")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    args = ["predict", first.summary["run_id"], "--runs", str(first.here / "results")]
    monkeypatch.setattr(sys, "argv", ["comp", *args, "--data", "scans", "--device", "cpu"])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    assert (stop.value.code, out, err.count("\n")) == (2, "", 1)
    assert "scans/right.png is not a readable image (4 bytes)" in err
    assert sorted(tmp_path.rglob("*")) == before


def test_predict_on_the_runs_own_data_makes_its_submission_again(
    first: Done,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    args = ["predict", first.summary["run_id"], "--runs", str(first.here / "results"), "--json"]
    monkeypatch.setattr(sys, "argv", ["comp", *args, "--out", "again"])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    assert stop.value.code == 0, err
    assert json.loads(out)["n_rows"] == first.summary["n_rows"]
    again = (tmp_path / "again" / "submission.csv").read_text()
    assert again == (first.here / first.summary["submission"]).read_text()


def requested(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, record: dict[str, Any], *args: str
) -> RunRequest:
    """The request that `comp run denoising --repeat r1` makes."""
    folder = tmp_path / "runs" / "denoising" / "r1"
    folder.mkdir(parents=True)
    about = {"run_id": "r1", "competition": "denoising", "config": {"seed": 7}}
    (folder / "run.json").write_text(json.dumps(about | record))
    caught: list[RunRequest] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("comp.cli.run._run", lambda request, json: caught.append(request))
    monkeypatch.setattr(sys, "argv", ["comp", "run", "denoising", "--repeat", "r1", *args])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    return caught[0]


RECORD = {"synthetic": False, "data": "/some/where", "folds": [1], "plan": {"1": 30}}


def test_a_repeat_takes_the_data_the_folds_and_the_plan_of_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    request = requested(monkeypatch, tmp_path, RECORD)
    assert request.config(synthetic=False).seed == 7
    assert (request.data, request.synthetic) == (Path("/some/where"), False)
    assert (list(request.folds), request.plan) == ([1], {1: 30})


def test_a_repeat_of_a_sample_run_is_a_sample_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    request = requested(monkeypatch, tmp_path, RECORD | {"synthetic": True})
    assert (request.data, request.synthetic) == (None, True)


@pytest.mark.parametrize("how", ["--set", "--config"])
def test_a_file_of_weights_is_found_from_any_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    toml = tmp_path / "c.toml"
    toml.write_text('weights = "w.safetensors"')
    words = {"--set": "weights=w.safetensors", "--config": str(toml)}
    request = requested(monkeypatch, tmp_path, RECORD, how, words[how])
    assert request.config(synthetic=False).weights == tmp_path / "w.safetensors"


def test_a_repeat_of_another_length_drops_the_plan(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    request = requested(
        monkeypatch, tmp_path, RECORD | {"config": {"budget": 60.0}}, "--max-steps", "9"
    )
    config = request.config(synthetic=False)
    assert (config.max_steps, config.budget, request.plan) == (9, None, {})
