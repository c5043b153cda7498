"""The table of samples: what is read is what was written, or nothing was written."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.contract.sample import Sample
from comp.data.sample_table import read_samples, write_samples
from comp.errors import RunError

ROOT = Path("/data")
TARGETS: list[Any] = [
    *(None, 0, 1, 0.0, -0.0, 1.0, 0.1 + 0.2, 1e-300, math.inf, True, "cat", "p/not a path", ""),
    *((0, 1.0), [0, 1.0], (), [], (math.nan, 1), ROOT / "masks" / "a.png", Path("/other/a.png")),
]


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal and of the same type, as is what is in them."""
    return type(a) is type(b) and repr(a) == repr(b)


def check(samples: list[Sample], tmp_path: Path, root: Path = ROOT) -> None:
    """Write and read samples; all fields must be the same."""
    path = tmp_path / "samples.parquet"
    assert write_samples(path, samples, samples[:1], root)
    found = read_samples(path, root)
    assert found is not None
    assert [len(part) for part in found] == [len(samples), 1]
    for before, after in zip([*samples, samples[0]], [*found[0], *found[1]], strict=True):
        for field in fields(Sample):
            values = getattr(before, field.name), getattr(after, field.name)
            assert same(*values), (field.name, *values)


def test_every_kind_of_target_is_read_as_it_was_written(tmp_path: Path) -> None:
    check([Sample(id=str(i), target=target) for i, target in enumerate(TARGETS)], tmp_path)


def test_every_field_is_read_as_it_was_written(tmp_path: Path) -> None:
    rich: dict[str, Any] = {
        "image": [ROOT / "train" / "a.jpg", ROOT / "b.jpg", Path("/other/x.png"), Path("/y.png")],
        "group": ["", "g,\n", "ü", None],
        "stratum": ["s", None, None, None],
        "size": [(3, 4), None, (1, 2), None],
        "unit": ["u", None, "u", ""],
        "features": [
            {"a b": 1.5, "text": "x"},
            {"a b": None, "text": None},
            {"a b": math.nan, "text": ""},
            {"a b": -0.0, "text": "1"},
        ],
        "fold": [0, 1, None, 12],
        "train_only": [True, False, True, False],
        "weight": [1.0, 2, 0.1, 3.5],
        "time": ["2024-05-31", 1.5, 3, None],
    }
    rows = [{name: values[i] for name, values in rich.items()} for i in range(4)]
    check([Sample(id=f"{i}", **row) for i, row in enumerate(rows)], tmp_path)
    check([Sample(id="alone")], tmp_path)


def test_no_sample_is_a_table_too(tmp_path: Path) -> None:
    assert write_samples(tmp_path / "s", [], [], ROOT)
    assert read_samples(tmp_path / "s", ROOT) == ([], [])


def test_paths_follow_the_data(tmp_path: Path) -> None:
    sample = Sample(id="a", image=ROOT / "train" / "a.jpg", target=ROOT / "masks" / "a.png")
    outside = Sample(id="b", image=Path("/data-2/a.jpg"))
    write_samples(tmp_path / "s", [sample, outside], [], ROOT)
    (moved, other), _ = read_samples(tmp_path / "s", Path("/elsewhere")) or ([], [])
    assert moved.image == Path("/elsewhere/train/a.jpg")
    assert moved.target == Path("/elsewhere/masks/a.png")
    assert other == outside


@dataclass(frozen=True, kw_only=True)
class _Mine(Sample):
    more: int = 0


@pytest.mark.parametrize(
    "sample",
    [
        _Mine(id="a"),
        Sample(id="a", target=np.zeros(3)),  # type: ignore[arg-type]
        Sample(id="a", target=((1, 2), (3, 4))),  # type: ignore[arg-type]
        Sample(id="a", image=Path("here/a.png")),
        Sample(id="a", image="a.png"),  # type: ignore[arg-type]
        Sample(id="a", features={"x": object()}),  # type: ignore[dict-item]
        Sample(id="a", features={"x": np.float64(1)}),
        Sample(id="a", size=[1, 2]),  # type: ignore[arg-type]
        Sample(id="a", group=3),  # type: ignore[arg-type]
        Sample(id="a\udce9"),
        Sample(id="a", target=ROOT / "masks\udce9" / "a.png"),
        Sample(id="a", features={"x": "\udce9"}),
        Sample(id="a", size=(2**70, 1)),
        Sample(id="a", fold=2**70),
    ],
    ids=lambda sample: "",
)
def test_samples_that_a_table_cannot_hold_leave_none(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / "samples.parquet"
    assert write_samples(path, [Sample(id="before")], [], ROOT)
    assert not write_samples(path, [Sample(id="before", features=sample.features)], [sample], ROOT)
    assert read_samples(path, ROOT) is None


def test_features_in_another_order_leave_no_table(tmp_path: Path) -> None:
    rows = [Sample(id="a", features={"x": 1.0, "y": 2.0}), Sample(id="b", features={"y": 2.0})]
    assert not write_samples(tmp_path / "s", rows, [], ROOT)


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "samples.parquet"
    write_samples(path, [Sample(id=str(i)) for i in range(50)], [], ROOT)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RunError, match=r"samples.parquet is damaged .*resume the run"):
        read_samples(path, ROOT)


def test_equal_folders_and_values_are_one_object(tmp_path: Path) -> None:
    samples = [Sample(id=str(i), image=ROOT / "t" / f"{i}.png", target=0.5) for i in range(3)]
    write_samples(tmp_path / "s", samples, [], ROOT)
    train, _ = read_samples(tmp_path / "s", ROOT) or ([], [])
    assert train[0].target is train[1].target
    assert train == samples


def test_samples_without_features_have_each_their_own(tmp_path: Path) -> None:
    path = tmp_path / "samples.parquet"
    assert write_samples(path, [Sample(id="a"), Sample(id="b")], [], ROOT)
    found = read_samples(path, ROOT)
    assert found
    first, second = found[0]
    first.features["mean"] = 1.0  # type: ignore[index]
    assert second.features == {}
