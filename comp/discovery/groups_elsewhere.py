"""Groups in another table than that of the labels, where a plugin cannot read them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from comp.discovery.conclusion import Finding
from comp.discovery.evidence import Evidence
from comp.discovery.groups import group_column
from comp.discovery.tables import DataTable

ENOUGH = 0.5
"""Share of the images that another table must name."""
MOST_COLUMNS = 50


def groups_elsewhere(evidence: Evidence, table: DataTable, id_column: str) -> Iterator[Finding]:
    """A warning for each other table that has groups of the images, which the folds do not know.

    Args:
        table: the table of the labels, without groups.
    """
    known = _stems(table.glance(id_column).counts)
    for other in evidence.roles.candidates:
        if other.path == table.path:
            continue
        ids = next(
            (
                name
                for name in other.columns[:MOST_COLUMNS]
                if len(known & _stems(other.glance(name).counts)) >= ENOUGH * len(known)
            ),
            None,
        )
        group, _ = group_column(other, {ids or ""}, images=True, blanks=True)
        if ids and group:
            yield Finding(
                f"images with the same {group} are in training and validation at once",
                f"{other.path} has it, and {table.path} not: copy the column {group} into "
                f"{table.path}, and set group_column",
                "guess",
            )


def _stems(names: Collection[str]) -> set[str]:
    return {PurePosixPath(name).stem for name in names}
