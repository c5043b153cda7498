"""Which table is the sample submission, which is of the test set, and which may have the labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from comp.discovery.tables import DataTable, words_of

_SUBMISSION = re.compile(
    r"sub(mission)?s?(\d|$|[_-])|submission|sample.*(entry|solution)|benchmark"
)
_TEST = frozenset({"test", "testing", "tests"})
_TRAIN = frozenset({"train", "training", "labels", "label", "trainlabels"})
PIXELS = 64
"""Columns named pixel<number> from which on a table has images in its rows."""


@dataclass(frozen=True)
class Roles:
    """The tables of a competition; None for one that it does not have."""

    submission: DataTable | None
    test: DataTable | None
    candidates: tuple[DataTable, ...]
    """Tables that may have the labels, those named so first."""

    def named(self, path: str) -> DataTable | None:
        """The candidate with this path."""
        return next((table for table in self.candidates if table.path == path), None)


def find_roles(
    tables: Sequence[DataTable], share: Callable[[Iterable[str]], float] | None = None
) -> Roles:
    """The roles of the tables.

    Args:
        share: the share of some ids that are names of images, which chooses between several sample
            submissions.
    """
    filled = [table for table in tables if table.rows and table.columns]
    named = [table for table in filled if _is_submission(table)]
    others = [table for table in filled if table not in named]
    tests = [table for table in others if _words(table) & _TEST and not _words(table) & _TRAIN]
    submission = _submission(named, tests, share)
    test = next((t for t in tests if submission and t.rows == submission.rows), None)
    test = test or next(iter(tests), None)
    rest = [t for t in others if t not in tests] or [t for t in others if t is not test]
    rest.sort(key=lambda table: (not _words(table) & _TRAIN, table.path.count("/"), table.path))
    return Roles(submission, test, tuple(rest))


def is_named_train(table: DataTable) -> bool:
    """Whether the name of a table says that it has the training set, or labels."""
    return bool(_words(table) & _TRAIN)


def is_needed(path: str) -> bool:
    """Whether the name of a table says that it is the training set, the test set or the sample
    submission."""
    stem = PurePosixPath(path).stem
    return bool(words_of(stem) & (_TRAIN | _TEST)) or bool(_SUBMISSION.search(stem.lower()))


def pixel_columns_of(table: DataTable) -> list[str]:
    """The columns named pixel<number>, if they are so many that they are images."""
    from comp.data.pixel_table import pixel_columns

    found = pixel_columns(table.columns)
    return found if len(found) >= PIXELS else []


def _words(table: DataTable) -> set[str]:
    return words_of(table.stem)


def _is_submission(table: DataTable) -> bool:
    name = table.stem.lower()
    return bool(_SUBMISSION.search(name)) and len(table.columns) > 1


def _submission(
    named: Sequence[DataTable],
    tests: Sequence[DataTable],
    share: Callable[[Iterable[str]], float] | None,
) -> DataTable | None:
    """The sample submission: of several the one whose ids the data has."""

    def fits(table: DataTable) -> tuple[float, int, int, str]:
        ids = [cell for cell in table.glance(table.columns[0]).cells[:1000] if cell]
        known = share(ids) if share else float(any(t.rows == table.rows for t in tests))
        exact = re.fullmatch(r"sample[_-]?submission", table.stem.lower()) is not None
        return known, int(exact), -table.path.count("/"), table.path

    return max(named, key=fits, default=None)
