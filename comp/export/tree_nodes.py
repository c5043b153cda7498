"""The trees of scikit-learn's HistGradientBoosting as the attributes of ONNX's
TreeEnsembleRegressor.

Thresholds, leaves and inputs are double, so that no decision is rounded. A set of categories is a
chain of comparisons with one common branch, as other converters write it: onnxruntime needs
minutes and gigabytes for the sets of the newer TreeEnsemble, up to version 1.27 at least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

LESS_EQUAL = "BRANCH_LEQ"
"""The mode of a node of numbers; those of categories are chains of BRANCH_EQ."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """How the trees of a model see the columns of a matrix: categories first, as ranks."""

    order: np.ndarray
    """int (F,): the column of each feature of the trees."""
    codes: Mapping[int, np.ndarray]
    """The codes of the ranks 0, 1, ... by the number of the feature, for categories."""
    known: Mapping[int, np.ndarray]
    """The ranks that the training rows had, by the number of the feature."""

    @classmethod
    def of(cls, model: Any) -> Columns:
        """Those of a fitted model."""
        categorical = model.is_categorical_
        if categorical is None:
            return cls(order=np.arange(model.n_features_in_), codes={}, known={})
        order = np.concatenate([np.flatnonzero(categorical), np.flatnonzero(~categorical)])
        encoder = model._preprocessor.named_transformers_["encoder"]
        bitsets, index = model._bin_mapper.make_known_categories_bitsets()
        count = int(categorical.sum())
        return cls(
            order=order,
            codes=dict(enumerate(encoder.categories_)),
            known={feature: members(bitsets[index[feature]]) for feature in range(count)},
        )


class Node(NamedTuple):
    """A node of a tree, in the order of ONNX."""

    tree: int
    number: int
    mode: str
    column: int
    split: float
    true: int
    false: int
    gap_true: int
    """Whether a gap takes the true branch."""


class Leaf(NamedTuple):
    """The value of a leaf, in the order of ONNX."""

    tree: int
    number: int
    target: int
    value: float


@dataclass
class Forest:
    """Collects the nodes of trees. The nodes of a tree have numbers from 0, its root."""

    columns: Columns
    trees: int = 0
    nodes: list[Node] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)

    def add(self, tree: Any, target: int) -> None:
        """Add a TreePredictor, whose leaves count for the output `target`."""
        sets = [self._set(tree, node) for node in tree.nodes]
        widths = [max(len(codes), 1) for codes, _ in sets]
        first = np.cumsum([0, *widths])
        for number, (node, (codes, flipped)) in enumerate(zip(tree.nodes, sets, strict=True)):
            at = int(first[number])
            if node["is_leaf"]:
                self.nodes.append(Node(self.trees, at, "LEAF", 0, 0.0, 0, 0, 0))
                self.leaves.append(Leaf(self.trees, at, target, float(node["value"])))
                continue
            left, right = int(first[node["left"]]), int(first[node["right"]])
            column = int(self.columns.order[node["feature_idx"]])
            if not node["is_categorical"]:
                gap, split = int(node["missing_go_to_left"]), float(node["num_threshold"])
                self.nodes.append(Node(self.trees, at, LESS_EQUAL, column, split, left, right, gap))
                continue
            inside, outside = (right, left) if flipped else (left, right)
            if not len(codes):
                self.nodes.append(
                    Node(self.trees, at, "BRANCH_LT", column, -np.inf, inside, outside, 0)
                )
            for index, code in enumerate(codes):
                false = outside if index == len(codes) - 1 else at + index + 1
                self.nodes.append(
                    Node(self.trees, at + index, "BRANCH_EQ", column, code, inside, false, 0)
                )
        self.trees += 1

    def _set(self, tree: Any, node: Any) -> tuple[list[float], bool]:
        """The codes of a node of categories that are compared one after the other, and whether they
        are those that go to the right. All others, gaps and unknown categories among them, take the
        other branch."""
        if node["is_leaf"] or not node["is_categorical"]:
            return [], False
        feature, flipped = int(node["feature_idx"]), bool(node["missing_go_to_left"])
        ranks = members(tree.raw_left_cat_bitsets[node["bitset_idx"]])
        if flipped:
            ranks = np.setdiff1d(self.columns.known[feature], ranks)
        return [float(code) for code in self.columns.codes[feature][ranks]], flipped

    def attributes(self, base: np.ndarray) -> dict[str, Any]:
        """The attributes of the node of all trees, whose sums start with `base`."""
        from onnx import numpy_helper

        def tensor(values: Sequence[float] | np.ndarray) -> Any:
            return numpy_helper.from_array(np.asarray(values, dtype=np.float64))

        trees, numbers, modes, columns, splits, true, false, gaps = map(
            list, zip(*self.nodes, strict=True)
        )
        of_leaves = [list(each) for each in zip(*self.leaves, strict=True)]
        return {
            "n_targets": len(base),
            "aggregate_function": "SUM",
            "post_transform": "NONE",
            "base_values_as_tensor": tensor(base),
            "nodes_treeids": trees,
            "nodes_nodeids": numbers,
            "nodes_modes": modes,
            "nodes_featureids": columns,
            "nodes_values_as_tensor": tensor(splits),
            "nodes_truenodeids": true,
            "nodes_falsenodeids": false,
            "nodes_missing_value_tracks_true": gaps,
            "target_treeids": of_leaves[0],
            "target_nodeids": of_leaves[1],
            "target_ids": of_leaves[2],
            "target_weights_as_tensor": tensor(of_leaves[3]),
        }


def forest_of(model: Any) -> Forest:
    """The trees of a fitted HistGradientBoosting, without its base values."""
    forest = Forest(Columns.of(model))
    for trees in model._predictors:
        for target, tree in enumerate(trees):
            forest.add(tree, target)
    return forest


def members(bitset: np.ndarray) -> np.ndarray:
    """The numbers in a set of bits, of 32 each."""
    octets = np.ascontiguousarray(bitset, dtype="<u4").view(np.uint8)
    return np.flatnonzero(np.unpackbits(octets, bitorder="little"))


def thresholds_of(forest: Forest) -> dict[int, np.ndarray]:
    """The finite thresholds of each column."""
    found: dict[int, list[float]] = {}
    for node in forest.nodes:
        if node.mode == LESS_EQUAL and np.isfinite(node.split):
            found.setdefault(node.column, []).append(node.split)
    return {column: np.unique(splits) for column, splits in found.items()}
