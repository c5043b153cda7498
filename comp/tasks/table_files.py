"""The files of a competition's data: columns of a CSV, images in a folder, and their problems."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from comp.contract.sample import Sample
from comp.data.audit.findings import Finding, findings_of
from comp.data.audit.sample_checks import UnfitSamplesError
from comp.errors import DataError

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


def read_text_table(path: Path) -> pl.DataFrame:
    """A CSV file with all columns as text.

    Raises:
        DataError: the file does not exist, or cannot be read.
    """
    import polars as pl

    try:
        return pl.read_csv(path, infer_schema=False, glob=False)
    except FileNotFoundError:
        raise DataError(f"no {path.name} in {path.parent}: fetch the data again") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}") from None


def read_columns(path: Path, names: Sequence[str], problems: TableProblems) -> pl.DataFrame:
    """Columns of a CSV as text, the first of them ids; rows without an id are left out."""
    frame = read_text_table(path)
    for name in names:
        if name not in frame.columns:
            raise DataError(
                f"{path} has no column '{name}', only {', '.join(frame.columns)}: fetch the data "
                "again, or correct the column names in the plugin"
            )
    name, ids = names[0], frame[names[0]]
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
    repeated = ids.filter(ids.is_duplicated() & ids.is_not_null())
    if len(repeated):
        more = and_more(repeated.n_unique())
        problems.messages.append(
            f"{path}: the {name} '{repeated[0]}' occurs more than once{more}: remove the extra row"
        )
    return frame.filter(ids.is_not_null()).select(names)


def find_images(
    ids: Sequence[str], folder: Path, table: Path, problems: TableProblems
) -> list[Path]:
    """The image of each id: `<id>`, or `<id>.<suffix>` of a supported format. If no image exists,
    the path is `folder / id`, which an audit reports as missing."""
    from comp.data.listing import image_files

    images: dict[str, list[Path]] = {}
    for path in image_files(folder):
        relative = path.relative_to(folder)
        for name in {relative.as_posix(), relative.with_suffix("").as_posix()}:
            images.setdefault(name, []).append(path)
    missing = [name for name in ids if name not in images]
    if missing:
        problems.messages.append(
            f"{folder} has no image for '{missing[0]}' of {table.name} "
            f"({len(missing)} of {len(ids)} are missing): fetch the data again"
        )
        # The file exists, so the audit would not report it. `Path.is_file` raises for long names.
        unread = [name for name in missing if os.path.isfile(folder / name)]  # noqa: PTH113
        problems.findings += findings_of(
            "no-image",
            "error",
            unread,
            f"ids of {table.name} whose file has a format that is not supported",
            "convert them to PNG or JPEG",
        )
    several = {name: images[name] for name in ids if len(images.get(name, [])) > 1}
    if several:
        name, paths = next(iter(several.items()))
        problems.messages.append(
            f"{folder} has {len(paths)} images for '{name}', "
            f"{' and '.join(path.name for path in paths[:2])}{and_more(len(several))}: remove one"
        )
        problems.findings += findings_of(
            "several-images",
            "error",
            [f"{i}: {' and '.join(p.name for p in paths)}" for i, paths in several.items()],
            f"ids of {table.name} with several images",
            "keep one image for each id",
        )
    return [images[name][0] if name in images else folder / name for name in ids]


def and_more(count: int) -> str:
    """The end of a message that names the first of `count` problems."""
    return f", and {count - 1:,} more like it" * (count > 1)


def write_table(path: Path, header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Write a CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *lines])


def header_of(path: Path) -> list[str]:
    """The column names of a CSV.

    Raises:
        DataError: the file is missing, or is not a table.
    """
    import polars as pl

    try:
        return pl.scan_csv(path, infer_schema=False, glob=False).collect_schema().names()
    except FileNotFoundError:
        raise DataError(f"no {path.name} in {path.parent}: fetch the data again") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
