"""The forms of dates, and their parts."""

from __future__ import annotations

import numpy as np
import pytest

from comp.data.columns.dates import AmbiguousDatesError, date_form, read_dates


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-05-31", "2023-01-02"],
        ["2024-05-31 10:20:30", "2024-05-31T11:00:00"],
        ["31/05/2024", "01/02/2023"],
        ["05/31/2024", "01/02/2023"],
        ["31.05.2024 10:20"],
        ["May 31, 2024", "Jun 1, 2024"],
        ["31-May-24"],
        ["2024/05/31"],
        ["5/31/2024 10:20 PM"],
    ],
)
def test_usual_forms_are_dates(texts: list[str]) -> None:
    form = date_form(texts, None, forced=False)
    assert form
    parts, unreadable = read_dates([*texts, None, "NA"], form)
    assert unreadable == []
    assert int(parts["year"][0]) == 2024
    assert np.isnan(parts["days"][-2:]).all()


@pytest.mark.parametrize(
    "texts", [["2024"], ["12:30"], ["1234-56"], ["abc 1234"], ["20240531"], ["555-1234"], ["1.5.2"]]
)
def test_other_texts_are_not_dates(texts: list[str]) -> None:
    assert date_form(texts, None, forced=False) is None


def test_one_text_of_another_form_and_they_are_not_dates() -> None:
    assert date_form(["2024-05-31", "soon 2024"], None, forced=False) is None


def test_day_and_month_that_can_be_exchanged_are_refused_until_the_user_says() -> None:
    with pytest.raises(AmbiguousDatesError):
        date_form(["03/04/2024", "05/06/2024"], None, forced=False)
    day = date_form(["03/04/2024"], True, forced=False)
    month = date_form(["03/04/2024"], False, forced=False)
    assert day
    assert month
    assert read_dates(["03/04/2024"], day)[0]["month"][0] == 4
    assert read_dates(["03/04/2024"], month)[0]["month"][0] == 3


def test_parts_of_a_date() -> None:
    form = date_form(["2000-01-02 06:30"], None, forced=False)
    assert form
    parts = read_dates(["2000-01-02 06:30"], form)[0]
    assert {name: values[0] for name, values in parts.items()} == {
        "year": 2000,
        "month": 1,
        "day of week": 6,
        "day of year": 2,
        "hour": 6.5,
        "days": pytest.approx(1 + 6.5 / 24),
    }


def test_digits_are_dates_if_the_user_says_so() -> None:
    form = date_form(["20240531", "20231231"], None, forced=True)
    assert form
    parts, unreadable = read_dates([20240531, "20231231", 5], form)
    assert parts["month"][:2].tolist() == [5, 12]
    assert unreadable == ["5"]
