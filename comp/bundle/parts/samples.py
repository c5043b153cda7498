"""Lists the images of the test: those of the sample submission, or all below the test folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from comp.bundle.parts.images import Image, Log
from comp.bundle.parts.kinds import of_kind
from comp.bundle.parts.locate import header_of_sample
from comp.bundle.parts.write import BETWEEN
from comp.errors import DataError
from comp.tasks.alike_names import AlikeNames
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
            is that of an image in any folder below, and with `alike`, the names may differ a little
            from those of the images, as in a run. `ids` says how the id of an image follows from
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
    if header.count(name) != 1:
        found = f"has the column '{name}' twice" if name in header else f"has no column '{name}'"
        raise DataError(f"{path} {found}, only {', '.join(header[:12])}")
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


def id_column(root: Path, data: Mapping[str, Any]) -> str | None:
    """The column of the ids; None if there is no sample submission that says it."""
    if data["id_column"] or not data["sample_submission"]:
        found: str | None = data["id_column"]
        return found
    return header_of_sample(root / data["sample_submission"])[0]


def row_keys(path: Path, columns: Sequence[str]) -> Iterator[str]:
    """The cells of some columns of each row of the sample submission, joined by `BETWEEN`."""
    for cells in zip(*(row_ids(path, name) for name in columns), strict=True):
        yield BETWEEN.join(cells)


def _images_of(ids: list[str], index: ImageIndex, data: Mapping[str, Any], log: Log) -> list[Image]:
    """The image of each id. An id without an image gets a path that does not exist, and the log
    says so.

    Raises:
        DataError: most ids have no image, an id has several, or two have the same one.
    """
    if not ids:
        raise DataError(f"{data['sample_submission']} has no rows: add the data again")
    names = {name: f"{data['before']}{name}{data['after']}" for name in ids}
    known = _by_name(index) if data["anywhere"] else {n: [i] for n, i in index.exact.items()}
    known |= {} if data["anywhere"] else index.several
    absent = [name for name in names.values() if name not in known]
    alike: Mapping[str, Path] = {}
    if absent and data["alike"]:
        alike = of_kind(SEARCHES, "alike", "search of images")(index, absent, ids)
    missing = [name for name in absent if name not in alike]
    if 2 * len(missing) > len(ids):
        where = " and ".join(map(str, index.folders))
        raise DataError(
            f"{where} has no image of {len(missing):,} of {len(ids):,} ids of the test, such as "
            f"'{missing[0]}': add the whole data again"
        )
    _tell(log, "missing", missing, "without an image: they get the mean prediction")
    first = index.folders[0]
    paths = {
        name: [index.paths[i] for i in known.get(named, ())] or [alike.get(named, first / named)]
        for name, named in names.items()
    }
    _check_one_each(paths)
    return [Image(name, path) for name, (path,) in paths.items()]


def _check_one_each(paths: Mapping[str, Sequence[Path]]) -> None:
    """Check that an id has one image, which no other id has: a guess would be a wrong row."""
    owners: dict[Path, str] = {}
    for name, found in paths.items():
        if len(found) > 1:
            raise DataError(
                f"the id '{name}' has {len(found)} images, {found[0]} and {found[1]}: bundle a run "
                "on this data"
            )
        if owners.setdefault(found[0], name) != name:
            raise DataError(
                f"the ids '{owners[found[0]]}' and '{name}' are the same image {found[0]}: bundle "
                "a run on this data"
            )


def _by_name(index: ImageIndex) -> dict[str, list[int]]:
    """The images of each file name, with and without its suffix, in any folder."""
    found: dict[str, list[int]] = {}
    for number, path in enumerate(index.names):
        name = path.rpartition("/")[2]
        for key in dict.fromkeys((name, name.rpartition(".")[0])):
            found.setdefault(key, []).append(number)
    return found


def _tell(log: Log, word: str, names: Iterable[str], what: str) -> None:
    listed = list(names)
    if listed:
        shown = ", ".join(repr(name) for name in listed[:3])
        log(f"{word} {len(listed):,} ids {what} ({shown}{', ...' * (len(listed) > 3)})")


def _find_alike(index: ImageIndex, absent: Sequence[str], ids: Sequence[str]) -> Mapping[str, Path]:
    return AlikeNames(index).find(absent, all(map(is_number, ids)))


SEARCHES: dict[str, Callable[..., Mapping[str, Path]]] = {
    "alike": _find_alike,
}
"""How to search the images of ids that are not their names."""
