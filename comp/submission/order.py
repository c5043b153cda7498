"""Puts the rows of a submission of run lengths into the order of the sample submission."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from comp.submission.spec import SubmissionSpec


def order_rows(path: Path, spec: SubmissionSpec) -> None:
    """Sort the rows of a CSV file like those of the sample submission, in memory.

    A row is known by its id and its class: by all columns but those of the run lengths. A file with
    other columns, or other such rows, does not change: the validation describes the difference.
    Without run lengths, or without a sample submission, nothing changes.
    """
    if not (spec.rle and isinstance(spec.template, Path)):
        return
    try:
        mine, sample = (
            pl.read_csv(file, infer_schema=False, glob=False) for file in (path, spec.template)
        )
    except (pl.exceptions.PolarsError, OSError):
        return
    names = [name for name in sample.columns if name not in spec.rle]
    if mine.columns != sample.columns or not names or mine.height != sample.height:
        return
    keys, expected = mine.select(names), sample.select(names)
    if keys.equals(expected) or keys.is_duplicated().any():
        return
    rows = expected.join(
        keys.with_row_index("_row"), on=names, how="left", nulls_equal=True, maintain_order="left"
    )["_row"]
    lines = path.read_bytes().splitlines(keepends=True)
    if rows.null_count() or rows.n_unique() < len(rows) or len(lines) != len(rows) + 1:
        return
    order = np.asarray(rows) + 1
    path.write_bytes(b"".join([lines[0], *(lines[i] for i in order.tolist())]))
