"""The parts of ONNX's trees."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from comp.export.tree_nodes import Columns, Forest, members, thresholds_of

KIND = np.dtype(
    [
        ("value", float),
        ("feature_idx", int),
        ("num_threshold", float),
        ("missing_go_to_left", np.uint8),
        ("left", int),
        ("right", int),
        ("is_leaf", np.uint8),
        ("is_categorical", np.uint8),
        ("bitset_idx", int),
    ]
)
COLUMNS = Columns(
    order=np.array([1, 0]), codes={0: np.array([4.0, 5.0, 9.0])}, known={0: np.array([0, 1, 2])}
)


def tree(missing_left: int, left_ranks: int) -> SimpleNamespace:
    """A tree of a category, and of a number on its left side."""
    nodes = np.array(
        [
            (0.0, 0, 0.0, missing_left, 1, 4, 0, 1, 0),
            (0.0, 1, 0.5, 1, 2, 3, 0, 0, 0),
            (1.0, 0, 0.0, 0, 0, 0, 1, 0, 0),
            (2.0, 0, 0.0, 0, 0, 0, 1, 0, 0),
            (3.0, 0, 0.0, 0, 0, 0, 1, 0, 0),
        ],
        dtype=KIND,
    )
    sets = np.zeros((1, 8), dtype=np.uint32)
    sets[0, 0] = left_ranks
    return SimpleNamespace(nodes=nodes, raw_left_cat_bitsets=sets)


def test_members_are_the_bits_that_are_set() -> None:
    bits = np.array([0b101, 1, 0, 0, 0, 0, 0, 1 << 31], dtype=np.uint32)
    assert members(bits).tolist() == [0, 2, 32, 255]


def test_a_set_is_a_chain_with_one_common_branch() -> None:
    forest = Forest(COLUMNS)
    forest.add(tree(missing_left=0, left_ranks=0b110), 0)
    first, second, number = forest.nodes[:3]
    assert (first.mode, first.column, first.split) == ("BRANCH_EQ", 1, 5.0)
    assert (first.true, first.false) == (2, 1)
    assert (second.split, second.true, second.false) == (9.0, 2, 5)
    assert (number.mode, number.column, number.gap_true) == ("BRANCH_LEQ", 0, 1)
    assert thresholds_of(forest) == {0: np.array([0.5])}


def test_gaps_that_go_left_make_the_set_that_of_the_right() -> None:
    forest = Forest(COLUMNS)
    forest.add(tree(missing_left=1, left_ranks=0b110), 0)
    first = forest.nodes[0]
    assert (first.split, first.true, first.false, first.gap_true) == (4.0, 4, 1, 0)


def test_an_empty_set_takes_no_row() -> None:
    forest = Forest(COLUMNS)
    forest.add(tree(missing_left=1, left_ranks=0b111), 0)
    first = forest.nodes[0]
    assert (first.mode, first.split, first.false) == ("BRANCH_LT", -np.inf, 1)
