"""Which of two classes a number of the submission is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comp.discovery.metric_hint import MetricHint
from comp.discovery.scores import choose_submission
from comp.discovery.tables import read_table
from comp.discovery.values import Labels
from tests.fakes.layouts import csv


@pytest.mark.parametrize(
    ("names", "cell", "words"),
    [
        (("chihuahua", "muffin"), 0, "label is high for muffin"),
        (("chihuahua", "muffin"), 0.5, "label is high for muffin"),
        (("chihuahua", "muffin"), "muffin", ""),
        (("normal", "pneumonia"), 0, ""),
        (("0", "1"), 0, ""),
    ],
)
def test_the_positive_class_by_the_alphabet_is_a_guess(
    tmp_path: Path, names: tuple[str, str], cell: Any, words: str
) -> None:
    csv(tmp_path / "sample_submission.csv", "id,label", [[i, cell] for i in range(4)])
    labels = Labels("binary", "class folders", names, ("label",))
    sample = read_table(tmp_path, "sample_submission.csv")
    found = [
        f for f in choose_submission(labels, sample, MetricHint()).findings if "is high" in f.what
    ]
    assert [(f.what, f.certainty) for f in found] == ([(words, "guess")] if words else [])


def test_a_column_that_names_a_class_needs_no_guess(tmp_path: Path) -> None:
    csv(tmp_path / "sample_submission.csv", "id,is_muffin", [[i, 0] for i in range(4)])
    labels = Labels("binary", "class folders", ("chihuahua", "muffin"), ("label",))
    sample = read_table(tmp_path, "sample_submission.csv")
    found = choose_submission(labels, sample, MetricHint())
    assert not any("is high" in finding.what for finding in found.findings)
