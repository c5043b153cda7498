"""Columns beside images: cells of the training table and of a table of the test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.sample import Cell
from comp.errors import DataError
from comp.tasks.row_cells import cells_of
from comp.tasks.sample_columns import SampleColumns
from comp.tasks.table_files import TableProblems, and_more, read_columns, write_table

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True)
class FeatureColumns:
    """The names of the columns, and the CSV file of the test images with ids and these columns."""

    names: tuple[str, ...] = ()
    test_table: str = "test.csv"

    @property
    def arguments(self) -> dict[str, str]:
        """Column -> the argument of the plugin that names it."""
        return dict.fromkeys(self.names, "feature_columns")

    def of_train(self, frame: pl.DataFrame) -> list[dict[str, Cell]]:
        """The cells of each row of the training table."""
        return cells_of(frame.select(self.names)) if self.names else [{}] * frame.height

    def of_test(
        self, root: Path, id_column: str, ids: Sequence[str], problems: TableProblems
    ) -> list[dict[str, Cell]]:
        """The cells of each test image.

        Raises:
            DataError: the table cannot be read, or has no row for an image.
        """
        if not self.names:
            return [{}] * len(ids)
        path = root / self.test_table
        frame = read_columns(path, {id_column: "id_column"} | self.arguments, problems)
        cells = dict(zip(frame[id_column].to_list(), self.of_train(frame), strict=True))
        absent = [name for name in ids if name not in cells]
        if absent:
            raise DataError(
                f"{path} has no row for the image '{absent[0]}'{and_more(len(absent))}: fetch the "
                "data again, or correct test_table in the plugin"
            )
        return [cells[name] for name in ids]

    def drawn(self, kind: int, rng: np.random.Generator) -> list[str]:
        """The cells of a synthetic image, which follow from its kind, with noise."""
        return [f"{kind + rng.normal(scale=0.5):.3f}" for _ in self.names]

    def write_test(
        self, root: Path, id_column: str, test: Sequence[tuple[str, int]], rng: np.random.Generator
    ) -> None:
        """Write the synthetic table of the test images."""
        if self.names:
            lines = [[name, *self.drawn(kind, rng)] for name, kind in test]
            write_table(root / self.test_table, [id_column, *self.names], lines)


NO_FEATURES = FeatureColumns()


def more_columns(
    weight: str | None, time: str | None, features: Sequence[str], test_table: str
) -> dict[str, Any]:
    """The fields of `comp.tasks.table.Table` for columns beside ids, labels and groups."""
    beside = FeatureColumns(tuple(features), test_table)
    return {"more": SampleColumns(weight, time), "beside": beside}
