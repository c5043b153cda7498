"""Data that is a table: a CSV of training rows, one of test rows, and a sample submission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.sample import Sample, Split
from comp.data.text_table import check_plain, header_of, list_of, read_text_table
from comp.errors import DataError
from comp.tasks.row_cells import NUMBER, cells_of, kinds_of, with_own_features
from comp.tasks.synthetic_rows import draw_rows
from comp.tasks.table import Table
from comp.tasks.table_files import TableProblems, and_more, read_columns
from comp.tasks.training_rows import PLAIN, TrainingRows, read_rows

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from comp.tasks.row_cells import OwnFeatures


@dataclass(frozen=True, kw_only=True)
class RowTable(Table):
    """The files and columns of a table, and the content of its submission. All columns are
    features, but for the ids, targets, groups, weights and those of `drop`."""

    images: str = ""
    test_images: str = ""
    test: str | None
    """CSV file of the test rows: the same columns as `labels`, without targets. None: there is
    none."""
    drop: tuple[str, ...] = ()
    """Columns that no model gets."""
    features: OwnFeatures | None = None
    """The plugin's own columns, from those that are not left out."""
    named: Mapping[str, Sequence[str]]
    """Names of columns in the section `columns` of the plugin's defaults, for synthetic data."""
    training: TrainingRows = PLAIN
    id_is_feature: bool = False
    """Whether the ids are a feature too, such as dates."""

    def samples(self, root: Path, split: Split) -> Sequence[Sample]:
        """The rows of a split as samples without images; those of "test" in the order of the sample
        submission.

        Raises:
            DataError: a file cannot be read, or the columns or ids of two files differ.
            UnfitSamplesError: a value is missing, repeated or unknown; it carries all samples that
                are listed.
        """
        columns = self._feature_columns(root)
        if split == "test" and self.test is not None:
            problems = TableProblems()
            kinds = self.own_columns(root) if self.features else None
            ids, cells = self._rows(root / self.test, columns, kinds, problems)
            listed = [Sample(id=i, features=row) for i, row in zip(ids, cells, strict=True)]
            return problems.check(self._in_order(root, listed))
        path, problems = root / self.labels, TableProblems()
        frame = self.training.read(self, root, columns, problems)
        targets = root / (self.training.target_table or self.labels)
        labelled = self._labelled_samples(targets, frame, problems)
        if self.training.group_pattern:
            labelled = [row | {"group": self.training.group_in(row["id"])} for row in labelled]
        made = cells_of(self._made(frame.select(columns), None, path))
        return problems.check(
            [Sample(**values, features=row) for values, row in zip(labelled, made, strict=True)]
        )

    def own_columns(self, root: Path) -> Mapping[str, str]:
        """What the plugin's function gets of each column of the training table, in order: NUMBER or
        TEXT.

        Raises:
            DataError: a file cannot be read, or the columns of two files differ.
        """
        columns = self._feature_columns(root)
        if self.training.skip_blank_targets:  # rows that do not train decide nothing
            text = self.training.read(self, root, columns, TableProblems()).select(columns)
        else:
            text = read_text_table(root / self.labels, columns)
        return kinds_of(text)

    def read_other(self, path: Path, kinds: Mapping[str, str] | None = None) -> Sequence[Sample]:
        """The rows of another table with the columns of the test table.

        Args:
            kinds: what `own_columns` returned for the training table: the plugin's function gets
                these columns alone. None: all of the table, and its own rows decide their kinds.

        Raises:
            DataError: it cannot be read, lacks a column, or a cell of a column of numbers is not
                one.
        """
        header = header_of(path)
        columns = list(kinds or [name for name in header if name not in self._left_out])
        absent = [name for name in columns if name not in header]
        if absent:
            raise DataError(
                f"{path} has no column '{absent[0]}', which the training table has"
                f"{and_more(len(absent))}: add it"
            )
        problems = TableProblems()
        ids, cells = self._rows(path, columns, kinds, problems)
        return problems.check(
            [Sample(id=i, features=row) for i, row in zip(ids, cells, strict=True)]
        )

    @property
    def _left_out(self) -> set[str]:
        ids = None if self.id_is_feature else self.id_column
        named = (ids, *self.cells.columns, self.group_column, self.more.weight)
        return {name for name in (*named, *self.drop) if name is not None}

    def _feature_columns(self, root: Path) -> list[str]:
        """The columns of both tables that models get, in the order of the training table.

        Raises:
            DataError: a column is in one of the tables only, or a target is in the test table.
        """
        train = header_of(root / self.labels)
        if self.test is None:
            return self._some([name for name in train if name not in self._left_out], root, train)
        test = header_of(root / self.test)
        targets = [name for name in self.cells.columns if name in test]
        if targets:
            raise DataError(
                f"{root / self.test} has the target '{targets[0]}': a test table has no targets; "
                "fetch the data again, or correct test and target in the plugin"
            )
        optional = {self.more.time} if self.more.time not in test else set()
        columns = [n for n in train if n not in self._left_out and n not in optional]
        absent = [name for name in columns if name not in test]
        if absent:
            raise DataError(
                f"{root / self.test} has no column '{absent[0]}', which {self.labels} has"
                f"{and_more(len(absent))}: fetch the data again, or name it in drop in the plugin"
            )
        extra = [name for name in test if name not in train and name not in self._left_out]
        if extra:
            raise DataError(
                f"{root / self.test} has the column '{extra[0]}', which {self.labels} does not have"
                f"{and_more(len(extra))}: fetch the data again, or name it in drop in the plugin"
            )
        return self._some(columns, root, train)

    def _some(self, columns: list[str], root: Path, header: Sequence[str]) -> list[str]:
        """The columns, of which there must be some."""
        if not columns:
            raise DataError(
                f"{root / self.labels} has no column to learn from, only {list_of(header)}: "
                "correct the columns in the plugin"
            )
        return columns

    def _rows(
        self,
        path: Path,
        columns: Sequence[str],
        kinds: Mapping[str, str] | None,
        problems: TableProblems,
    ) -> tuple[list[str], list[Any]]:
        """The ids and the cells of a table without targets."""
        needed = {self.id_column: "id_column"} | dict.fromkeys(columns, "drop")
        numbered = self.training.numbered and self.test is None
        numbered = numbered and self.id_column not in header_of(path)
        frame = read_rows(path, needed, problems, numbered=numbered)
        text = frame.select(columns)
        return frame[self.id_column].to_list(), cells_of(self._made(text, kinds, path))

    def _made(
        self, text: pl.DataFrame, kinds: Mapping[str, str] | None, path: Path
    ) -> pl.DataFrame:
        """The features of a table of texts, which the plugin may make itself. `kinds` are those of
        `own_columns`; None: these rows decide them."""
        if self.features is None:
            return text
        numbers = [name for name, kind in (kinds or kinds_of(text)).items() if kind == NUMBER]
        return with_own_features(text, numbers, self.features, path)

    def _in_order(self, root: Path, samples: Sequence[Sample]) -> Sequence[Sample]:
        """The samples in the order of the sample submission.

        Raises:
            DataError: an id is in one of the files only.
        """
        if self.sample_submission is None:
            return samples
        path, header = root / self.sample_submission, self.submission_id or self.id_column
        check_plain(path)
        ids = read_columns(path, {header: "submission_id"}, TableProblems())[header].to_list()
        by_id = {sample.id: sample for sample in samples}
        unknown = [name for name in ids if name not in by_id]
        if unknown:
            raise DataError(
                f"{path.name} has the {header} '{unknown[0]}', which {self.test} does not have"
                f"{and_more(len(unknown))}: fetch the data again, or correct id_column"
            )
        absent = sorted(set(by_id) - set(ids), key=list(by_id).index)
        if absent:
            raise DataError(
                f"{self.test} has the {self.id_column} '{absent[0]}', which {path.name} does not "
                f"have{and_more(len(absent))}: fetch the data again"
            )
        return [by_id[name] for name in ids]

    def _id_header(self, _sample: Sample) -> str:
        return self.submission_id or self.id_column

    def draw(self, root: Path, rng: np.random.Generator) -> None:
        """Draw a small table in this layout, whose targets follow from its columns."""
        draw_rows(self, root, rng)
