"""The files of a competition's data: columns of a CSV, images in a folder, and their problems."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from comp.config.nearest import did_you_mean
from comp.contract.sample import Sample
from comp.data.audit.findings import Finding, findings_of
from comp.data.audit.sample_checks import UnfitSamplesError
from comp.data.listing import SUFFIXES
from comp.data.text_table import TableError, header_of, list_of, read_text_table
from comp.errors import DataError
from comp.tasks.alike_names import AlikeNames
from comp.tasks.image_ids import ImageIndex, ImageSearch, is_below, is_number
from comp.tasks.label_cells import looks_like_number
from comp.tasks.missing_images import missing_message

if TYPE_CHECKING:
    import polars as pl


@dataclass
class TableProblems:
    """Problems of a table. A run shows the first of `messages`; an audit shows all problems: those
    that the samples do not show are in `findings`."""

    messages: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def check(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """Return the samples if there are no problems.

        Raises:
            UnfitSamplesError: there are problems.
        """
        if not self.messages:
            return samples
        more = len(self.messages) - 1
        suffix = f" ({more} more kind{'s' * (more > 1)} of problem: 'comp check' shows all)"
        raise UnfitSamplesError(self.messages[0] + suffix * (more > 0), samples, self.findings)


def noun_of(group_column: str | None) -> str | None:
    """What one group is called in messages: "patient" for the column "patient_id"."""
    if group_column is None:
        return None
    noun = re.sub(r"([\s_-]+[iI][dD]s?|(?<=[a-z])I[dD]s?)$", "", group_column)
    return noun.replace("_", " ").strip() or group_column


def read_columns(path: Path, needed: Mapping[str, str], problems: TableProblems) -> pl.DataFrame:
    """Columns of a CSV as text, the first of them ids; rows without an id are left out.

    Args:
        needed: column -> the argument of the plugin that names it.
    """
    check_columns_exist(path, needed)
    frame = read_text_table(path, list(needed))
    name = next(iter(needed))
    ids = frame[name]
    if ids.null_count() == frame.height:
        raise DataError(f"{path}: the column '{name}' is empty: fetch the data again")
    if ids.null_count():
        rows = [f"row {row + 1}" for row in ids.is_null().arg_true()]
        problems.messages.append(
            f"{path}: {rows[0]} has no {name}{and_more(len(rows))}: fetch the data again"
        )
        problems.findings += findings_of(
            "no-id",
            "error",
            rows,
            f"rows of {path.name} without {name}",
            "add the id, or remove the row",
        )
    frame = frame.filter(ids.is_not_null())
    repeated = frame.filter(frame[name].is_duplicated())
    if repeated.height:
        problems.messages.append(_repeated(path, repeated))
    return frame


def check_columns_exist(path: Path, needed: Mapping[str, str]) -> None:
    """Check that a CSV has columns.

    Args:
        needed: column -> the argument of the plugin that names it.

    Raises:
        DataError: one is missing; the message names those that it has.
    """
    header = header_of(path)
    for name, argument in needed.items():
        if name not in header:
            data = not set(header) & set(needed) and any(map(_looks_like_data, header))
            first = "the first line looks like data: add a line of column names, or " * data
            raise TableError(
                f"{path} has no column '{name}', only {list_of(header)}: "
                f"{first}{did_you_mean(name, header)}correct {argument} in the plugin"
            )


def _looks_like_data(name: str) -> bool:
    """Whether a column name is a number or the name of an image."""
    return looks_like_number(name) or Path(name).suffix.lower() in SUFFIXES


def _repeated(path: Path, rows: pl.DataFrame) -> str:
    """The problem of rows whose id, their first column, occurs more than once."""
    import polars as pl

    name = rows.columns[0]
    more = and_more(rows[name].n_unique())
    different = rows.group_by(name, maintain_order=True).agg(pl.all().n_unique())
    columns = [n for n in rows.columns[1:] if (different[n] > 1).any()]
    if not columns:
        return (
            f"{path}: the {name} '{rows[name][0]}' occurs more than once, in equal rows{more}: "
            "remove the extra row"
        )
    column = columns[0]
    first = different.filter(pl.col(column) > 1)[name][0]
    cells = rows.filter(pl.col(name) == first)[column].unique(maintain_order=True)
    values = " and ".join(f"'{cell or ''}'" for cell in cells[:2])
    return (
        f"{path}: the {name} '{first}' occurs more than once, with the {column} {values}{more}: "
        "find out which row is right, and remove the others"
    )


def find_images(ids: Sequence[str], search: ImageSearch, problems: TableProblems) -> list[Path]:
    """The image of each id, as `comp.tasks.image_ids` finds it. If there is none, the path is that
    of the id below the first folder, which an audit reports as missing."""
    index = ImageIndex(search.folders)
    rows = [index.exact.get(name, -1) for name in ids]
    absent = list(dict.fromkeys(name for name, row in zip(ids, rows, strict=True) if row < 0))
    alike = AlikeNames(index).find(absent, all(map(is_number, ids))) if absent else {}
    missing = [name for name in absent if name not in alike]
    table, folder = search.table, search.folders[0]
    if missing:
        problems.messages.append(missing_message(search, index, missing, ids))
        # The file exists, so the audit would not report it. `Path.is_file` raises for long names.
        unread = [name for name in missing if os.path.isfile(folder / name)]  # noqa: PTH113
        problems.findings += findings_of(
            "no-image",
            "error",
            unread,
            f"ids of {table.name} whose file has a format that is not supported",
            "convert them to PNG or JPEG",
        )
    several = {name: index.find(name) for name in ids if name in index.several}
    if several:
        problems.messages.append(_several(search, several))
        problems.findings += findings_of(
            "several-images",
            "error",
            [f"{i}: {_names(paths, search)}" for i, paths in several.items()],
            f"ids of {table.name} with several images",
            "keep one image for each id",
        )
    found = [
        index.paths[row] if row >= 0 else alike.get(name, folder / name)
        for name, row in zip(ids, rows, strict=True)
    ]
    if alike or len(set(rows)) < len(ids):
        _check_shared(ids, found, search, problems)
    return found


def _several(search: ImageSearch, several: Mapping[str, Sequence[Path]]) -> str:
    name, paths = next(iter(several.items()))
    where = " and ".join(map(str, search.folders[:3]))
    return (
        f"{where} {'has' if len(search.folders) == 1 else 'have'} {len(paths)} images for "
        f"'{name}', {_names(paths[:2], search)}{and_more(len(several))}: remove one"
    )


def _names(paths: Sequence[Path], search: ImageSearch) -> str:
    """The paths of images below their folder; below the data if there are several folders."""
    parent = search.folders[0] if len(search.folders) == 1 else search.root
    below = (path.relative_to(parent) if path.is_relative_to(parent) else path for path in paths)
    return " and ".join(path.as_posix() for path in below)


def _check_shared(
    ids: Sequence[str], found: Sequence[Path], search: ImageSearch, problems: TableProblems
) -> None:
    """Add the problem that two ids are the same image."""
    first: dict[Path, str] = {}
    for name, image in zip(ids, found, strict=True):
        if first.setdefault(image, name) != name:
            problems.messages.append(
                f"{search.table}: the ids '{first[image]}' and '{name}' are the same image: remove "
                "one row"
            )
            return


def and_more(count: int) -> str:
    """The end of a message that names the first of `count` problems."""
    return f", and {count - 1:,} more like it" * (count > 1)


def write_table(path: Path, header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Write a CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *lines])


@lru_cache(maxsize=256)
def first_column(folder: Path, test_images: tuple[str, ...], sample_submission: str) -> str:
    """The first column of the sample submission of a data folder that contains `folder` in one of
    the `test_images`; "" if there is no such file."""
    for root in (folder, *folder.parents):
        path = root / sample_submission
        below = folder.relative_to(root).as_posix()
        if any(is_below(below, name) for name in test_images) and path.is_file():
            return header_of(path)[0]
    return ""
