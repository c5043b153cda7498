"""`comp check-submission`, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from comp.submission.write import pixel_rows, write_rows

SOUND = "id,value\n1_1_1,0\n1_1_2,0.5\n"
MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
unit = 1 if sys.platform == "darwin" else 1024
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss * unit, file=sys.stderr)
sys.exit(done.returncode)
"""
LISTED = """
import atexit, sys
from comp.cli import main
atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))
main()
"""


def put_data(folder: Path) -> Path:
    """The layout of the denoising data without a sample submission; where that belongs."""
    root = folder / "data" / "denoising"
    for name in ("train", "train_cleaned", "test"):
        (root / name).mkdir(parents=True)
    return root / "sampleSubmission.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with data and a submission."""
    put_data(tmp_path).write_text(SOUND.replace("0.5", "1"))
    (tmp_path / "mine.csv").write_text(SOUND)
    return tmp_path


def comp(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return call(folder, "-m", "comp", "check-submission", *args)


def call(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100"}
    command = [sys.executable, *args]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False
    )


def test_a_sound_file_is_told_in_three_lines(folder: Path) -> None:
    done = comp(folder, "mine.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "checked  mine.csv, 27 bytes",
        f"against  {folder}/data/denoising/sampleSubmission.csv (Denoising Dirty Documents)",
        "ok, 2 rows",
    ]


def test_the_same_as_json(folder: Path) -> None:
    done = comp(folder, "mine.csv", "--competition", "denoising", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert len(facts.pop("sha256")) == 64
    assert facts.pop("template").endswith("sampleSubmission.csv")
    assert facts == {
        "ok": True,
        "run_id": None,
        "competition": "denoising",
        "path": "mine.csv",
        "rows": 2,
        "bytes": 27,
    }


def test_a_run_elsewhere_is_checked_by_its_id(folder: Path) -> None:
    run = folder / "elsewhere" / "runs" / "denoising" / "20250101-120000-abcdef"
    run.mkdir(parents=True)
    (run / "run.json").write_text('{"competition": "denoising", "data": "gone", "sample": false}')
    path = folder / "elsewhere" / "submissions" / "denoising" / "20250101-120000-abcdef.csv"
    path.parent.mkdir(parents=True)
    path.write_text(SOUND)
    done = comp(folder, "2025", "--runs", "elsewhere")
    assert done.returncode == 0
    assert done.stdout.startswith("checked  elsewhere/submissions/denoising/20250101-120000-abc")
    assert " of run 20250101-120000-abcdef\n" in done.stdout


def test_all_faults_are_one_line_and_exit_code_2(folder: Path) -> None:
    (folder / "mine.csv").write_text("id;value\n1_1_0;0\n1_1_1;nan\n")
    done = comp(folder, "mine.csv", "--competition", "denoising")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "comp: mine.csv would be refused: its columns are separated by semicolons: write commas; "
        "the last numbers of the ids are 0-based but the sample is 1-based; "
        "1 value of value is not a finite number, first at 1_1_1 (NaN)\n"
    )


def test_a_mistake_leaves_nothing_behind(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    done = comp(folder, "none.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "comp: no file at none.csv: give a CSV, or the id of a run\n"
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("content", [SOUND, SOUND.replace("0.5", "high")])
def test_nothing_is_asked_of_kaggle(folder: Path, content: str) -> None:
    (folder / "mine.csv").write_text(content)
    done = call(folder, "-c", LISTED, "check-submission", "mine.csv")
    assert done.returncode == (0 if content == SOUND else 2)
    modules = done.stderr.splitlines()[-1].split()
    assert "polars" in modules
    assert not {"kaggle", "kagglesdk", "requests", "torch", "comp.kaggle.client"} & set(modules)


def measured(folder: Path, *args: str) -> tuple[subprocess.CompletedProcess[str], float, float]:
    """What `comp check-submission` says, its seconds on the processors, and the megabytes of its
    process."""
    command = ("-c", MEASURED, sys.executable, "-m", "comp", "check-submission", *args)
    done = call(folder, *command)
    busy, memory = done.stderr.splitlines()[-1].split()
    return done, float(busy), int(memory) / 1e6


def fault(frame: pl.DataFrame, kind: str) -> tuple[pl.DataFrame, str]:
    """A submission with a fault, and words that name it."""
    ids, rows = frame["id"], pl.Series(np.arange(frame.height))
    if kind == "swapped":
        swapped = rows.scatter([4_000_000, 4_000_001], [4_000_001, 4_000_000])
        names = f"{ids[4_000_001]} and {ids[4_000_000]}"
        return frame[swapped], f"rows 4,000,001 and 4,000,002 are swapped ({names})"
    if kind == "0-based":
        parts = pl.col("id").str.splitn("_", 3).struct
        numbers = [(parts.field(f"field_{i}").cast(pl.Int32) - 1).cast(pl.String) for i in (1, 2)]
        moved = pl.concat_str(parts.field("field_0"), *numbers, separator="_")
        return frame.with_columns(id=moved), "the ids are 0-based but the sample is 1-based"
    if kind == "last page":
        page = ids[-1].split("_")[0]
        left = frame.filter(~pl.col("id").str.starts_with(f"{page}_"))
        return left, f"image {page} is missing (all its {frame.height - left.height:,} ids)"
    if kind == "NaN":
        values = frame["value"].scatter(3_000_000, float("nan"))
        words = f"1 value of value is not a finite number, first at {ids[3_000_000]} (NaN)"
        return frame.with_columns(value=values), words
    twice = rows.scatter(5_000_000, 4_999_999)
    return frame[twice], f"1 id occurs more than once, the first is {ids[4_999_999]}"


def check_at_full_size(folder: Path, sample: pl.DataFrame, kind: str) -> None:
    """Check a file of millions of rows with a fault, or with none, within time and memory."""
    rng = np.random.default_rng(0)
    frame = sample.with_columns(value=pl.Series(rng.random(sample.height, dtype=np.float32)))
    frame, words = (frame, "") if kind == "none" else fault(frame, kind)
    frame.write_csv(folder / "mine.csv", float_precision=5)
    args = ("mine.csv", "--competition", "denoising")
    results = [measured(folder, *args) for _ in range(3 if kind == "none" else 1)]
    for done, _, megabytes in results:
        if kind == "none":
            assert (done.returncode, done.stdout.splitlines()[-1]) == (
                0,
                f"ok, {frame.height:,} rows",
            )
            assert megabytes < 600
        else:
            assert done.returncode == 2
            assert words in done.stderr
            assert megabytes < 1500
    assert min(seconds for _, seconds, _ in results) < (30 if kind == "none" else 100)


KINDS = ("none", "swapped", "0-based", "last page", "NaN", "duplicate")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sample submission of the size of the real one."""
    folder = tmp_path_factory.mktemp("drawn")
    sizes = [(420, 540)] * 20 + [(258, 540)] * 9
    pages = (pixel_rows(str(110 + i), np.ones(size, np.float32)) for i, size in enumerate(sizes))
    write_rows(put_data(folder), pages, decimals=0)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_millions_of_rows_is_checked_in_seconds(drawn: Path, kind: str) -> None:
    sample = pl.read_csv(drawn / "data/denoising/sampleSubmission.csv")
    assert sample.height == 5_789_880
    check_at_full_size(drawn, sample, kind)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, real_denoising: Path) -> Path:
    """A folder with the real sample submission."""
    folder = tmp_path_factory.mktemp("real")
    place = put_data(folder)
    if real_denoising.is_dir():
        place.symlink_to((real_denoising / place.name).resolve())
        return folder
    with (
        zipfile.ZipFile(real_denoising) as outer,
        outer.open(f"{place.name}.zip") as packed,
        zipfile.ZipFile(packed) as inner,
    ):
        inner.extract(place.name, place.parent)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_real_submission_is_checked_in_seconds(real: Path, kind: str) -> None:
    check_at_full_size(real, pl.read_csv(real / "data/denoising/sampleSubmission.csv"), kind)
