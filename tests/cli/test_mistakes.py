"""Every mistake of a user: one line that helps, exit code 2, and nothing written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
import torch
from mistakes import RUN, SETTINGS
from wording import message_faults

from comp.cli import main


@pytest.fixture
def here(pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, entered, with a copy of the pages in scans/."""
    shutil.copytree(pages, tmp_path / "scans")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def everything(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def refused(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs a command that must be refused; returns the one line that says why."""

    def call(*args: str) -> str:
        before = everything(here)
        monkeypatch.setattr(sys, "argv", ["comp", *args])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert stop.value.code == 2
        assert out == ""
        assert message_faults(err) == []
        assert everything(here) == before
        return err

    return call


@pytest.mark.parametrize(
    ("args", "words"),
    SETTINGS,
    ids=lambda value: "=".join(value).replace("--", "") if isinstance(value, tuple) else "",
)
def test_a_setting_that_cannot_be_is_refused(
    args: tuple[str, ...], words: list[str], refused: Callable[..., str]
) -> None:
    line = refused(*RUN, "--data", "scans", *args)
    assert [word for word in words if word not in line] == []


def test_budget_and_max_steps_together_are_refused_without_a_dump(
    refused: Callable[..., str],
) -> None:
    line = refused(*RUN, "--data", "scans", "--budget", "30m")
    assert "budget and max_steps" in line
    assert "give only one" in line
    assert "{" not in line


def test_all_faults_of_a_configuration_are_named_at_once(
    here: Path, refused: Callable[..., str]
) -> None:
    (here / "mine.toml").write_text('epoch = 3\n[optim]\nlr = "fast"\n')
    line = refused(
        *RUN,
        *("--config", "mine.toml", "--set", "loader.batchsize=4", "--set", "options.crop=8"),
        *("--set", "optim.ema=1.5"),
    )
    assert "5 faults" in line
    assert "unknown key 'epoch' (did you mean 'epochs'?)" in line
    assert "unknown key 'loader.batchsize' (did you mean 'loader.batch_size'?)" in line
    assert "optim.lr = 'fast'" in line
    assert "optim.ema = 1.5" in line
    assert "options.crop = 8" in line


@pytest.mark.parametrize("extra", [("seed=1",), ("seed=1", "optim.lr=0.1")])
def test_settings_after_one_set_are_told_how(
    refused: Callable[..., str], extra: tuple[str, ...]
) -> None:
    line = refused(*RUN, "--set", "epochs=1", *extra)
    told = " ".join(f"--set {each}" for each in extra)
    assert line.rstrip().endswith(f"each setting needs its own --set: {told}")


def test_a_config_file_that_is_no_toml_is_named(here: Path, refused: Callable[..., str]) -> None:
    (here / "mine.toml").write_text("epochs: 3\n")
    line = refused(*RUN, "--config", "mine.toml")
    assert "mine.toml is not a TOML file" in line
    assert "line 1" in line


def test_a_gpu_that_is_not_there_is_refused(refused: Callable[..., str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    line = refused("run", "denoising", "--data", "scans", "--device", "cuda")
    assert "no device 'cuda' on this machine" in line
    assert "only cpu" in line


def without_a_twin(scans: Path) -> list[str]:
    page = min((scans / "train_cleaned").glob("*.png"))
    page.unlink()
    return [f"train/{page.name}", "no page of the same name"]


def twins_of_different_size(scans: Path) -> list[str]:
    page = min((scans / "train_cleaned").glob("*.png"))
    image = cv2.imread(str(page), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(page), image[:, :50])
    rows = image.shape[0]
    return [f"train/{page.name}", f"56 x {rows}", f"50 x {rows}"]


def an_unreadable_page(scans: Path) -> list[str]:
    page = min((scans / "train").glob("*.png"))
    page.write_bytes(page.read_bytes()[:20])
    return [f"train/{page.name}", "not a readable image", "20 bytes"]


def an_empty_test_page(scans: Path) -> list[str]:
    page = min((scans / "test").glob("*.png"))
    page.write_bytes(b"")
    return [f"test/{page.name}", "not a readable image", "0 bytes"]


def a_page_missing_in_the_sample(scans: Path) -> list[str]:
    page = min((scans / "test").glob("*.png")).stem
    sample = scans / "sampleSubmission.csv"
    lines = sample.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(f"{page}_")]
    sample.write_text("\n".join(kept) + "\n")
    return ["sampleSubmission.csv", f"page {page} is only in test/"]


def a_row_too_few_in_the_sample(scans: Path) -> list[str]:
    sample = scans / "sampleSubmission.csv"
    lines = sample.read_text().splitlines()
    sample.write_text("\n".join(lines[:-1]) + "\n")
    rows, last = len(lines) - 1, lines[-1].split(",")[0]
    return ["sampleSubmission.csv", f"{rows:,} rows", f"{rows - 1:,}", last]


def no_sample_submission(scans: Path) -> list[str]:
    (scans / "sampleSubmission.csv").unlink()
    return ["sampleSubmission.csv", "No such file"]


def no_test_folder(scans: Path) -> list[str]:
    shutil.rmtree(scans / "test")
    return ["scans is not the data of denoising", "test not found"]


def no_pages(scans: Path) -> list[str]:
    for page in (scans / "test").glob("*.png"):
        page.unlink()
    return ["no PNG pages in", "test"]


@pytest.mark.parametrize(
    "spoil",
    [
        without_a_twin,
        twins_of_different_size,
        an_unreadable_page,
        an_empty_test_page,
        a_page_missing_in_the_sample,
        a_row_too_few_in_the_sample,
        no_sample_submission,
        no_test_folder,
        no_pages,
    ],
)
def test_spoiled_data_is_refused_and_named(
    spoil: Callable[[Path], list[str]], here: Path, refused: Callable[..., str]
) -> None:
    words = spoil(here / "scans")
    line = refused(*RUN, "--data", "scans")
    assert [word for word in words if word not in line] == []


def test_spoiled_data_in_its_usual_place_is_refused_and_not_replaced_by_a_sample(
    here: Path, refused: Callable[..., str]
) -> None:
    (here / "data").mkdir()
    shutil.move(here / "scans", here / "data" / "denoising")
    shutil.rmtree(here / "data" / "denoising" / "train_cleaned")
    line = refused(*RUN)
    assert "train_cleaned not found" in line
    assert "--sample" in line


def test_data_that_is_not_there_is_named(refused: Callable[..., str]) -> None:
    line = refused(*RUN, "--data", "nowhere")
    assert "no data at nowhere" in line
    assert "zip" in line


def test_a_zip_that_is_none_is_named(here: Path, refused: Callable[..., str]) -> None:
    (here / "pages.zip").write_text("<html>please log in</html>")
    line = refused(*RUN, "--data", "pages.zip")
    assert "pages.zip is not a zip archive" in line
    assert "fetch it again" in line


def test_an_output_folder_with_a_file_in_the_way_is_refused(
    here: Path, refused: Callable[..., str]
) -> None:
    (here / "results").write_text("a file\n")
    line = refused(*RUN, "--data", "scans", "--out", "results")
    assert "results" in line
    assert "--out" in line


def test_a_file_where_submissions_belong_is_refused_before_training(
    here: Path, refused: Callable[..., str]
) -> None:
    (here / "submissions").write_text("a file\n")
    assert "submissions" in refused(*RUN, "--data", "scans")


@pytest.mark.parametrize("command", ["run", "sample"])
def test_an_unknown_competition_comes_with_the_nearest(
    command: str, refused: Callable[..., str]
) -> None:
    more = ["--out", "new"] if command == "sample" else []
    line = refused(command, "denoisng", *more)
    assert line == (
        "comp: unknown competition 'denoisng': did you mean 'denoising'? "
        "(known: cats-dogs, chest-xray, denoising, digits, housing, salt; plugins come from "
        "./competitions, a folder in the working folder, and from the entry points "
        "comp.competitions)\n"
    )


def test_predict_names_a_run_that_is_not_there(refused: Callable[..., str]) -> None:
    line = refused("predict", "20200101-000000-abcdef")
    assert "no run '20200101-000000-abcdef'" in line
    assert "there are no runs yet" in line


def test_predict_names_a_run_whose_record_is_damaged(
    here: Path, refused: Callable[..., str]
) -> None:
    folder = here / "runs" / "denoising" / "20200101-000000-abcdef"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{")
    line = refused("predict", "20200101")
    assert "20200101-000000-abcdef is not a run" in line


def test_sample_leaves_a_folder_with_files_alone(refused: Callable[..., str]) -> None:
    line = refused("sample", "denoising", "--out", "scans")
    assert "scans is not empty" in line


def test_sample_names_a_folder_that_cannot_be_made(here: Path, refused: Callable[..., str]) -> None:
    (here / "drawn").write_text("a file\n")
    line = refused("sample", "denoising", "--out", "drawn/pages")
    assert "drawn" in line


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("run", "denoisng"), ["'denoisng'", "'denoising'"]),
        (("run", "denoising", "--data", "nowhere", "--json"), ["no data at nowhere"]),
        (("run", "denoising", "--set", "epoch=1", "--json"), ["'epoch'", "'epochs'"]),
    ],
    ids=["competition", "data", "key"],
)
def test_a_real_process_says_one_line_and_exits_with_2(
    args: tuple[str, ...], words: list[str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "comp", *args],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("comp: ")
    assert done.stderr.count("\n") == 1
    assert [word for word in words if word not in done.stderr] == []
    assert list(tmp_path.iterdir()) == []
