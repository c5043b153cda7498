"""The section `columns`: how the columns of a table become numbers for a model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from comp.config.section import Section


def _one_to_list(value: object) -> object:
    """`--set columns.drop=name` gives one name, `columns.drop=[first, second]` several."""
    if not isinstance(value, str):
        return value
    if value.startswith("[") and value.endswith("]"):
        return [part.strip().strip("'\"") for part in value[1:-1].split(",")]
    return [value]


Names = Annotated[list[str], BeforeValidator(_one_to_list)]


class ColumnsConfig(Section):
    """The treatment of the columns; their kinds are found in the training rows."""

    drop: Names = Field([], description="columns that no model gets")
    numbers: Names = Field(
        [], description="columns of numbers; cells that are not numbers become gaps"
    )
    categories: Names = Field([], description="columns of categories, although they hold numbers")
    dates: Names = Field(
        [], description="columns of dates, such as numbers 20240531; unreadable cells become gaps"
    )
    day_first: bool | None = Field(
        None,
        description="dates such as 03/04/2024: whether the day is first; unset: found in the "
        "training rows",
    )
    rare: int = Field(
        3, ge=1, description="categories of fewer training rows than this count as unknown"
    )
    most: int = Field(
        100,
        ge=2,
        le=250,
        description="categories of a column, the most frequent; if it has more, the frequency is "
        "added as a number",
    )
    log: Names = Field(
        [],
        description="columns of numbers that networks and linear models get as sign * log(1+|x|)",
    )
    scale: Literal["quantile", "standard"] = Field(
        "quantile",
        description="numbers for networks and linear models: quantile (to a normal distribution) "
        "or standard (mean 0, deviation 1)",
    )
    pairs: Names = Field(
        [], description="columns of numbers whose ratios are added, each with each"
    )
    places: Names = Field(
        [],
        description="two columns of coordinates: turned axes and distances to the centres of "
        "clusters are added",
    )
