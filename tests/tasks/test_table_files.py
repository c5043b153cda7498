"""What the tables of a plugin are called in messages."""

from __future__ import annotations

import pytest

from comp.tasks.table_files import noun_of


@pytest.mark.parametrize(
    ("column", "noun"),
    [
        ("patient_id", "patient"),
        ("Patient_ID", "Patient"),
        ("lesionId", "lesion"),
        ("clean page", "clean page"),
        ("burst_site_id", "burst site"),
        ("grid", "grid"),
        ("_id", "_id"),
        (None, None),
    ],
)
def test_a_group_is_called_as_its_column_without_id(column: str | None, noun: str | None) -> None:
    """It was "3 patient_ids have samples of more than one class"."""
    assert noun_of(column) == noun
