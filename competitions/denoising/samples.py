"""Find and check the pages of Denoising Dirty Documents."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import polars as pl

from comp.contract.sample import Sample
from comp.data.images.decode import read_gray
from comp.data.listing import check_names
from comp.errors import DataError

SAMPLE_SUBMISSION = "sampleSubmission.csv"


def train_pages(root: Path) -> list[Sample]:
    """The training pages with their clean pages; the group is the content of the clean page.

    Unreadable pages stay in the list: the run checks all images before it trains.

    Raises:
        DataError: a page has no clean page, or one of another size.
    """
    dirty, clean = _pngs(root / "train"), _pngs(root / "train_cleaned")
    unpaired = sorted(set(dirty) ^ set(clean))
    if unpaired:
        folder, other = "train", "train_cleaned"
        if unpaired[0] in clean:
            folder, other = other, folder
        raise DataError(
            f"{folder}/{unpaired[0]}.png has no page of the same name in {other}/ "
            f"({len(unpaired)} without one in all): fetch the data again"
        )
    return [_train_page(dirty[name], clean[name]) for name in sorted(dirty, key=_page_number)]


def _train_page(dirty: Path, clean: Path) -> Sample:
    page, target = _read(dirty), _read(clean)
    if page is None or target is None:
        return Sample(id=dirty.stem, image=dirty, target=clean)
    if page.shape != target.shape:
        raise DataError(
            f"{dirty} is {_size(page)} and its clean page is {_size(target)}: they must be equal; "
            "fetch the data again"
        )
    content = hashlib.sha256(repr(target.shape).encode() + target.tobytes()).hexdigest()[:12]
    return Sample(id=dirty.stem, image=dirty, target=clean, group=content, size=page.shape)


def _read(path: Path) -> np.ndarray | None:
    """A grey page, None if it cannot be read."""
    try:
        return read_gray(path)
    except DataError:
        return None


def test_pages(root: Path) -> list[Sample]:
    """The test pages in the order of the sample submission, which contains the size of unreadable
    pages too.

    Raises:
        DataError: the sample submission is missing, or contains other pages than `test/`.
    """
    pages = _pngs(root / "test")
    sizes = _submission_sizes(root / SAMPLE_SUBMISSION)
    different = sorted(set(pages) ^ set(sizes), key=_page_number)
    if different:
        where = "test/" if different[0] in pages else SAMPLE_SUBMISSION
        raise DataError(
            f"test/ and {SAMPLE_SUBMISSION} differ in {len(different)} pages: page {different[0]} "
            f"is only in {where}; fetch the data again"
        )
    read = [(name, _read(pages[name]), size) for name, size in sizes.items()]
    return [
        Sample(id=name, image=pages[name], size=size if page is None else page.shape)
        for name, page, size in read
    ]


def _submission_sizes(path: Path) -> dict[str, tuple[int, int]]:
    """(height, width) of the pages in the ids `<page>_<row>_<column>`, in order of appearance."""
    try:
        ids = pl.read_csv(path, infer_schema=False, columns=[0], glob=False).to_series()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"cannot read {path}: {str(error).splitlines()[0]}; fetch the data again"
        ) from None
    names = ids.str.replace(r"_\d+_\d+$", "")
    last_ids = ids.filter(names != names.shift(-1, fill_value=""))
    sizes: dict[str, tuple[int, int]] = {}
    for last_id in last_ids:
        pixel = re.fullmatch(r"(.*)_(\d+)_(\d+)", last_id)
        name, height, width = pixel.groups() if pixel else (last_id, 0, 0)
        size = sizes.get(name, (0, 0))
        sizes[name] = max(size[0], int(height)), max(size[1], int(width))
    return sizes


def _pngs(folder: Path) -> dict[str, Path]:
    pages = {path.stem: path for path in folder.glob("*.png") if not path.name.startswith(".")}
    if not pages:
        raise DataError(f"no PNG pages in {folder}: fetch the data again")
    check_names(list(pages.values()), folder)
    return pages


def _page_number(name: str) -> tuple[int, str]:
    return (int(name) if name.isdecimal() else -1, name)


def _size(page: np.ndarray) -> str:
    return f"{page.shape[1]} x {page.shape[0]}"
