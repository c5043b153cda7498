"""The table of predictions that are numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from toys import values

from comp.contract.sample import Sample
from comp.data.images.decode import read_gray
from comp.pipeline.predict_files import write_images, write_table
from comp.tasks.classification import task_of


def predictions(*rows: list[float]) -> list[tuple[Sample, np.ndarray]]:
    return [(Sample(id=f"0{i}", image=Path()), np.float32(row)) for i, row in enumerate(rows)]


def test_two_classes_have_a_probability_and_the_decision_of_the_run(tmp_path: Path) -> None:
    task = task_of(("healthy", "ill"))
    write_table(tmp_path / "t.csv", task, predictions([0.25], [0.5]), (0.3,))
    frame = pl.read_csv(tmp_path / "t.csv", infer_schema=False)
    assert frame.to_dict(as_series=False) == {
        "id": ["00", "01"],
        "prediction": ["0.25", "0.5"],
        "decision": ["healthy", "ill"],
    }


def test_several_classes_have_a_column_each(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", task_of(("a", "b", "c")), predictions([0.2, 0.5, 0.3]), None)
    frame = pl.read_csv(tmp_path / "t.csv")
    assert frame.columns == ["id", "prediction_a", "prediction_b", "prediction_c", "decision"]
    assert frame["decision"].to_list() == ["b"]


def test_numbers_have_no_decision(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", values(2), predictions([1.5, -2.0]), None)
    assert pl.read_csv(tmp_path / "t.csv").columns == ["id", "prediction_0", "prediction_1"]


def test_each_channel_of_other_images_is_a_file(tmp_path: Path) -> None:
    image = np.dstack([np.full((2, 3), 0.2), np.full((2, 3), 1.0)]).astype(np.float32)
    write_images(tmp_path, [(Sample(id="a", image=Path()), image)])
    assert [read_gray(tmp_path / f"a-{i}.png")[0, 0] for i in (0, 1)] == [51, 255]
