"""`comp resume` and `comp run --resume`, installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import inline_comp
import pytest

from comp.cli import main
from comp.files import write_json

WORDS = ["--folds", "2", "--max-steps", "3", "--device", "cpu", "--sample", "--json"]
SETS = [
    *("backbone=test_resnet", "pretrained=false", "image.size=32", "predict.tta=none"),
    *("validations=1", "loader.batch_size=2", "report.explain=0"),
]


def comp(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return inline_comp.run(*words, cwd=cwd)


def start(*more: str) -> list[str]:
    return ["run", "cats-dogs", *WORDS, *(word for key in SETS for word in ("--set", key)), *more]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a run that was killed before its second fold, as its files would say."""
    place = tmp_path_factory.mktemp("work")
    done = subprocess.run(  # a new Python, with another hash seed than what resumes
        [sys.executable, "-m", "comp", *start()],
        cwd=place,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (run,) = [path.parent for path in place.glob("runs/*/*/run.json")]
    (run / "fold-1" / "meta.json").unlink()
    for path in ("oof.safetensors", "scores.json"):
        (run / path).unlink()
    record = json.loads((run / "run.json").read_text())
    write_json(run / "run.json", record | {"state": "running"})
    return place


def test_a_run_is_verified_then_refused_with_other_keys_then_gone_on_with(place: Path) -> None:
    (data,) = place.glob("data/.cache/cats-dogs-sample-*")
    moved = data.rename(place / "moved")

    verified = comp("resume", "--verify", "--data", "moved", "--json", cwd=place)
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["differing"] == []
    assert "exact: 6 steps straight through and with a stop after 3" in verified.stderr

    refused = comp("run", "cats-dogs", "--resume", "--set", "optim.lr=0.5", cwd=place)
    assert refused.returncode == 2
    assert "optim.lr was" in refused.stderr

    other = comp(*start("--resume", "--fold", "1", "--skip-bad"), cwd=place)
    assert other.returncode == 2
    assert "leave out --sample, --fold, --skip-bad" in other.stderr

    (csv,) = place.glob("submissions/cats-dogs/*.csv")
    before = csv.read_bytes()
    csv.unlink()
    half = csv.with_name(f".{csv.name}.0123abcd.part")
    half.touch()
    again = ("--resume", "--data", "moved", "--folds", "2", "--json")
    gone_on = comp("run", "cats-dogs", *again, cwd=place)
    assert not half.exists()
    assert gone_on.returncode == 0, gone_on.stderr
    assert json.loads(gone_on.stdout)["run_id"] == csv.stem
    assert csv.read_bytes() == before
    assert not data.exists()
    (record,) = place.glob("runs/*/*/run.json")
    assert json.loads(record.read_text())["data"] == str(moved)

    nothing = comp("resume", cwd=place)
    assert nothing.returncode == 2
    assert "no unfinished run" in nothing.stderr


def test_a_verification_takes_no_placement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs" / "toy" / "r1").mkdir(parents=True)
    (tmp_path / "runs" / "toy" / "r1" / "run.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["comp", "resume", "r1", "--verify", "--jobs", "2"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert "leave out --jobs" in capsys.readouterr().err
