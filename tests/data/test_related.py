"""Unlabelled samples that are relatives of training samples."""

from __future__ import annotations

from pathlib import Path

from comp.contract.sample import Sample
from comp.data.related import related_folds


def test_groups_units_and_copies_of_held_out_samples(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.png" for name in ("a", "b", "copy", "new")}
    for name, path in files.items():
        path.write_bytes(b"same" if name in ("a", "copy") else name.encode() * 4)
    train = [
        Sample(id="1", image=files["a"], group="p"),
        Sample(id="2", image=files["b"], group="q"),
        Sample(id="3", image=files["b"], group="r", train_only=True),
    ]
    folds = {"1": 0, "2": 1, "3": -1}
    others = [
        Sample(id="1", image=files["new"]),  # only its id is that of a training sample
        Sample(id="4", image=files["copy"]),
        Sample(id="5", image=files["new"], group="q"),
        Sample(id="6", image=files["new"], group="r"),
    ]
    found = [sorted(one) for one in related_folds(train, folds, others)]
    assert found == [[], [0], [1], []]


def test_rows_with_the_same_cells() -> None:
    train = [Sample(id="1", features={"x": 1.0, "y": None}), Sample(id="2", features={"x": 2.0})]
    others = [Sample(id="1", features={"x": 1.0, "y": None}), Sample(id="2", features={"x": 3.0})]
    found = [sorted(one) for one in related_folds(train, {"1": 3, "2": 1}, others)]
    assert found == [[3], []]
