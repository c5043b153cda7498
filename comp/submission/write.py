"""The submission file, streamed sample by sample and never whole in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from comp.errors import SubmissionError
from comp.files import replacing
from comp.submission.validate import Template, validate_submission

DECIMALS = 5
"""Decimals of a number where nothing else is asked for."""


def make_submission(
    path: Path,
    parts: Iterable[Mapping[str, Any]],
    template: Template,
    limits: tuple[float, float] | None = None,
    decimals: int = DECIMALS,
    labels: Sequence[str] = (),
) -> int:
    """Write a submission and check it; `path` is a file that Kaggle would take, or not there.

    `limits` are the smallest and largest allowed number, `labels` the allowed words. Returns the
    number of rows.

    Raises:
        SubmissionError: saying in plain words everything that is wrong.
    """
    with replacing(path) as temporary:
        write_rows(temporary, parts, decimals)
        return validate_submission(temporary, template, limits, name=path.name, labels=labels)


def write_rows(path: Path, parts: Iterable[Mapping[str, Any]], decimals: int = DECIMALS) -> int:
    """Write one CSV from parts that are mappings of column names to equally long columns.

    Floats get so many decimals. Returns the number of rows.

    Raises:
        SubmissionError: when there is no part, or a part's columns differ from the first part's.
    """
    header: list[str] | None = None
    count = 0
    with path.open("wb") as stream:
        for part in parts:
            frame = pl.DataFrame(dict(part))
            if header not in (None, frame.columns):
                raise SubmissionError(f"rows have columns {frame.columns}, expected {header}")
            frame.write_csv(stream, include_header=header is None, float_precision=decimals)
            header, count = frame.columns, count + frame.height
    if header is None:
        raise SubmissionError("nothing to write: there are no test samples")
    return count


def pixel_rows(name: str, image: np.ndarray) -> Mapping[str, Any]:
    """One row a pixel of an image (H, W) or (H, W, 1): id `<name>_<row>_<column>` from 1, value."""
    height, width = image.shape[:2]
    rows = np.repeat(np.arange(1, height + 1, dtype=np.int32), width)
    columns = np.tile(np.arange(1, width + 1, dtype=np.int32), height)
    frame = pl.DataFrame({"row": rows, "column": columns, "value": image.reshape(-1)})
    return frame.select(
        pl.concat_str(
            pl.lit(f"{name}_"),
            pl.col("row").cast(pl.String),
            pl.lit("_"),
            pl.col("column").cast(pl.String),
        ).alias("id"),
        "value",
    ).to_dict(as_series=True)
