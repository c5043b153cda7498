"""What names and options of a download mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.errors import CompetitionError, ConfigError
from comp.kaggle.download_request import download_request
from comp.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.at(tmp_path)


@pytest.mark.parametrize(
    ("name", "called", "reference"),
    [
        ("denoising", "denoising", "competitions/denoising-dirty-documents"),
        ("denoising-dirty-documents", "denoising", "competitions/denoising-dirty-documents"),
        (
            "competitions/denoising-dirty-documents",
            "denoising",
            "competitions/denoising-dirty-documents",
        ),
        ("chest-xray", "chest-xray", "datasets/paultimothymooney/chest-xray-pneumonia"),
        (
            "paultimothymooney/chest-xray-pneumonia",
            "chest-xray",
            "datasets/paultimothymooney/chest-xray-pneumonia",
        ),
        ("competitions/titanic", "titanic", "competitions/titanic"),
        ("ada/x-rays", "x-rays", "datasets/ada/x-rays"),
        ("datasets/ada/x-rays", "x-rays", "datasets/ada/x-rays"),
        ("c/titanic", "titanic", "competitions/titanic"),
        (
            "https://www.kaggle.com/c/denoising-dirty-documents/overview",
            "denoising",
            "competitions/denoising-dirty-documents",
        ),
        ("https://www.kaggle.com/datasets/ada/x-rays?select=x", "x-rays", "datasets/ada/x-rays"),
    ],
)
def test_names(workspace: Workspace, name: str, called: str, reference: str) -> None:
    wanted = download_request(name, workspace)
    assert (wanted.name, str(wanted.reference)) == (called, reference)
    assert wanted.place == workspace.data(called)
    assert wanted.zip is None


def test_an_unknown_name_says_what_can_be_written(workspace: Workspace) -> None:
    with pytest.raises(CompetitionError, match=r"did you mean 'denoising'.*competitions/denoisng"):
        download_request("denoisng", workspace)


def test_another_data_set_of_the_same_name_needs_a_folder(
    workspace: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(CompetitionError, match=r"ada/denoising .* --out"):
        download_request("ada/denoising", workspace)
    assert download_request("ada/denoising", workspace, out=tmp_path / "a").place == tmp_path / "a"


def test_a_folder_of_ones_own_and_the_zip_beside_it(workspace: Workspace, tmp_path: Path) -> None:
    wanted = download_request("denoising", workspace, out=tmp_path / "deep" / "mine", keep_zip=True)
    assert wanted.place == tmp_path / "deep" / "mine"
    assert wanted.zip == tmp_path / "deep" / "mine.zip"


def test_a_link_to_a_folder_leads_to_it(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "denoising").symlink_to(tmp_path / "big")
    assert download_request("denoising", workspace).place == tmp_path / "big"


@pytest.mark.parametrize("file", ["", "/etc/passwd", "../a.csv", "a/../../b", "a\\b"])
def test_a_file_that_leads_outside_is_refused(workspace: Workspace, file: str) -> None:
    with pytest.raises(ConfigError, match="--file"):
        download_request("denoising", workspace, file=file)


def test_the_zip_of_one_file_is_not_kept(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="--keep-zip is for all files"):
        download_request("denoising", workspace, file="train.zip", keep_zip=True)
