"""The pages of Denoising Dirty Documents: found, checked, and read with their paper."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from comp.contract.competition import Item, Sample
from comp.data.images.decode import read_gray
from comp.data.listing import check_names
from comp.errors import DataError
from comp.files import write_bytes
from competitions.denoising.backgrounds import estimate, recover

SAMPLE_SUBMISSION = "sampleSubmission.csv"


def train_pages(root: Path) -> list[Sample]:
    """The training pages, each with its clean twin; the group is the content of the twin.

    A page that cannot be read is left to the run, which looks at all images before it trains.

    Raises:
        DataError: naming a page without a twin, or twins of different size.
    """
    dirty, clean = _pngs(root / "train"), _pngs(root / "train_cleaned")
    lone = sorted(set(dirty) ^ set(clean))
    if lone:
        there, missing = (
            ("train", "train_cleaned") if lone[0] in dirty else ("train_cleaned", "train")
        )
        raise DataError(
            f"{len(lone)} pages have no twin: {there}/{lone[0]}.png has none in {missing}/"
        )
    return [_train_page(dirty[name], clean[name]) for name in sorted(dirty, key=_by_number)]


def _train_page(dirty: Path, clean: Path) -> Sample:
    page, target = _read(dirty), _read(clean)
    if page is None or target is None:
        return Sample(id=dirty.stem, image=dirty, target=clean)
    if page.shape != target.shape:
        raise DataError(
            f"{dirty} is {_size(page)} and its clean twin is {_size(target)}: they must be equal"
        )
    content = hashlib.sha256(repr(target.shape).encode() + target.tobytes()).hexdigest()[:12]
    return Sample(id=dirty.stem, image=dirty, target=clean, group=content, size=page.shape)


def _read(path: Path) -> np.ndarray | None:
    """A page in grey, None where it cannot be read."""
    try:
        return read_gray(path)
    except DataError:
        return None


def test_pages(root: Path) -> list[Sample]:
    """The test pages in the order of the sample submission, which says how large one is that cannot
    be read.

    Raises:
        DataError: when there is no sample submission, or it and the pages name different pages.
    """
    pages = _pngs(root / "test")
    sizes = _sizes(root / SAMPLE_SUBMISSION)
    odd = sorted(set(pages) ^ set(sizes), key=_by_number)
    if odd:
        where = "test/" if odd[0] in pages else SAMPLE_SUBMISSION
        raise DataError(
            f"test/ and {SAMPLE_SUBMISSION} differ in {len(odd)} pages: page {odd[0]} is only in "
            f"{where}; fetch the data again"
        )
    found = [(name, _read(pages[name]), size) for name, size in sizes.items()]
    return [
        Sample(id=name, image=pages[name], size=size if page is None else page.shape)
        for name, page, size in found
    ]


def _sizes(path: Path) -> dict[str, tuple[int, int]]:
    """(height, width) of the pages in the ids `<page>_<row>_<column>`, as they first appear."""
    try:
        ids = pl.read_csv(path, infer_schema=False, columns=[0], glob=False).to_series()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
    names = ids.str.replace(r"_\d+_\d+$", "")
    ends = ids.filter(names != names.shift(-1, fill_value=""))
    sizes: dict[str, tuple[int, int]] = {}
    for end in ends:
        pixel = re.fullmatch(r"(.*)_(\d+)_(\d+)", end)
        name, height, width = pixel.groups() if pixel else (end, 0, 0)
        seen = sizes.get(name, (0, 0))
        sizes[name] = max(seen[0], int(height)), max(seen[1], int(width))
    return sizes


def _pngs(folder: Path) -> dict[str, Path]:
    found = {path.stem: path for path in folder.glob("*.png") if not path.name.startswith(".")}
    if not found:
        raise DataError(f"no PNG pages in {folder}: fetch the data again")
    check_names(list(found.values()), folder)
    return found


def _by_number(name: str) -> tuple[int, str]:
    return (int(name) if name.isdecimal() else -1, name)


def _size(page: np.ndarray) -> str:
    return f"{page.shape[1]} x {page.shape[0]}"


@dataclass(frozen=True)
class PageReader:
    """Reads a page as uint8 (H, W, C) and its target as uint8 (H, W, 1), all kept in memory.

    The channels are the page, then its paper as recovered from the pages that share it, then its
    paper as estimated from the page alone; one or both papers may be left out.
    """

    pages: Mapping[str, np.ndarray]
    targets: Mapping[str, np.ndarray]

    @classmethod
    def over(cls, samples: Sequence[Sample], kind: str, folder: Path) -> PageReader:
        """Read all pages; recovered papers are kept in `folder` for the next fold."""
        grey = {_key(s): read_gray(s.image) for s in samples}
        targets = {
            _key(s): read_gray(s.target)[..., None] for s in samples if isinstance(s.target, Path)
        }
        layers: list[Mapping[str, np.ndarray]] = [grey]
        if kind == "recovered":
            layers.append(_kept(grey, folder / "papers.safetensors"))
        if kind != "off":
            layers.append({key: estimate(page) for key, page in grey.items()})
        stacked = {key: np.stack([layer[key] for layer in layers], axis=-1) for key in grey}
        return cls(stacked, targets)

    def __call__(self, sample: Sample) -> Item:
        """The page of a sample, with its target where it has one."""
        key = _key(sample)
        if key in self.targets:
            return {"image": self.pages[key], "target": self.targets[key]}
        return {"image": self.pages[key]}


def _key(sample: Sample) -> str:
    """Ids are unique within a split only."""
    return f"{sample.image.parent.name}/{sample.id}"


def _kept(pages: Mapping[str, np.ndarray], path: Path) -> Mapping[str, np.ndarray]:
    """The recovered papers of the pages, from the file if it holds them."""
    papers: Mapping[str, np.ndarray] = {}
    with suppress(FileNotFoundError, SafetensorError):  # cut: they are recovered anew
        papers = load_file(path)
    if set(papers) == set(pages):
        return papers
    papers = recover(pages)
    write_bytes(path, save(dict(papers)))
    return papers
