"""Finds the data of the competition below a mount, wherever it is."""

from __future__ import annotations

import csv
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from comp.data.listing import contains, entries
from comp.errors import DataError


def find_data(mount: Path, data: Mapping[str, Any]) -> Path:
    """The folder of the competition's data: the one with the sample submission, or, if the
    competition has none, with the files and folders of its layout.

    Of several, it is the one with the whole layout, with the columns of the run's sample
    submission, in a folder with Kaggle's name of the competition, and with the most folders of the
    run's data, in this order. A copy inside the data does not count. A layout may lack all but the
    test images, if Kaggle's name or another folder of the run's data tells whose they are.

    Raises:
        DataError: there is none, or it is not clear which one it is.
    """
    if not mount.is_dir():
        raise DataError(f"no folder {mount}: give --input the folder below which the data is")
    found = list(_candidates(mount, data))
    if not found and not data["sample_submission"]:
        tests = _candidates(mount, {**data, "layout": data["folders"]})
        found = [folder for folder in tests if folder == mount or _is_known(folder, data)]
    for fits in (_has_layout, _has_header, _has_slug):
        fitting = [folder for folder in found if fits(folder, data)]
        found = fitting or found
    alike = [sum((folder / name).is_dir() for name in data["inside"]) for folder in found]
    found = [f for f, count in zip(found, alike, strict=True) if count == max(alike)]
    if len(found) == 1:
        return found[0]
    slug = data["slug"]
    if found:
        shown = ", ".join(map(str, found[:5]))
        raise DataError(
            f"{len(found)} folders below {mount} may be the data of {slug} ({shown}): give --input "
            "the right one"
        )
    wanted = data["sample_submission"] or " and ".join(data["layout"])
    raise DataError(
        f"no {wanted} below {mount}, which has {entries(mount)}: add the data of {slug} to the "
        "notebook, or give --input its folder"
    )


def _candidates(mount: Path, data: Mapping[str, Any]) -> Iterator[Path]:
    """The topmost folders with the sample submission, or with the layout."""
    name = data["sample_submission"]
    for folder, stop in folders_below(mount):
        if name and not (folder / name).is_file():
            continue
        whole = _has_layout(folder, data)
        if name or whole:
            yield folder
        if whole:
            stop()


def folders_below(top: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """All visible folders from `top` down, level by level, each with a function that leaves out
    the folders in it. Links are followed; no folder comes twice."""
    waiting, seen = deque([top]), set[str]()
    while waiting:
        folder = waiting.popleft()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        inside = [True]
        yield folder, inside.clear
        if inside:
            waiting += folders_in(folder)


def folders_in(folder: Path) -> list[Path]:
    """The visible folders in a folder, sorted; none if it cannot be read."""
    try:
        with os.scandir(folder) as found:
            names = [entry.name for entry in found if entry.is_dir()]
    except OSError:
        return []
    return [folder / name for name in sorted(names) if not name.startswith((".", "__"))]


def _has_layout(folder: Path, data: Mapping[str, Any]) -> bool:
    return all(contains(folder, name) for name in data["layout"])


def _has_header(folder: Path, data: Mapping[str, Any]) -> bool:
    name = data["sample_submission"]
    try:
        return not name or list(header_of_sample(folder / name)) == list(data["header"])
    except DataError:
        return False


def _has_slug(folder: Path, data: Mapping[str, Any]) -> bool:
    return data["slug"] in folder.parts


def _is_known(folder: Path, data: Mapping[str, Any]) -> bool:
    """Whether more than the names of the test folders tells that it is the run's data."""
    others = set(data["inside"]) - set(data["folders"])
    return _has_slug(folder, data) or any((folder / name).is_dir() for name in others)


def header_of_sample(path: Path) -> Sequence[str]:
    """The column names of a sample submission, without spaces around them.

    Raises:
        DataError: it cannot be read, or is empty.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = (line for line in stream if line.strip())
            names = [name.strip() for name in next(csv.reader(lines), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path} ({error}): fetch the data again") from None
    if not names:
        raise DataError(f"{path} is empty: fetch the data again")
    return names
