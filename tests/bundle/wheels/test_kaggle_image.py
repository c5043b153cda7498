"""What Kaggle's image has."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from comp.bundle.wheels.kaggle_image import IMAGE, is_in_image


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("torch>=2.6", True),
        ("Pillow", True),
        ("opencv-python-headless>=4.10", True),
        ("scikit-learn>=1.7", False),  # the image has an older one
        ("scikit-learn>=1.0", True),
        ("tabm", False),
    ],
)
def test_a_library_is_there_in_a_version_that_fits(text: str, known: bool) -> None:
    assert is_in_image(Requirement(text)) == known


def test_names_are_those_of_an_index() -> None:
    assert [name for name in IMAGE if name != canonicalize_name(name)] == []
