from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from comp.errors import DataError
from comp.submission.template import check_ids, template_of
from competitions.denoising import COMPETITION


@pytest.fixture
def copy(pages: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pages, tmp_path / "data"))


def test_pages_that_fit_the_sample_submission_pass(pages: Path) -> None:
    check_ids(COMPETITION, pages, COMPETITION.samples(pages, "test"))


def test_a_row_too_few_is_named_before_anything_is_trained(copy: Path) -> None:
    test = COMPETITION.samples(copy, "test")
    path = copy / "sampleSubmission.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(DataError, match=r"sampleSubmission\.csv do not match") as caught:
        check_ids(COMPETITION, copy, test)
    assert lines[-1].split(",")[0] in str(caught.value)


def test_no_sample_submission_is_a_data_error(copy: Path) -> None:
    test = COMPETITION.samples(copy, "test")
    (copy / "sampleSubmission.csv").unlink()
    with pytest.raises(DataError, match=r"no sampleSubmission\.csv"):
        template_of(COMPETITION, copy, test)


def test_a_competition_without_a_sample_submission_goes_by_its_test_samples(pages: Path) -> None:
    without = replace(COMPETITION, sample_submission=None)
    test = COMPETITION.samples(pages, "test")
    assert template_of(without, pages, test) == [sample.id for sample in test]
    check_ids(without, pages, test)
