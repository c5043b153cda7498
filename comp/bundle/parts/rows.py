"""The rows of an image in the submission, as the section `rows` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from comp.bundle.parts.dense_rows import Places, mask_rows, pixel_rows_of
from comp.bundle.parts.images import Image
from comp.bundle.parts.kinds import of_kind
from comp.bundle.parts.own import OWN
from comp.contract.sample import Sample
from comp.tasks.row_form import RowForm

Rows = Mapping[str, Any]
"""Column -> cells, as many in each column as the image has rows."""
RowsOf = Callable[[Image, np.ndarray, np.ndarray], Rows]
"""(image, prediction, decision) -> rows of the image."""


def make_rows(rows: Mapping[str, Any], places: Mapping[str, Places] | None = None) -> RowsOf:
    """The function that writes the rows of an image.

    Args:
        rows: {"kind": "table", "id_column": "id", "form": {...}} with the fields of
            `comp.tasks.row_form.RowForm`, {"kind": "masks", ...} with those of
            `comp.tasks.mask_form.MaskForm`, {"kind": "pixels", "id_column": "id", "value_column":
            "value"}, or {"kind": "own"} for a function of the plugin.
        places: the pixels of each image that are asked for; None: all.
    """
    return of_kind(ROWS, rows["kind"], "rows")(rows, places)


def rows_of(
    image: Image, prediction: np.ndarray, decision: np.ndarray, rows: Mapping[str, Any]
) -> Rows:
    """The rows of one image; `make_rows` is faster for many."""
    return make_rows(rows)(image, prediction, decision)


def _table_rows(
    image: Image, prediction: np.ndarray, decision: np.ndarray, id_column: str, form: RowForm
) -> Rows:
    cells = form.cells(prediction, decision)
    return {id_column: [image.id]} | {name: [cell] for name, cell in cells.items()}


def _mask_rows(
    image: Image, _prediction: np.ndarray, decision: np.ndarray, rows: Mapping[str, Any]
) -> Rows:
    return mask_rows(image.id, decision, rows)


def _pixel_rows(
    image: Image,
    prediction: np.ndarray,
    _decision: np.ndarray,
    rows: Mapping[str, Any],
    places: Mapping[str, Places],
) -> Rows:
    return pixel_rows_of(image.id, prediction, rows, places.get(image.id))


def _own_rows(image: Image, prediction: np.ndarray, decision: np.ndarray) -> Rows:
    sample = Sample(id=image.id, image=image.path)
    found: Rows = OWN["rows"](sample, prediction, decision)
    return found


def _make_table(rows: Mapping[str, Any], _places: object) -> RowsOf:
    return partial(_table_rows, id_column=rows["id_column"], form=RowForm(**rows["form"]))


def _make_masks(rows: Mapping[str, Any], _places: object) -> RowsOf:
    return partial(_mask_rows, rows=rows)


def _make_pixels(rows: Mapping[str, Any], places: Mapping[str, Places] | None) -> RowsOf:
    return partial(_pixel_rows, rows=rows, places=places or {})


def _make_own(_rows: Mapping[str, Any], _places: object) -> RowsOf:
    return _own_rows


ROWS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Places] | None], RowsOf]] = {
    "table": _make_table,
    "masks": _make_masks,
    "pixels": _make_pixels,
    "own": _make_own,
}
"""Kind of the section -> what makes the function of the rows."""
