from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.bundle.parts.images import Image
from comp.bundle.parts.own import OWN
from comp.bundle.parts.rows import make_rows, rows_of
from comp.contract.sample import Sample
from comp.tasks.row_form import RowForm

IMAGE = Image("007", Path("test/007.png"))


def test_rows_of_a_table() -> None:
    form = RowForm(submit="label", columns=["class"], labels=["a", "b"], names=["class"])
    section = json.loads(
        json.dumps({"kind": "table", "id_column": "image", "form": asdict(form)}, indent=1)
    )
    rows = make_rows(section)(IMAGE, np.float32([0.9]), np.float32([1]))
    assert rows == {"image": ["007"], "class": ["b"]}
    assert rows_of(IMAGE, np.float32([0.1]), np.float32([0]), section)["class"] == ["a"]


def test_rows_of_the_plugin_get_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(sample: Sample, prediction: np.ndarray, decision: np.ndarray) -> Mapping[str, Any]:
        return {sample.id: [sample.image_file.name, prediction[0], decision[0]]}

    monkeypatch.setitem(OWN, "rows", rows)
    made = make_rows({"kind": "own"})(IMAGE, np.float32([1]), np.float32([2]))
    assert made == {"007": ["007.png", 1, 2]}
