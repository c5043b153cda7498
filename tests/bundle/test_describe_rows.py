from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.bundle.describe_rows import describe_rows, own_rows
from comp.contract.sample import Sample
from comp.errors import RunError
from comp.tasks.binary import binary
from comp.tasks.image_table import image_table
from comp.tasks.row_form import RowForm
from competitions.chest_xray import COMPETITION as CHEST

BIRDS = image_table(
    task=binary(("no", "yes")),
    id_column="bird",
    submit="label",
    name="birds",
    title="Birds",
    kaggle="competitions/rare-birds",
)
TEST = [Sample(id=name, image=Path(f"{name}.png"), group=f"group of {name}") for name in "ab"]


def by_group(sample: Sample, prediction: np.ndarray, _decision: Any) -> Mapping[str, Any]:
    """Rows that need more than the image."""
    return {"id": [sample.group], "value": prediction}


def by_name(sample: Sample, prediction: np.ndarray, _decision: Any) -> Mapping[str, Any]:
    """Rows that need the name of the image."""
    return {"id": [sample.image_file.name], "value": prediction}


def test_rows_of_a_table_are_plain_data() -> None:
    section = describe_rows(BIRDS, TEST)
    assert section == json.loads(json.dumps(section))
    assert section["kind"] == "table"
    assert section["id_column"] == "bird"
    cells = RowForm(**section["form"]).cells(np.float32([0.7]), np.float32([1]))
    assert cells == {"label": "yes"}
    assert own_rows(BIRDS) is None


def test_rows_of_the_plugin_are_named() -> None:
    assert describe_rows(CHEST, TEST) == {"kind": "own"}
    assert own_rows(CHEST) == "competitions.chest_xray:rows"
    named = replace(BIRDS, rows=by_name)
    assert describe_rows(named, TEST) == {"kind": "own"}


def test_rows_that_need_more_of_a_sample_are_refused() -> None:
    with pytest.raises(RunError, match="the rows of birds need more of a sample than its id"):
        describe_rows(replace(BIRDS, rows=by_group), TEST)


def test_rows_that_cannot_be_copied_are_refused() -> None:
    with pytest.raises(RunError, match="not at the top of a module"):
        describe_rows(replace(BIRDS, rows=lambda *_: {}), TEST)
