import hashlib
import re
from pathlib import Path

import pytest
from rehearsed import COUNT, toy_scene

from comp.bundle.rehearsal import Step
from comp.bundle.rehearsal_steps import (
    broken_step,
    empty_step,
    hidden_step,
    make_place,
    public_step,
)


def public(folder: Path, fault: str = "", limit_s: float = 600) -> Step:
    scene = toy_scene(folder, fault)
    return public_step(scene, make_place(scene, folder / "step", "new"), limit_s)


def hidden(folder: Path, fault: str = "") -> Step:
    scene = toy_scene(folder, fault)
    return hidden_step(scene, make_place(scene, folder / "step", "old"), 20)


def broken(folder: Path, fault: str = "") -> Step:
    scene = toy_scene(folder, fault)
    place = make_place(scene, folder / "step", "new")
    assert public_step(scene, place, 20).passed
    return broken_step(scene, place, 20)


def test_the_public_test(tmp_path: Path) -> None:
    step = public(tmp_path)
    assert step.passed, step.words
    assert step.images == COUNT
    assert step.network in ("namespace", "sockets")
    assert step.seconds


def test_another_prediction_is_named_with_its_difference(tmp_path: Path) -> None:
    step = public(tmp_path, "different")
    assert step.passed is False
    assert "differs by 0.01 from comp predict (4)" in step.words  # ids are 1, 8, 4, ...
    assert step.largest == pytest.approx(0.01, abs=1e-4)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("skip", "1 id is missing"),
        ("nothing", "has written no predictions"),
        ("listing", "the order differs"),
        ("threshold", "for the same prediction (4)"),
    ],
)
def test_a_submission_that_is_not_that_of_comp(tmp_path: Path, fault: str, words: str) -> None:
    step = public(tmp_path, fault)
    assert step.passed is False
    assert words in step.words


def test_a_program_without_an_end(tmp_path: Path) -> None:
    step = public(tmp_path, "hang", limit_s=0.5)
    assert step.passed is False
    assert re.fullmatch(r"it did not end within .* and was stopped", step.words)


def test_the_hidden_test(tmp_path: Path) -> None:
    step = hidden(tmp_path)
    assert step.passed, step.words
    assert step.images == 2 * COUNT


@pytest.mark.parametrize("fault", ["folder", "listing"])
def test_a_program_that_only_knows_the_public_test(tmp_path: Path, fault: str) -> None:
    assert hidden(tmp_path, fault).passed is False


def test_the_hidden_test_of_files_whose_names_are_not_their_ids(tmp_path: Path) -> None:
    scene = toy_scene(tmp_path)
    sample = scene.samples[0]
    object.__setattr__(sample, "id", "another")
    step = hidden_step(scene, make_place(scene, tmp_path / "step", "old"), 20)
    assert step.passed is None
    assert "does not contain the id another" in step.words


def test_a_broken_image(tmp_path: Path) -> None:
    data = tmp_path / "data"
    step = broken(tmp_path)
    assert step.passed, step.words
    hashes = {hashlib.sha256(path.read_bytes()).digest() for path in data.glob("test/*")}
    assert len(hashes) == COUNT
    assert all(b"IEND" in path.read_bytes() for path in data.glob("test/*"))  # as before


@pytest.mark.parametrize(
    ("fault", "words"),
    [("silent", "no line of the log"), ("zero", "has not the mean prediction")],
)
def test_a_program_that_hides_a_broken_image(tmp_path: Path, fault: str, words: str) -> None:
    step = broken(tmp_path, fault)
    assert step.passed is False
    assert words in step.words


def test_an_empty_folder(tmp_path: Path) -> None:
    scene = toy_scene(tmp_path)
    step = empty_step(scene, tmp_path / "step", scene.bundle, 20)
    assert step.passed, step.words
    assert step.words == "one line and exit code 2: error: no data below /kaggle/input"


def test_a_traceback_for_an_empty_folder(tmp_path: Path) -> None:
    scene = toy_scene(tmp_path, "traceback")
    step = empty_step(scene, tmp_path / "step", scene.bundle, 20)
    assert step.passed is False
    assert "traceback: FileNotFoundError" in step.words
