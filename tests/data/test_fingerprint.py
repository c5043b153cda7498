"""The fingerprint of a data set: equal for equal data, and for nothing else."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import comp.data.file_digests as file_digests
import comp.data.fingerprint as module
from comp.contract.sample import Sample
from comp.data.fingerprint import fingerprint, has_fingerprint

PAIR = "7a9d2815f218a29a9ed98970545dc6009ee028dc8d6921f802c4e1c9875c276e"
RICH = "72582195535d5c9f7e99e90d0e7c9abb5fb5c232d33e60f3f099f073cd02b2c6"


@pytest.fixture
def pair(tmp_path: Path) -> list[Sample]:
    for name in ("a", "b", "clean"):
        (tmp_path / name).write_bytes(name.encode() * 3)
    return [
        Sample(id="1", image=tmp_path / "a", target=tmp_path / "clean", group="g"),
        Sample(id="2", image=tmp_path / "b", target=0.5),
    ]


def test_fingerprint_is_the_same_for_the_same_data(pair: list[Sample]):
    assert fingerprint(pair) == fingerprint(list(pair))
    assert len(fingerprint(pair)) == 64


def test_fingerprint_does_not_depend_on_where_the_data_lies(pair: list[Sample], tmp_path: Path):
    (tmp_path / "moved").mkdir()
    before = fingerprint(pair)
    for name in ("a", "b", "clean"):
        (tmp_path / name).rename(tmp_path / "moved" / name)
    moved = [
        replace(pair[0], image=tmp_path / "moved" / "a", target=tmp_path / "moved" / "clean"),
        replace(pair[1], image=tmp_path / "moved" / "b"),
    ]

    assert fingerprint(moved) == before


@pytest.mark.parametrize("name", ["a", "b", "clean"])
def test_fingerprint_changes_with_the_bytes_of_any_file(
    pair: list[Sample], tmp_path: Path, name: str
):
    before = fingerprint(pair)
    content = bytearray((tmp_path / name).read_bytes())
    content[-1] ^= 1
    (tmp_path / name).write_bytes(content)

    assert fingerprint(pair) != before


@pytest.mark.parametrize(
    "change",
    [
        {"id": "3"},
        {"group": "h"},
        {"target": 0.25},
        {"target": None},
        pytest.param({"stratum": "x"}),
    ],
    ids=["id", "group", "label", "no label", "stratum"],
)
def test_fingerprint_changes_with_what_is_known_of_a_sample(
    pair: list[Sample], change: dict[str, object]
):
    changed = [pair[0], replace(pair[1], **change)]

    assert fingerprint(changed) != fingerprint(pair)


def test_fingerprint_changes_with_order_and_number(pair: list[Sample]):
    prints = {fingerprint(samples) for samples in (pair, pair[::-1], pair[:1], pair[1:], [])}

    assert len(prints) == 5


def test_fingerprint_sees_every_number_of_a_long_target(pair: list[Sample]):
    values = np.arange(3000, dtype=np.float32)
    changed = values.copy()
    changed[1500] += 1
    first, *rest = pair
    prints = {
        fingerprint([replace(first, target=target), *rest])
        for target in (values, changed, tuple(values), tuple(changed), changed.tolist())
    }
    assert len(prints) == 4  # a list and an array of the same numbers are equal


def test_fingerprint_does_not_depend_on_the_text_of_numpy_numbers(pair: list[Sample]):
    first, *rest = pair
    plain = replace(first, target=(0.5, 2.0), features={"age": 3.0})
    numpy = replace(first, target=tuple(np.float32([0.5, 2.0])), features={"age": np.float64(3.0)})
    assert fingerprint([plain, *rest]) == fingerprint([numpy, *rest])


def test_fingerprint_is_that_of_earlier_versions(pair: list[Sample]) -> None:
    first, second = pair
    rich = replace(second, unit="u", fold=1, weight=2.0, time="2024-05-31", features={"age": 3.0})
    assert fingerprint(pair) == PAIR
    assert fingerprint([first, rich, replace(first, train_only=True, target=(1, 0))]) == RICH


def is_read(samples: list[Sample], caches: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many files are read for a fingerprint, which must be the right one."""
    count, whole = 0, file_digests._all_bytes

    def counted(stream: Any, size: int) -> bytes:
        nonlocal count
        count += 1
        return whole(stream, size)

    with monkeypatch.context() as patch:
        patch.setattr(file_digests, "_all_bytes", counted)
        found = fingerprint(samples, caches)
    assert found == fingerprint(samples)
    return count


def age(paths: list[Path]) -> None:
    """Wait until a change of these files would be seen in their times."""
    deadline = time.time() + 120
    while max(path.stat().st_ctime_ns for path in paths) + 20_000_000 > time.time_ns():
        assert time.time() < deadline
        time.sleep(0.01)


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(file_digests, "SETTLED_NS", 10_000_000)
    return tmp_path / "caches"


def test_a_file_is_read_again_only_after_a_change(
    pair: list[Sample], caches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / name for name in ("a", "b", "clean")]
    age(files)
    assert is_read(pair, caches, monkeypatch) == 3
    assert is_read(pair, caches, monkeypatch) == 0

    before = files[1].stat()
    files[1].write_bytes(b"BBB")  # of the same size, with its old time
    os.utime(files[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    age(files)

    assert is_read(pair, caches, monkeypatch) == 1


def test_what_changed_a_moment_ago_is_read_again(
    pair: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_read(pair, tmp_path / "caches", monkeypatch) == 3
    assert is_read(pair, tmp_path / "caches", monkeypatch) == 3


def test_a_disk_that_cannot_be_written_to_is_done_without(
    pair: list[Sample], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert fingerprint(pair, tmp_path / "file") == fingerprint(pair)


def test_a_damaged_memory_is_not_believed(pair: list[Sample], caches: Path) -> None:
    age([sample.image_file for sample in pair])
    fingerprint(pair, caches)
    (memory,) = (caches / file_digests.FOLDER).iterdir()
    memory.write_bytes(memory.read_bytes()[:100])
    assert fingerprint(pair, caches) == fingerprint(pair)


def test_only_the_last_lists_of_files_are_remembered(
    pair: list[Sample], caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_digests, "KEPT", 2)
    for samples in (pair, pair[:1], pair[1:]):
        fingerprint(samples, caches)
    assert len(list((caches / file_digests.FOLDER).iterdir())) == 2


def test_of_large_data_a_part_of_the_bytes_is_read(
    pair: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = tmp_path / "a"
    large.write_bytes(bytes(1 << 20))
    whole = fingerprint(pair)
    monkeypatch.setattr(module, "WHOLE_BYTES", 1 << 19)
    sampled = fingerprint(pair)

    assert sampled.startswith("sampled-")
    assert has_fingerprint(pair, whole)
    assert has_fingerprint(pair, sampled)
    for place in (0, 1 << 20, (1 << 20) - 1):  # the first, one more, and the last byte
        content = bytearray(1 << 20)
        content[place:] = b"1" if place else content[:-1] + b"1"
        large.write_bytes(content)
        assert not has_fingerprint(pair, sampled)
        assert not has_fingerprint(pair, whole)
    small = tmp_path / "b"
    large.write_bytes(bytes(1 << 20))
    assert has_fingerprint(pair, sampled)
    small.write_bytes(b"bBb")
    assert not has_fingerprint(pair, sampled)


def test_every_byte_of_a_small_file_counts_if_files_are_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WHOLE_BYTES", 0)
    size = file_digests.BLOCK * file_digests.BLOCKS
    samples = [Sample(id="a", image=tmp_path / "a")]
    (tmp_path / "a").write_bytes(bytes(size))
    before = fingerprint(samples)
    for place in range(0, size, 4093):
        content = bytearray(size)
        content[place] = 1
        (tmp_path / "a").write_bytes(content)
        assert fingerprint(samples) != before
