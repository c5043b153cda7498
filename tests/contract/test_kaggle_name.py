"""The address of a competition on Kaggle is checked when its record is made."""

from __future__ import annotations

import re

import pytest
from toys import toy

from comp.errors import CompetitionError


@pytest.mark.parametrize(
    ("kaggle", "advice"),
    [
        ("petfinder", "write 'competitions/petfinder'"),
        ("someone/leaves", "write 'datasets/someone/leaves'"),
        ("c/petfinder", "write 'competitions/petfinder'"),
        ("https://www.kaggle.com/competitions/leaf/data", "write 'competitions/leaf'"),
        ("https://www.kaggle.com/datasets/me/leaf", "write 'datasets/me/leaf'"),
        ("datasets/leaf", "write 'competitions/<slug>' or 'datasets/<owner>/<slug>', the end"),
        ("", "write 'competitions/<slug>' or 'datasets/<owner>/<slug>', the end"),
        ("competitions/a b", "write 'competitions/<slug>' or "),
    ],
)
def test_another_form_is_refused_with_the_right_one(kaggle: str, advice: str) -> None:
    with pytest.raises(CompetitionError, match=re.escape(f"kaggle = {kaggle!r}: {advice}")):
        toy(kaggle=kaggle)


@pytest.mark.parametrize("kaggle", ["competitions/aptos2019-blindness", "datasets/me/leaf_1.0"])
def test_both_forms_are_taken(kaggle: str) -> None:
    assert toy(kaggle=kaggle).kaggle == kaggle
