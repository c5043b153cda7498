"""Names of files that a plugin says and the data does not have."""

from __future__ import annotations

from pathlib import Path

import pytest
from toys import toy

from comp.contract.file_names import some_of, wrong_file_name

LEAVES = toy(
    layout=("train.csv", "images/train"),
    sample_submission="sample.csv",
    file_arguments={"trian.csv": "labels"},
)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (
            "trian.csv",
            "the plugin of toy says labels = 'trian.csv', but {} contains truin.csv: corr",
        ),
        ("Images/trial", ""),
        (
            "images/tests",
            "the plugin of toy says 'images/tests', but {} contains images/test: corre",
        ),
        ("samples.csv", ""),
        ("photos", ""),
    ],
)
def test_a_similar_name_that_the_plugin_does_not_use_is_named(
    tmp_path: Path, missing: str, words: str
) -> None:
    (tmp_path / "images/test").mkdir(parents=True)
    for name in ("truin.csv", "sample.csv", ".hidden.csv", "trian.txt"):
        (tmp_path / name).touch()
    message = wrong_file_name(LEAVES, [missing], tmp_path)
    assert message.startswith(words.format(tmp_path))
    assert bool(message) == bool(words)


def test_a_list_of_names_is_short() -> None:
    assert some_of(list("abc")) == "a, b, c"
    assert some_of(list("abcdefgh")) == "a, b, c, d, e and 3 more"
