"""Dates of digits alone, in which the day or the month is before the year."""

from __future__ import annotations

import pytest

from comp.data.digit_dates import unordered_form


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (("20112023", "05012024"), "DDMMYYYY"),
        (("20112023", "5012024"), "DDMMYYYY"),
        (("01012024", "01022023"), "DDMMYYYY"),
        (("11202023", "01052024"), "MMDDYYYY"),
        (("20243105", "20240206"), "YYYYDDMM"),
        (("201123", "050123", "110224"), "DDMMYY"),
        (("201123", "50123", "110224"), "DDMMYY"),
        (("112023", "010524"), "MMDDYY"),
        (("231120", "231221", "240105"), ""),
        (("20231120", "20240105"), ""),
        (("231120", "240105"), ""),
        (("202311", "202401"), ""),
        (("201011", "201112", "201201"), ""),
        (("2022020", "2022099"), ""),
        (("2023001", "2023365"), ""),
        (("45000", "45001"), ""),
        (("10112", "11199"), ""),
        (("110190", "110115"), ""),
        (("20000001", "20000002"), ""),
        (("1700000000", "1600000000"), ""),
        (("2023", "2024"), ""),
        (("20112023.0", "05012024.0"), ""),
        (("20112023", "05012024", "1"), ""),
        ((), ""),
    ],
)
def test_only_dates_in_another_order_than_numbers_are_found(
    texts: tuple[str, ...], form: str
) -> None:
    assert unordered_form(texts) == form
