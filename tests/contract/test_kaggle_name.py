"""The address of a competition on Kaggle is checked when its record is made."""

from __future__ import annotations

import re
from typing import Any

import pytest
from toys import toy

from comp.contract.kaggle_name import given_reference, nearest_reference
from comp.errors import CompetitionError


@pytest.mark.parametrize(
    ("kaggle", "advice"),
    [
        ("petfinder", "write 'competitions/petfinder'"),
        ("someone/leaves", "write 'datasets/someone/leaves'"),
        ("https://www.kaggle.com/code/ada/leaf", "write 'competitions/<slug>' or "),
        ("https://www.kaggle.com/ada", "write 'competitions/<slug>' or "),
        ("datasets/me/leaf/versions/3", "the newest version is downloaded: leave out /versions/3"),
        (None, "write 'competitions/<slug>' or "),
        ("datasets/leaf", "write 'competitions/<slug>' or 'datasets/<owner>/<slug>', the end"),
        ("", "write 'competitions/<slug>' or 'datasets/<owner>/<slug>', the end"),
        ("competitions/a b", "write 'competitions/<slug>' or "),
    ],
)
def test_another_form_is_refused_with_the_right_one(kaggle: Any, advice: str) -> None:
    with pytest.raises(CompetitionError, match=re.escape(f"kaggle = {kaggle!r}: {advice}")):
        toy(kaggle=kaggle)


@pytest.mark.parametrize("kaggle", ["competitions/aptos2019-blindness", "datasets/me/leaf_1.0"])
def test_both_forms_are_taken(kaggle: str) -> None:
    assert toy(kaggle=kaggle).kaggle == kaggle


LEAVES = [
    "c/leaves",
    "C/leaves/",
    "competition/leaves",
    "competitions/leaves/data",
    "https://www.kaggle.com/c/leaves",
    "https://www.kaggle.com/c/leaves/overview",
    "https://www.kaggle.com/competitions/leaves/data?select=train.csv",
    "http://kaggle.com/competitions/leaves#description",
    "www.Kaggle.com/competitions/leaves/leaderboard?tab=public&x=a/b",
    " <https://www.kaggle.com/competitions/leaves/> ",
]
MINE = [
    "datasets/ada/leaves",
    "d/ada/leaves",
    "dataset/ada/leaves/data",
    "datasets/ada/leaves?select=x",
    "https://www.kaggle.com/datasets/ada/leaves/code?datasetId=1",
    "kaggle.com/ada/leaves",
]


@pytest.mark.parametrize("written", LEAVES)
def test_a_pasted_address_of_a_competition_is_understood(written: str) -> None:
    assert toy(kaggle=written).kaggle == "competitions/leaves"
    assert given_reference(written) == nearest_reference(written) == "competitions/leaves"


@pytest.mark.parametrize("written", MINE)
def test_a_pasted_address_of_a_data_set_is_understood(written: str) -> None:
    assert toy(kaggle=written).kaggle == "datasets/ada/leaves"
    assert given_reference(written) == nearest_reference(written) == "datasets/ada/leaves"


def test_two_parts_are_a_data_set_on_the_command_line_and_one_is_nothing() -> None:
    assert given_reference("ada/leaves") == "datasets/ada/leaves"
    assert given_reference("leaves") == given_reference("a/b/c") == ""
    assert given_reference("https://example.com/c/leaves") == ""


def test_a_version_of_a_data_set_is_refused_rather_than_left_out() -> None:
    with pytest.raises(CompetitionError, match=r"leave out /versions/2"):
        given_reference("https://www.kaggle.com/datasets/ada/leaves/versions/2")
