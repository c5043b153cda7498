"""Batches that do not fit into the shared memory of a container."""

from __future__ import annotations

import atexit
import signal
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch

from comp.errors import DeviceError
from comp.training import loader_memory
from comp.training.loader_memory import check_shared_memory

Usage = namedtuple("Usage", "total used free")
CPU = torch.device("cpu")
DRAWS = [[(0, 1), (1, 2)], [(2, 3)]]


class Photos:
    """Images of 30 kB, which the reader of a plugin makes with the generator of numpy."""

    def __getitem__(self, _draw: tuple[int, int]) -> dict[str, torch.Tensor]:
        noise = np.random.randint(0, 255, (3, 100, 100), dtype=np.uint8)
        return {"image": torch.from_numpy(noise), "target": torch.zeros(1)}


@pytest.mark.parametrize(
    ("free", "workers", "fits"),
    [
        (256_000, 2, True),
        (256_000, 3, False),
        (100_000, 1, False),
        (1, 0, True),
        (9 << 30, 9, True),
    ],
)
def test_batches_of_all_workers_must_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, workers: int, fits: bool
) -> None:
    monkeypatch.setattr(loader_memory, "FOLDER", tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(free, 0, free))
    before = np.random.get_state()[1].tolist()
    if fits:
        check_shared_memory(Photos(), DRAWS, workers, CPU)
    else:
        with pytest.raises(
            DeviceError, match=r"has 0\.\d+ MB free: set loader\.workers=0.*shm-size"
        ):
            check_shared_memory(Photos(), DRAWS, workers, CPU)
    assert np.random.get_state()[1].tolist() == before


def test_a_worker_that_dies_at_the_end_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before multiprocessing joins the workers, the handler of torch is removed."""
    registered: list[tuple[object, ...]] = []
    monkeypatch.setattr(atexit, "register", lambda *call: registered.append(call))
    loader_memory.ignore_workers_at_exit.cache_clear()
    for _ in range(2):
        check_shared_memory(Photos(), DRAWS, 1, CPU)
    assert registered == [(signal.signal, signal.SIGCHLD, signal.SIG_DFL)]
    loader_memory.ignore_workers_at_exit.cache_clear()
