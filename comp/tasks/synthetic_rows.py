"""Draws a small table, whose targets follow from its columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from comp.tasks.table_files import write_table

if TYPE_CHECKING:
    import numpy as np

    from comp.tasks.row_table import RowTable

TRAIN, TEST = 240, 60
"""Rows of the drawn tables."""
SHAPES = ("round", "square", "long")


def draw_rows(table: RowTable, root: Path, rng: np.random.Generator) -> None:
    """Write the training table, the test table and the sample submission."""
    kinds = table._drawn_cells()
    header = ["length", "width", "shape", "note"]
    train = [_features(rng, kind % len(kinds), len(kinds)) for kind in range(TRAIN)]
    test = [_features(rng, int(kind), len(kinds)) for kind in rng.integers(len(kinds), size=TEST)]
    more = [name for name in _named(table) if name not in (*header, table.id_column)]
    names = [*header, *more]
    groups = [table.group_column] if table.group_column else []
    drawn = [name for name in table.more.drawn(0) if name != table.id_column]
    header = [table.id_column, *names, *table.cells.columns, *groups, *drawn]
    lines = [
        [
            f"{index:04}",
            *row,
            *_named_cells(table, more, rng),
            *kinds[index % len(kinds)],
            *[f"group{index // 3}"] * len(groups),
            *[table.more.drawn(index)[name] for name in drawn],
        ]
        for index, row in enumerate(train)
    ]
    _write_training(table, root, header, lines)
    if table.test is None:
        return
    ids = [f"{TRAIN + index:04}" for index in range(TEST)]
    rows = [[i, *row, *_named_cells(table, more, rng)] for i, row in zip(ids, test, strict=True)]
    write_table(root / table.test, [table.id_column, *names], rows)
    if table.sample_submission:
        blank = [table._blank_cell()] * len(table.columns)
        header = [table.submission_id or table.id_column, *table.columns]
        write_table(root / table.sample_submission, header, [[i, *blank] for i in ids])


def _write_training(
    table: RowTable, root: Path, header: Sequence[str], lines: Sequence[Sequence[str]]
) -> None:
    """Write the training table, without ids if its rows are numbered; or without targets, which a
    table of their own has."""
    targets = table.cells.columns
    other = table.training.target_table
    left_out = {table.id_column} if table.training.numbered else set(targets) if other else set()
    files = {table.labels: [name for name in header if name not in left_out]}
    if other:
        files[other] = [table.id_column, *targets]
    for path, names in files.items():
        indices = [header.index(name) for name in names]
        write_table(root / path, names, [[line[i] for i in indices] for line in lines])


def _features(rng: np.random.Generator, kind: int, kinds: int) -> list[str]:
    """Length, width, shape and note of a row; the first three tell its kind, with noise."""
    length = kind + rng.normal(scale=0.3)
    width = "" if rng.random() < 0.1 else f"{(kinds - kind) * 2 + rng.normal():.3f}"
    shape = SHAPES[kind % len(SHAPES)] if rng.random() < 0.8 else ""
    return [f"{length:.3f}", width, shape, ("a", "b")[int(rng.integers(2))]]


def _named(table: RowTable) -> list[str]:
    """The columns that the plugin names, so that its settings fit the drawn table."""
    named = [name for names in table.named.values() for name in names]
    return list(dict.fromkeys([*named, *table.drop]))


def _named_cells(table: RowTable, names: Sequence[str], rng: np.random.Generator) -> list[str]:
    cells = []
    for name in names:
        if name in table.named.get("categories", ()):
            cells.append(str(int(rng.integers(1, 4))))
        elif name in table.named.get("dates", ()):
            cells.append(f"2024-{int(rng.integers(1, 13)):02}-{int(rng.integers(1, 29)):02}")
        else:
            cells.append(f"{rng.uniform(1, 100):.2f}")
    return cells
