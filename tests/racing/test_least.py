"""A budget that is too short for a race is refused, and the one that is named is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from comp.config.durations import parse_duration
from comp.racing.least import TooShortError, check_budget, check_measured


def config(budget: object) -> Any:
    return SimpleNamespace(budget=parse_duration(budget), competition="toy")


def named(error: TooShortError) -> Any:
    return config(str(error).partition("--budget ")[2].split()[0])


def test_the_budget_that_is_named_is_enough() -> None:
    with pytest.raises(TooShortError, match=r"budget = 5s has 0\.0 s for each") as short:
        check_budget(config("5s"))
    check_budget(named(short.value))


@pytest.mark.parametrize(
    ("image_s", "images"), [(0.5, 10), (0.05, 30_000)], ids=["of candidates", "of the run"]
)
def test_the_images_need_time(image_s: float, images: int) -> None:
    check_measured(config("10m"), 60.0, 0.001, 1000, 1000)
    with pytest.raises(TooShortError, match="budget = 10m is too short: 60 s have passed") as short:
        check_measured(config("10m"), 60.0, image_s, 1000, images)
    check_measured(named(short.value), 60.0, image_s, 1000, images)


def test_few_samples_need_less() -> None:
    check_measured(config("10m"), 0.0, 0.5, 20, 30)
