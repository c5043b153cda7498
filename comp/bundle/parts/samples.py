"""Lists the images of the test: those of the sample submission, or all below the test folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from comp.bundle.parts.images import Image, Log
from comp.bundle.parts.locate import header_of_sample
from comp.errors import DataError
from comp.tasks.image_ids import ImageIndex, folders_of, is_number

CHUNK = 200_000
"""Rows of a sample submission that are read at once."""


def list_images(root: Path, data: Mapping[str, Any], log: Log = print) -> list[Image]:
    """The images of the test, each once, in the order of the sample submission; without one, in
    the order of their names.

    Args:
        root: the data.
        data: `folders` are those of the images, below `root`, or patterns such as "part_*".
            `before` and `after` are around the id in the name of an image; with `anywhere`, a name
            is that of an image in any folder below. `ids` says how the id of an image follows from
            a cell of the sample submission, as a pattern with one group, or, without a sample
            submission, from the path of an image: "path" or "stem".

    Raises:
        DataError: there are no images, or the sample submission cannot be read.
    """
    folders = folders_of(root, data["folders"], "the test images")
    index = ImageIndex(folders)
    if not index.paths:
        raise DataError(f"no images in {' and '.join(map(str, folders))}: add the data again")
    if not data["sample_submission"]:
        return _all_images(index, data["ids"])
    return _images_of(list(image_ids(root, data)), index, data, log)


def _all_images(index: ImageIndex, ids: str) -> list[Image]:
    """All images; the id is the path below the folder, with its suffix or, as "stem", without."""
    names = [name if ids == "path" else name.rpartition(".")[0] for name in index.names]
    if len(set(names)) < len(names):
        raise DataError(
            "two images of the test have the same name, so their rows would be mixed up"
        )
    return [Image(name, path) for name, path in zip(names, index.paths, strict=True)]


def image_ids(root: Path, data: Mapping[str, Any]) -> Iterator[str]:
    """The ids of the images in the sample submission, each once, in order.

    Raises:
        DataError: a cell is not in the form that the run knows.
    """
    pattern, seen = re.compile(data["ids"], re.DOTALL), set[str]()
    for cell in row_ids(root / data["sample_submission"], data["id_column"]):
        match = pattern.fullmatch(cell)
        if match is None:
            raise DataError(
                f"{data['sample_submission']} has the id {cell!r:.60}, which is not in the form of "
                "the run's ids: bundle a run on this data"
            )
        name = match[1]
        if name not in seen:
            seen.add(name)
            yield name


def row_ids(path: Path, column: str | None = None) -> Iterator[str]:
    """The cells of a column of the sample submission as text, by default of the first one; rows
    without one are left out.

    Raises:
        DataError: the file cannot be read, or does not have the column.
    """
    header = list(header_of_sample(path))
    name = column or header[0]
    if name not in header:
        raise DataError(f"{path} has no column '{name}', only {', '.join(header[:12])}")
    try:
        with pd.read_csv(
            path,
            usecols=[header.index(name)],
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8-sig",
            chunksize=CHUNK,
        ) as chunks:
            for chunk in chunks:
                yield from chunk.iloc[:, 0].dropna()
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise DataError(f"cannot read {path} ({error}): fetch the data again") from None


def _images_of(ids: list[str], index: ImageIndex, data: Mapping[str, Any], log: Log) -> list[Image]:
    """The image of each id. Of several images the first is taken; an id without an image gets a
    path that does not exist. The log says both."""
    if not ids:
        raise DataError(f"{data['sample_submission']} has no rows: add the data again")
    names = {name: f"{data['before']}{name}{data['after']}" for name in ids}
    exact = _by_name(index) if data["anywhere"] else index.exact
    absent = [name for name in names.values() if name not in exact]
    alike = index.find_alike(absent, all(map(is_number, ids))) if absent else {}
    missing = [name for name in absent if name not in alike]
    if len(missing) == len(ids):
        where = " and ".join(map(str, index.folders))
        raise DataError(f"{where} has no image of '{missing[0]}' or any other id of the test")
    _tell(log, "missing", missing, "without an image: they get the mean prediction")
    _tell(log, "found", [n for n in names.values() if n in index.several], "with several images")
    first = index.folders[0]
    paths = (
        index.paths[exact[name]] if name in exact else alike.get(name, first / name)
        for name in names.values()
    )
    return [Image(name, path) for name, path in zip(ids, paths, strict=True)]


def _by_name(index: ImageIndex) -> dict[str, int]:
    """The first image of each file name, with and without its suffix, in any folder."""
    found: dict[str, int] = {}
    for number, path in enumerate(index.names):
        name = path.rpartition("/")[2]
        found.setdefault(name, number)
        found.setdefault(name.rpartition(".")[0], number)
    return found


def _tell(log: Log, word: str, names: Iterable[str], what: str) -> None:
    listed = list(names)
    if listed:
        shown = ", ".join(repr(name) for name in listed[:3])
        log(f"{word} {len(listed):,} ids {what} ({shown}{', ...' * (len(listed) > 3)})")
