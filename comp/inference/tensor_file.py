"""Read safetensors files of float32 arrays, one array in memory at a time.

Earlier versions wrote predictions so: a tensor for each id. The format is that of
https://github.com/huggingface/safetensors#format: 8 bytes with the length of the header, the header
as JSON, and the raw values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import numpy as np
from safetensors import SafetensorError, safe_open

_FLOAT32 = np.dtype("<f4")
_LENGTH = 8
"""Bytes of the length of the header."""


class TensorFile:
    """The arrays in a file by name; each is read when it is used.

    Nothing is mapped into memory, so that the process does not grow with what it has read. Several
    threads may read.

    Raises:
        SafetensorError: the file is damaged, or contains other values than float32.
        OSError: the file does not exist, or cannot be read.
    """

    shape = None
    """The shape of all arrays is not known."""

    def __init__(self, path: Path) -> None:
        with safe_open(path, framework="numpy"):  # checks the header
            pass
        self._stream, self._lock = path.open("rb"), Lock()
        length = int.from_bytes(self._stream.read(_LENGTH), "little")
        self._arrays = json.loads(self._stream.read(length))
        self._arrays.pop("__metadata__", None)
        self._start = _LENGTH + length
        types = {entry["dtype"] for entry in self._arrays.values()} - {"F32"}
        if types:
            raise SafetensorError(f"it contains values of the type {min(types)}, not F32")

    def __getitem__(self, name: str) -> np.ndarray:
        entry = self._arrays[name]
        place = self._start + entry["data_offsets"][0]
        return read_floats(self._stream, self._lock, place, entry["shape"])

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __len__(self) -> int:
        return len(self._arrays)

    def __del__(self) -> None:
        if "_stream" in vars(self):
            self._stream.close()


def read_floats(stream: BinaryIO, lock: Lock, place: int, shape: Sequence[int]) -> np.ndarray:
    """An array of float32 from a place in a file.

    Args:
        lock: of the file, so that no other thread moves the place meanwhile.

    Raises:
        SafetensorError: the file ends before.
    """
    array = np.empty(shape, dtype=_FLOAT32)
    with lock:
        stream.seek(place)
        read = stream.readinto(array.reshape(-1).view(np.uint8).data) if array.size else 0  # type: ignore[attr-defined]
    if read != array.nbytes:
        raise SafetensorError("it was cut while it was read")
    return array
