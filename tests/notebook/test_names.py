"""Names that Kaggle takes."""

from __future__ import annotations

import pytest

from comp.kaggle.client.dataset_versions import DataSetSpec
from comp.kaggle.client.kernels import slug_of
from comp.notebook.names import LONGEST_TITLE, names_of

RUN = "20260101-000000-aaaaaa"


def test_title_and_name_are_those_of_the_run() -> None:
    names = names_of("denoising", RUN)
    assert names.title == f"comp denoising {RUN}"
    assert names.slug == f"comp-denoising-{RUN}" == slug_of(names.title)


@pytest.mark.parametrize("name", ["a", "a-b", "a" * 64, "chest-xray-of-a-very-long-name-indeed"])
@pytest.mark.parametrize("run", [RUN, RUN + "-999"])
def test_every_name_is_short_enough_and_keeps_the_run(name: str, run: str) -> None:
    names = names_of(name, run)
    assert len(names.title) <= LONGEST_TITLE
    assert names.title.endswith(run)
    DataSetSpec(owner="ada", slug=names.slug, title=names.title)  # else it raises
