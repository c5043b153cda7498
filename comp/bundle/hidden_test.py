"""A hidden test like Kaggle's: twice the images of the public test, with other ids, in another
order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.listing import SUFFIXES
from comp.errors import CompError

TIMES = 2
_SEED = 0


class NotPossibleError(CompError):
    """A hidden test cannot be made of this public test."""


@dataclass(frozen=True, kw_only=True)
class HiddenTest:
    """What is in the hidden test."""

    samples: Sequence[Sample]
    """In the order of its sample submission; their images are those of the public test."""
    old_ids: Mapping[str, str]
    """Id there -> id of the same image in the public test."""
    links: Mapping[Path, Path]
    """Relative path of an image there -> relative path of the same image in the data."""
    tables: Mapping[Path, pl.DataFrame]
    """Relative path -> a table of the test with the new rows."""
    left_out: Sequence[Path]
    """Relative paths of the files of the public test."""


def plan_hidden_test(competition: Competition, root: Path, samples: Sequence[Sample]) -> HiddenTest:
    """Plan a hidden test, from the samples of the public test in the data folder `root`.

    Raises:
        NotPossibleError: the name of an image does not contain its id, or several images share one
            prediction.
    """
    if competition.pool:
        raise NotPossibleError("several images share one prediction")
    order = np.random.default_rng(_SEED).permutation(TIMES * len(samples)) % len(samples)
    chosen = [samples[index] for index in order.tolist()]
    tables = _test_tables(competition, root, samples)
    by_position = any(column is None for column in tables.values())
    ids = [str(n + 1) for n in range(len(chosen))] if by_position else new_ids(chosen)
    links: dict[Path, Path] = {}
    hidden = []
    for sample, new_id in zip(chosen, ids, strict=True):
        image = sample.image and sample.image.relative_to(root)
        if image and image not in tables:
            name = renamed(image, sample.id, new_id)
            links[name] = image
        hidden.append(replace(sample, id=new_id))
    submission = competition.sample_submission
    return HiddenTest(
        samples=hidden,
        old_ids={new.id: old.id for new, old in zip(hidden, chosen, strict=True)},
        links=links,
        tables={
            path: _new_rows(root / path, column, chosen, ids, order)
            for path, column in tables.items()
        },
        left_out=[*set(links.values()), *tables, *([Path(submission)] if submission else [])],
    )


def new_ids(samples: Sequence[Sample]) -> list[str]:
    """An id for each sample that no sample has, in the form of its own: numbers stay numbers, and a
    folder or a suffix in it stays. They are not sorted."""
    parts = [_split(sample.id) for sample in samples]
    numbers = (np.random.default_rng(_SEED + 1).permutation(len(parts)) + 1).tolist()
    if all(re.fullmatch(r"[0-9]+", stem) for _, stem, _ in parts):
        last = max(int(stem) for _, stem, _ in parts)
        stems = [
            str(last + n).zfill(len(stem)) for n, (_, stem, _) in zip(numbers, parts, strict=True)
        ]
    else:
        stems = [f"{stem}h{n}" for n, (_, stem, _) in zip(numbers, parts, strict=True)]
    return [f"{folder}{s}{suffix}" for s, (folder, _, suffix) in zip(stems, parts, strict=True)]


def _split(name: str) -> tuple[str, str, str]:
    """The folder, the stem and the suffix of an id, which may be a file name."""
    folder, slash, last = name.rpartition("/")
    suffix = PurePosixPath(last).suffix
    suffix = suffix if suffix.lower() in SUFFIXES else ""
    return folder + slash, last.removesuffix(suffix), suffix


def renamed(path: Path, old_id: str, new_id: str) -> Path:
    """The path of an image with another id.

    Raises:
        NotPossibleError: it does not contain the id.
    """
    pattern = rf"(?<![0-9A-Za-z]){re.escape(old_id)}(?![0-9A-Za-z])"
    name, count = re.subn(pattern, new_id.replace("\\", r"\\"), path.as_posix())
    if not count:
        raise NotPossibleError(f"the name {path} does not contain the id {old_id}")
    return Path(name)


def _test_tables(
    competition: Competition, root: Path, samples: Sequence[Sample]
) -> dict[Path, str | None]:
    """The tables with a row for each test sample, and the column of the ids in each; None: an id is
    the number of the row."""
    images = {sample.image.relative_to(root) for sample in samples if sample.image}
    ids = sorted(sample.id for sample in samples)
    found: dict[Path, str | None] = {}
    for file in sorted(root.glob("*.csv")):
        path = file.relative_to(root)
        if str(path) == competition.sample_submission or "train" in path.name.lower():
            continue
        column = _id_column(file, ids)
        rows_are_samples = path in images or (not images and "test" in path.name.lower())
        if column is not None or rows_are_samples:
            found[path] = column
    return found


def _id_column(file: Path, ids: Sequence[str]) -> str | None:
    """The column of a table that has exactly these ids; None if there is none."""
    try:
        table = pl.scan_csv(file, infer_schema=False, glob=False)
        if table.select(pl.len()).collect().item() != len(ids):
            return None
        for name in table.collect_schema().names()[:5]:
            if table.select(name).collect().to_series().sort().to_list() == list(ids):
                return name
    except (pl.exceptions.PolarsError, OSError):
        pass
    return None


def _new_rows(
    file: Path,
    column: str | None,
    chosen: Sequence[Sample],
    ids: Sequence[str],
    order: np.ndarray,
) -> pl.DataFrame:
    """The rows of a table for the chosen samples."""
    table = pl.read_csv(file, infer_schema=False, glob=False)
    if column is None:
        return table[order]
    place = {name: row for row, name in enumerate(table[column])}
    rows = table[[place[sample.id] for sample in chosen]]
    return rows.with_columns(pl.Series(column, ids, dtype=pl.String))
