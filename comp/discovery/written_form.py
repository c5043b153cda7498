"""How run lengths are written: order of the pixels, number of the first, mark of an empty mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from comp.discovery.conclusion import Code, Finding
from comp.discovery.evidence import Evidence
from comp.discovery.run_lengths import RunLengths
from comp.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from comp.submission.rle import RleFormat


class WrittenForm(NamedTuple):
    """How run lengths are written; `shown` says whether the data shows the order."""

    order: str
    base: int
    """The number of the first pixel."""
    empty: str
    """The mark of an empty mask."""
    shown: bool


def format_argument(
    evidence: Evidence,
    runs: RunLengths | None,
    folders: Sequence[str],
    masks: Mapping[Path, Path] | None = None,
) -> tuple[dict[str, Any], Finding]:
    """The argument `rle`, if run lengths are not in the usual form, and what is said of the form.

    Args:
        runs: the run lengths of the training images in `folders`; None if there are none.
        masks: the mask of each image, if there are mask images too.
    """
    found = form_of(evidence, runs, folders, masks or {}) if runs and folders else None
    form = found or WrittenForm("column", 1, "", False)
    order = {"column": "down the columns", "row": "along the rows"}[form.order]
    why = "so they are the mask images" if masks else "in the other order the masks are ragged"
    if not form.shown:
        why = "the usual form; nothing here shows the order of the pixels"
    what = f"run lengths go {order}, and the first pixel is {form.base}"
    finding = Finding(what, why, "likely" if form.shown else "guess")
    given = {"order": form.order, "base": form.base, "empty": form.empty}
    usual = {"order": "column", "base": 1, "empty": ""}
    different = [f"{key}={value!r}" for key, value in given.items() if value != usual[key]]
    text = f"RleFormat({', '.join(different)})"
    code = Code(text, "comp.submission.rle", "RleFormat")
    return {"rle": code} if different else {}, finding


def form_of(
    evidence: Evidence, runs: RunLengths, folders: Sequence[str], masks: Mapping[Path, Path]
) -> WrittenForm | None:
    """How some run lengths are written; None if it cannot be known."""
    from comp.data.images.pairs import image_size
    from comp.submission.rle import detect_format
    from comp.tasks.image_ids import ImageIndex

    index = ImageIndex([evidence.root / folder for folder in folders])
    cells: list[str | None] = []
    sizes: list[tuple[int, int]] = []
    pixels: list[np.ndarray | None] = []
    try:
        for image, cell in runs.cells:
            paths = index.find(image)
            size = image_size(paths[0]) if paths else None
            if size:
                cells.append(cell)
                sizes.append(size)
                pixels.append(_inside(masks.get(paths[0])))
        if not cells:
            return None
        form, _ = detect_format(cells, sizes, runs.sample_cells, pixels)
        order, shown = _order_of(cells, sizes, pixels, form)
    except DataError:
        return None
    return WrittenForm(order, form.base, form.empty, shown)


def _inside(mask: Path | None) -> np.ndarray | None:
    """The pixels of a mask image (H, W), not 0 inside; None without one."""
    from comp.data.images.masks import read_mask

    return None if mask is None else read_mask(mask)[..., 0]


def _order_of(
    cells: Sequence[str | None],
    sizes: Sequence[tuple[int, int]],
    masks: Sequence[np.ndarray | None],
    form: RleFormat,
) -> tuple[str, bool]:
    """The order of the pixels, and whether it is shown: by the masks, which have been compared with
    the run lengths in `form`, or by their edges."""
    from comp.data.rle_masks import order_problem
    from comp.submission.rle import decode

    other = replace(form, order="row" if form.order == "column" else "column")
    if any(mask is not None for mask in masks):
        pairs = zip(cells, sizes, masks, strict=True)
        return form.order, any(
            mask is not None and bool((decode(cell, size, other) != (mask != 0)).any())
            for cell, size, mask in pairs
        )
    if order_problem(cells, sizes, form):
        return other.order, True
    return form.order, bool(order_problem(cells, sizes, other))
