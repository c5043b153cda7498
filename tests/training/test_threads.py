"""The threads of torch under a CPU quota."""

from __future__ import annotations

import pytest
import torch

from comp.training import threads


@pytest.mark.parametrize(
    ("quota", "cores", "variable", "expected"),
    [
        (2.5, 3, None, [3]),
        (2.5, 3, "OMP_NUM_THREADS", []),
        (2.5, 3, "MKL_NUM_THREADS", []),
        (16.0, 16, None, []),
        (None, 3, None, []),
    ],
)
def test_torch_gets_fewer_threads_only_by_a_quota(
    monkeypatch: pytest.MonkeyPatch,
    quota: float | None,
    cores: int,
    variable: str | None,
    expected: list[int],
) -> None:
    chosen: list[int] = []
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "8")
    monkeypatch.setattr(threads, "cpu_quota", lambda: quota)
    monkeypatch.setattr(threads, "cores", lambda: cores)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(torch, "set_num_threads", chosen.append)
    threads.follow_cpu_quota.__wrapped__()
    assert chosen == expected
