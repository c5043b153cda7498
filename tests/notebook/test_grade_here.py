"""Submission files of data sets, which take no submissions, scored on test labels here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.errors import DataError, SubmissionError
from comp.notebook.grade_here import prediction_columns, read_predictions
from comp.tasks.classification import image_classification
from competitions.chest_xray import COMPETITION as CHEST


def classes(submit: str, **more: object) -> Competition:
    return image_classification(
        name="leaves",
        title="Leaves",
        kaggle="competitions/leaves",
        classes=("healthy", "rust", "scab"),
        labels="train.csv",
        images="train",
        test_images="test",
        submit=submit,
        **more,  # type: ignore[arg-type]
    )


SAMPLE = Sample(id="a", image=Path("a.png"))


def test_the_columns_of_the_predictions_are_found() -> None:
    assert prediction_columns(CHEST, SAMPLE) == ["probability"]
    assert prediction_columns(classes("probabilities"), SAMPLE) == ["healthy", "rust", "scab"]


def test_a_file_of_decisions_has_no_predictions() -> None:
    with pytest.raises(DataError, match="decisions and not predictions"):
        prediction_columns(classes("label"), SAMPLE)


def test_a_table_is_read_by_id(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    path.write_text("id,probability,label\n007,0.25,0\nb,0.75,1\n")
    found = read_predictions(path, CHEST, ["probability"])
    assert {key: value.tolist() for key, value in found.items()} == {"007": [0.25], "b": [0.75]}
    assert found["b"].dtype == np.float32


@pytest.mark.parametrize("text", ["id,label\na,1\n", "id,probability\na,much\n", ""])
def test_a_file_without_numbers_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "submission.csv"
    path.write_text(text)
    with pytest.raises(SubmissionError, match="cannot be read"):
        read_predictions(path, CHEST, ["probability"])
