"""Whose a submission is, and what it is compared with; data, runs and files are written here."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from comp import __version__
from comp.contract import registry
from comp.data.location import cached_synthetic_data
from comp.errors import CompetitionError, DataError, RunError, SubmissionError
from comp.files import sha256
from comp.kaggle.candidate import Candidate, CheckedSubmission, check_candidate, find_candidate
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING

RUN = "20250101-120000-abcdef"
IDS = [f"{page}_{row}_{column}" for page in (110, 7) for row in (1, 2) for column in (1, 2, 3)]
SOUND = "id,value\n" + "".join(f"{i},0.5\n" for i in IDS)
CHEST = "id,probability,label\nNORMAL/a.png,0.1,0\nPNEUMONIA/b.png,0.9,1\n"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with data of two competitions, and a run of each that made a submission."""
    monkeypatch.chdir(tmp_path)
    denoising = tmp_path / "data" / "denoising"
    for name in ("train", "train_cleaned", "test"):
        (denoising / name).mkdir(parents=True)
    (denoising / "sampleSubmission.csv").write_text(SOUND.replace("0.5", "1"))
    for name in ("train", "test/NORMAL", "test/PNEUMONIA"):
        (tmp_path / "data" / "chest-xray" / name).mkdir(parents=True)
    (tmp_path / "data/chest-xray/test/NORMAL/a.png").touch()
    (tmp_path / "data/chest-xray/test/PNEUMONIA/b.png").touch()
    workspace = Workspace.at(tmp_path)
    add_run(workspace, "denoising", SOUND)
    add_run(workspace, "chest-xray", CHEST, run_id="20250102-120000-fedcba")
    return workspace


def add_run(workspace: Workspace, name: str, text: str, run_id: str = RUN, **record: Any) -> Path:
    """A run and its submission, whose place is returned."""
    run = workspace.runs(name) / run_id
    run.mkdir(parents=True, exist_ok=True)
    record = {"data": str(workspace.data(name)), "synthetic": False} | record
    (run / "run.json").write_text(json.dumps({"run_id": run_id, "competition": name} | record))
    (run / "scores.json").write_text(json.dumps({"cv_score": 0.01}))
    path = workspace.submission(name, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def written(workspace: Workspace, text: str, name: str = "mine.csv") -> str:
    """A file of nobody's, in the current folder."""
    (workspace.root / name).write_text(text)
    return name


def refusal(workspace: Workspace, candidate: Candidate) -> str:
    with pytest.raises(SubmissionError) as caught:
        check_candidate(candidate, workspace)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_run_is_found_by_the_beginning_of_its_id(workspace: Workspace) -> None:
    found = find_candidate("20250101", workspace)
    assert found.competition is DENOISING
    assert found.path == workspace.submission("denoising", RUN)
    assert (found.run_id, found.record["run_id"]) == (RUN, RUN)
    assert found.scores == {"cv_score": 0.01}


def test_a_run_that_was_written_elsewhere_is_found_there(workspace: Workspace) -> None:
    elsewhere = Workspace.at(workspace.root, workspace.root / "elsewhere")
    path = add_run(elsewhere, "denoising", SOUND, run_id="20260101-000000-aaaaaa")
    assert find_candidate("2026", elsewhere).path == path
    by_path = find_candidate(str(path), workspace)
    assert by_path.run_id == "20260101-000000-aaaaaa"
    assert check_candidate(by_path, workspace).rows == 12


def test_a_file_at_the_place_of_a_run_is_that_run_whatever_it_holds(workspace: Workspace) -> None:
    path = workspace.submission("denoising", RUN)
    path.write_text("id,value\n")
    found = find_candidate(f"submissions/denoising/{RUN}.csv", workspace)
    assert (found.run_id, found.competition.name) == (RUN, "denoising")


def test_a_copy_of_a_submission_is_of_its_run(workspace: Workspace) -> None:
    add_run(workspace, "denoising", SOUND.replace("0.5", "0.6", 1), run_id="20250103-120000-abcdef")
    found = find_candidate(written(workspace, SOUND), workspace)
    assert (found.run_id, found.path) == (RUN, Path("mine.csv"))
    changed = find_candidate(written(workspace, SOUND.replace("0.5", "0.7", 1)), workspace)
    assert (changed.run_id, changed.record, changed.scores) == (None, {}, {})


def test_a_copy_whose_run_was_removed_is_of_no_run(workspace: Workspace) -> None:
    shutil.rmtree(workspace.runs("denoising"))
    found = find_candidate(str(workspace.submission("denoising", RUN)), workspace)
    assert (found.run_id, found.competition.name) == (None, "denoising")


@pytest.mark.parametrize(("text", "name"), [(SOUND, "denoising"), (CHEST, "chest-xray")])
def test_a_file_of_nobody_goes_by_its_ids(workspace: Workspace, text: str, name: str) -> None:
    found = find_candidate(written(workspace, text.replace("0", "1", 1)), workspace)
    assert (found.run_id, found.competition.name) == (None, name)


def test_ids_of_no_competition_ask_for_its_name(workspace: Workspace) -> None:
    name = written(workspace, "id,value\nx,1\n")
    with pytest.raises(
        SubmissionError, match="no competition with data here has its ids"
    ) as caught:
        find_candidate(name, workspace)
    assert str(caught.value).endswith("name its competition with --competition NAME")
    assert find_candidate(name, workspace, "denoising").competition is DENOISING
    with pytest.raises(CompetitionError, match="did you mean 'denoising'"):
        find_candidate(name, workspace, "denoisin")


def test_ids_of_two_competitions_ask_for_the_name(workspace: Workspace) -> None:
    (workspace.root / "data/chest-xray/test/7_1_1.png").touch()
    (workspace.root / "data/denoising/sampleSubmission.csv").write_text("id,value\n7_1_1.png,1\n")
    with pytest.raises(SubmissionError, match="its ids fit chest-xray, denoising"):
        find_candidate(written(workspace, "ID,value\n7_1_1.png,0\n"), workspace)
    assert (
        find_candidate(written(workspace, "id,value\n7_1_1.png,0\n"), workspace).competition
        is DENOISING
    )


def test_a_name_that_is_not_the_runs_is_refused(workspace: Workspace) -> None:
    words = f"belongs to run {RUN} of denoising, not of chest-xray"
    with pytest.raises(SubmissionError, match=words):
        find_candidate(RUN, workspace, "chest-xray")


def test_what_is_not_there_is_refused(workspace: Workspace) -> None:
    with pytest.raises(SubmissionError, match=r"no file at none\.csv"):
        find_candidate("none.csv", workspace)
    with pytest.raises(SubmissionError, match="no file at submissions/denoising"):
        find_candidate("submissions/denoising", workspace)
    with pytest.raises(RunError, match="no run 'none'"):
        find_candidate("none", workspace)
    workspace.submission("denoising", RUN).unlink()
    with pytest.raises(SubmissionError, match=f"run {RUN} has no submission at .*: run it again"):
        find_candidate(RUN, workspace)


def test_a_stopped_run_without_scores_is_found(workspace: Workspace) -> None:
    (workspace.runs("denoising") / RUN / "scores.json").unlink()
    assert find_candidate(RUN, workspace).scores == {}


def test_a_sound_submission_is_told_by_rows_bytes_and_hash(workspace: Workspace) -> None:
    path = workspace.submission("denoising", RUN)
    assert check_candidate(find_candidate(RUN, workspace), workspace) == CheckedSubmission(
        rows=12,
        bytes=len(SOUND),
        sha256=sha256(path),
        template=str(workspace.data("denoising") / "sampleSubmission.csv"),
    )


def test_a_competition_without_sample_submission_goes_by_its_test_images(
    workspace: Workspace,
) -> None:
    found = check_candidate(find_candidate("20250102", workspace), workspace)
    assert (found.rows, found.template) == (
        2,
        f"the ids of the test samples in {workspace.data('chest-xray')}",
    )
    (workspace.root / "data/chest-xray/test/NORMAL/c.png").touch()
    assert "1 id is missing, the first is NORMAL/c.png" in refusal(
        workspace, find_candidate("20250102", workspace)
    )


def test_everything_that_is_wrong_is_said_at_once(workspace: Workspace) -> None:
    text = SOUND.replace("110_1_2,0.5", "110_1_2,nan").replace("110_2_1,0.5", "110_2_1,2")
    text = text.replace("7_2_3,0.5\n", "")
    assert refusal(workspace, find_candidate(written(workspace, text), workspace)) == (
        "mine.csv would be refused: 11 rows, the sample has 12; 1 id is missing, the first is "
        "7_2_3; 1 value of value is not a finite number, first at 110_1_2 (NaN); 1 value of value "
        "is not within 0 and 1, first at 110_2_1 (2)"
    )


def test_a_word_where_a_number_belongs_is_named(workspace: Workspace) -> None:
    text = CHEST.replace(",1\n", ",PNEUMONIA\n")
    assert "value of label is not a label (NORMAL, PNEUMONIA), first '0'" in refusal(
        workspace, find_candidate(written(workspace, text), workspace, "chest-xray")
    )


def test_a_submission_made_from_sample_data_is_refused(workspace: Workspace) -> None:
    add_run(workspace, "denoising", SOUND, synthetic=True)
    expected = f"is from run {RUN} on synthetic data"
    assert expected in refusal(workspace, find_candidate(RUN, workspace))
    assert expected in refusal(workspace, find_candidate(written(workspace, SOUND), workspace))


def test_drawn_data_is_never_what_a_submission_is_compared_with(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    drawn = (
        workspace.cache / f"denoising-sample-{__version__}-{registry.source_hash('denoising')[:8]}"
    )
    for name in ("train", "train_cleaned", "test"):
        (drawn / name).mkdir(parents=True)
    path = tmp_path / "mine.csv"
    for place in (path, drawn / "sampleSubmission.csv"):
        place.write_text(SOUND)
    assert cached_synthetic_data(DENOISING, workspace) == drawn
    with pytest.raises(DataError, match="get it with 'comp download denoising'"):
        check_candidate(find_candidate(str(path), workspace, "denoising"), workspace)


def test_ids_of_another_competition_are_named_as_such(workspace: Workspace) -> None:
    message = refusal(
        workspace, find_candidate(written(workspace, CHEST + "c,0,0\n"), workspace, "denoising")
    )
    assert message.startswith(
        "mine.csv is not a submission of denoising: its ids are those of chest-xray"
    )


def test_a_wrong_file_at_the_place_of_a_run_is_named_as_anothers(workspace: Workspace) -> None:
    workspace.submission("denoising", RUN).write_text(CHEST)
    assert "its ids are those of chest-xray" in refusal(workspace, find_candidate(RUN, workspace))


def test_a_faulty_file_of_its_own_competition_is_not_anothers(workspace: Workspace) -> None:
    text = SOUND.replace("id,value", "ID,grey")
    message = refusal(workspace, find_candidate(written(workspace, text), workspace, "denoising"))
    assert message == ("mine.csv would be refused: the header is ID,grey, the sample has id,value")


def test_ids_of_nobody_are_told_by_the_first(workspace: Workspace) -> None:
    message = refusal(
        workspace, find_candidate(written(workspace, "id,value\nx,1\n"), workspace, "denoising")
    )
    assert "all its ids are unknown: the first is x, the sample begins with 110_1_1" in message


def other_data(place: Path) -> Path:
    """Data of the same competition with one more page."""
    shutil.copytree("data/denoising", place)
    with (place / "sampleSubmission.csv").open("a") as stream:
        stream.write("8_1_1,1\n")
    return place


def test_the_data_of_the_run_come_before_those_of_the_workspace(workspace: Workspace) -> None:
    own = other_data(workspace.root / "own")
    add_run(workspace, "denoising", SOUND + "8_1_1,1\n", data=str(own))
    found = check_candidate(find_candidate(RUN, workspace), workspace)
    assert (found.rows, found.template) == (13, str(own / "sampleSubmission.csv"))


@pytest.mark.parametrize("left", [(), ("sampleSubmission.csv",)])
def test_data_of_the_run_that_are_gone_or_damaged_are_passed_over(
    workspace: Workspace, left: tuple[str, ...]
) -> None:
    own = other_data(workspace.root / "own")
    add_run(workspace, "denoising", SOUND, data=str(own))
    for place in [own / name for name in left] or [own]:
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert check_candidate(find_candidate(RUN, workspace), workspace).rows == 12


def test_data_that_are_named_win_and_may_be_a_zip(workspace: Workspace) -> None:
    place = other_data(workspace.root / "other")
    with zipfile.ZipFile("other.zip", "w") as archive:
        archive.write(place / "sampleSubmission.csv", "sampleSubmission.csv")
        for name in ("train", "train_cleaned", "test"):
            archive.writestr(f"{name}/1.png", "")
    with pytest.raises(SubmissionError, match="12 rows, the sample has 13"):
        check_candidate(find_candidate(RUN, workspace), workspace, Path("other.zip"))


def test_no_data_say_how_to_get_them(workspace: Workspace) -> None:
    shutil.rmtree(workspace.data("denoising"))
    with pytest.raises(DataError) as caught:
        check_candidate(find_candidate(RUN, workspace), workspace)
    assert str(caught.value) == (
        f"no data of denoising to check {RUN}.csv against: get it with 'comp download denoising', "
        "or name it with --data"
    )


def test_data_that_are_no_data_say_what_is_missing(workspace: Workspace) -> None:
    shutil.rmtree(workspace.data("denoising") / "train")
    with pytest.raises(DataError, match="train not found"):
        check_candidate(find_candidate(RUN, workspace), workspace)
    assert find_candidate(written(workspace, CHEST), workspace).competition.name == "chest-xray"


def test_an_empty_file_is_refused_before_anything_is_guessed(workspace: Workspace) -> None:
    with pytest.raises(SubmissionError, match=r"mine\.csv is empty"):
        find_candidate(written(workspace, ""), workspace)
    with pytest.raises(SubmissionError, match=r"mine\.csv is empty"):
        check_candidate(find_candidate("mine.csv", workspace, "denoising"), workspace)
