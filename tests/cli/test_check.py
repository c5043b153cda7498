"""`comp check` as a user starts it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import comp.cli.check  # noqa: F401
from comp.cli import main


def check(monkeypatch: pytest.MonkeyPatch, here: Path, *args: str) -> int:
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "argv", ["comp", "check", "denoising", *args])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_sound_data_exit_0_with_a_table_of_notes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pages: Path,
    tmp_path: Path,
) -> None:
    assert check(monkeypatch, tmp_path, "--data", str(pages), "--folds", "2") == 0
    shown = capsys.readouterr().out
    assert "8 training and 2 test samples, 18 images decoded" in shown
    assert "shared-target" in shown
    assert shown.splitlines()[-1].endswith("notes")
    assert list(tmp_path.iterdir()) == []


def test_a_zip_where_nothing_can_be_kept_beside_the_data(
    monkeypatch: pytest.MonkeyPatch, pages: Path, tmp_path: Path
) -> None:
    archive = shutil.make_archive(str(tmp_path / "pages"), "zip", pages)
    (tmp_path / "data").write_text("a file in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    args = ("--data", archive, "--set", "folds=2", "--quick")

    assert check(monkeypatch, tmp_path, *args) == 0
    assert len(list((tmp_path / "own" / "comp").glob("*/pages-*/train"))) == 1


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names are always text there")
def test_names_that_are_no_text_or_would_move_the_terminal(pages: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(pages, tmp_path / "there"))
    (root / "train" / os.fsdecode(b"a\xe9.dat")).write_text("")
    (root / "train" / "b\x1b[2J\nc.dat").write_text("")
    words = ("-m", "comp", "check", "denoising", "--quick", "--folds", "2", "--data")
    command = [sys.executable, *words]
    env = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run([*command, str(root)], cwd=tmp_path, env=env, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"a\\xe9.dat" in done.stdout
    assert b"b\\x1b[2J\\nc.dat" in done.stdout

    there = root.rename(tmp_path / os.fsdecode(b"caf\xe9"))
    done = subprocess.run([*command, there], cwd=tmp_path, env=env, capture_output=True)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.endswith(b"caf\\udce9' is not UTF-8: rename it, or give another\n")
    assert done.stderr.count(b"\n") == 1


def test_errors_exit_2_and_json_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pages: Path,
    tmp_path: Path,
) -> None:
    root = Path(shutil.copytree(pages, tmp_path / "data"))
    page = min((root / "test").iterdir())
    shutil.copy(page, min((root / "train").iterdir()))
    args = ("--data", str(root), "--json", "--set", "folds=2")
    assert check(monkeypatch, tmp_path, *args) == 2
    captured = capsys.readouterr()
    values = json.loads(captured.out)
    assert captured.out.count("\n") == 1
    assert captured.err == ""
    assert values["ok"] is False
    assert values["competition"] == "denoising"
    assert "test-in-train" in {finding["kind"] for finding in values["findings"]}


def test_drawn_data_is_said_to_be_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert check(monkeypatch, tmp_path, "--sample", "--quick") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("synthetic data: ")
    assert "images compared in" in shown


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--folds", "1"), "folds"),
        (("--set", "fold=3"), "unknown key 'fold'"),
        (("--data", "nowhere"), "no data at nowhere"),
    ],
)
def test_mistakes_are_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    args: tuple[str, ...],
    message: str,
) -> None:
    assert check(monkeypatch, tmp_path, *args) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_unpacking_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pages: Path,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "pages"), "zip", pages))

    def stopped(*_: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr("comp.data.archives._unpack_inner", stopped)
    assert check(monkeypatch, tmp_path, "--data", str(archive)) == 128 + number
    assert capsys.readouterr().err == (
        f"comp: stopped by {number.name}: nothing was saved; start again with "
        f"'comp check denoising --data {archive}'\n"
    )
    assert list((tmp_path / "data" / ".cache").iterdir()) == []


def test_a_part_that_a_killed_check_left_is_removed_by_the_next(
    monkeypatch: pytest.MonkeyPatch, pages: Path, tmp_path: Path
) -> None:
    part = tmp_path / "data" / ".cache" / ".pages-0.0123abcd.part"
    part.mkdir(parents=True)
    os.utime(part, (1_700_000_000, 1_700_000_000))
    check(monkeypatch, tmp_path, "--data", str(pages), "--quick")
    assert not part.exists()
