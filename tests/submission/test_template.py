from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import toy, values

from comp.contract.sample import Sample
from comp.contract.task import Decision
from comp.errors import DataError
from comp.submission.template import submission_spec, template_of
from competitions.denoising import COMPETITION


def test_no_sample_submission_is_a_data_error(pages: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(pages, tmp_path / "data"))
    test = COMPETITION.samples(copy, "test")
    (copy / "sampleSubmission.csv").unlink()
    with pytest.raises(DataError, match=r"no sampleSubmission\.csv"):
        template_of(COMPETITION, copy, test)


def test_a_competition_without_a_sample_submission_goes_by_its_test_samples(pages: Path) -> None:
    without = replace(COMPETITION, sample_submission=None)
    test = COMPETITION.samples(pages, "test")
    assert template_of(without, pages, test) == [sample.id for sample in test]


def test_a_spec_combines_what_the_competition_declares() -> None:
    competition = toy(classes=("cat", "dog", "fox"), limits=(0.0, 2.0), decimals=3)
    spec = submission_spec(competition, ["a"], [Sample(id="a", image=Path("a"), size=(3, 4))])
    assert (spec.template, spec.limits, spec.decimals) == (["a"], (0.0, 2.0), 3)
    assert (spec.labels, spec.separator, spec.rle) == (("cat", "dog", "fox"), "", ())
    assert spec.pixels == {"a": 12}


def test_a_decision_with_a_value_for_each_label_allows_several_labels_a_cell() -> None:
    decision = Decision(default=(0.5,), apply=lambda p, _params: (p > 0.5).astype(np.float32))
    task = replace(values(3), labels=("a", "b", "c"), decision=decision)
    assert submission_spec(toy(task), ["x"]).separator == " "
    assert submission_spec(toy(replace(task, decision=None)), ["x"]).separator == ""
    assert submission_spec(toy(task, label_separator="|"), ["x"]).separator == "|"
