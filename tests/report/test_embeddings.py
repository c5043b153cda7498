"""Images that look alike as tables."""

from __future__ import annotations

from typing import Any

import pytest

from comp.contract.sample import Split
from comp.features.embedding_set import DuplicatePair
from comp.report.embeddings import duplicates_table


@pytest.mark.parametrize(
    ("splits", "same_group", "words"),
    [
        (("train", "test"), True, "train and test"),
        (("train", "train"), False, "train"),
        (("test", "test"), False, "test"),
        (("test", "test"), True, "test, same group"),
    ],
)
def test_a_pair_says_of_which_split_it_is(
    splits: tuple[Split, Split], same_group: bool, words: str
) -> None:
    """Train and test may have the same ids."""
    fields: Any = {"leak": splits[0] != splits[1], "same_group": same_group}
    pair = DuplicatePair("a", "b", 1.0, first_split=splits[0], second_split=splits[1], **fields)
    cells = [list(column.cells) for column in duplicates_table([pair], 0.95).columns]
    assert cells[-1] == [words]
