"""Keys of folds and validation that show what a run does with data of another source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from comp.config.key_types import AbsolutePath

COLUMN = "column:"


def _check_domain(value: str) -> str:
    if value in ("appearance", "series") or value.removeprefix(COLUMN) not in ("", value):
        return value
    raise ValueError("write appearance, series, or column:NAME with the name of a column")


Domain = Annotated[
    str,
    AfterValidator(_check_domain),
    Field(
        description="scheme = domain: what a domain is: appearance (clusters of images that look "
        "alike), series (forms of file names), or column:NAME (values of a column)"
    ),
]
Validation = Annotated[
    AbsolutePath | None,
    Field(
        description="folder or zip of labelled data of another source, which is scored beside the "
        "folds and used for nothing else"
    ),
]
ValidationGroups = Annotated[
    Literal["shared", "own"],
    Field(
        description="shared: a group of validation that the training data has too is refused; own: "
        "equal names are of different groups, because each source counts its own"
    ),
]
ExternalFolds = Annotated[
    bool,
    Field(
        description="external rows are held out in turn too, and get a score of their own; false: "
        "they train in every fold"
    ),
]
