"""Writes a submission file sample by sample, so that it is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from comp.errors import SubmissionError
from comp.files import replacing
from comp.submission.spec import DECIMALS, SubmissionSpec
from comp.submission.validate import validate_submission


def make_submission(path: Path, parts: Iterable[Mapping[str, Any]], spec: SubmissionSpec) -> int:
    """Write a submission, check it, and return its number of rows.

    The file appears at `path` only if it is valid. Until then an older file stays.

    Raises:
        SubmissionError: the submission is not valid; the message names every fault.
    """
    with replacing(path) as temporary:
        write_rows(temporary, parts, spec.decimals)
        return validate_submission(temporary, spec, name=path.name)


def write_rows(path: Path, parts: Iterable[Mapping[str, Any]], decimals: int = DECIMALS) -> int:
    """Write one CSV from parts and return its number of rows.

    Args:
        parts: mappings of column names to columns of equal length.
        decimals: decimals of a float.

    Raises:
        SubmissionError: there are no parts, or the columns of a part differ from the first part.
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
    """Return one row for each pixel of an image (H, W) or (H, W, 1).

    The id is `<name>_<row>_<column>`; rows and columns count from 1.
    """
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
