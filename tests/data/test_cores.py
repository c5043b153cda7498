"""The cores of a process whose container has a CPU quota, with drawn control groups."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from comp.data import cores


@pytest.mark.parametrize(
    ("groups", "files", "quota"),
    [
        ("0::/\n", {}, None),
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        ("0::/\n", {"cpu.max": "150000 100000"}, 1.5),
        ("0::/\n", {"cpu.max": "nonsense"}, None),
        ("0::/a/b\n", {"a/cpu.max": "200000 100000", "a/b/cpu.max": "300000 100000"}, 2.0),
        ("0::/a/b\n", {"a/cpu.max": "max 100000", "a/b/cpu.max": "300000 100000"}, 3.0),
        ("0::/host/path\n", {"cpu.max": "50000 100000"}, 0.5),
        ("2:cpu,cpuacct:/d\n0::/\n", {"cpu,cpuacct/d": "400000 100000"}, 4.0),
        ("2:cpu,cpuacct:/host/path\n", {"cpu": "250000 100000"}, 2.5),
        ("2:cpu:/\n", {"cpu": "-1 100000"}, None),
        ("2:cpu:/\n", {"cpu": "100000 0"}, None),
        (None, {"cpu.max": "100000 100000"}, 1.0),
    ],
)
def test_the_quota_is_the_smallest_one_up_to_the_root(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    groups: str | None,
    files: Mapping[str, str],
    quota: float | None,
) -> None:
    monkeypatch.setattr(cores, "CGROUPS", tmp_path)
    monkeypatch.setattr(cores, "PROCESS", tmp_path / "cgroup")
    if groups is not None:
        (tmp_path / "cgroup").write_text(groups)
    for name, text in files.items():
        path = tmp_path / name
        if path.name == "cpu.max":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
            continue
        path.mkdir(parents=True)
        for key, value in zip(("quota", "period"), text.split(), strict=True):
            (path / f"cpu.cfs_{key}_us").write_text(f"{value}\n")
    assert cores.cpu_quota() == quota


@pytest.mark.parametrize(
    ("affinity", "quota", "expected"), [(8, None, 8), (8, 1.5, 2), (8, 0.2, 1), (2, 4.0, 2)]
)
def test_a_part_of_a_core_counts_as_one(
    monkeypatch: pytest.MonkeyPatch, affinity: int, quota: float | None, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)), raising=False)
    monkeypatch.setattr(cores, "cpu_quota", lambda: quota)
    assert cores.cores() == expected
