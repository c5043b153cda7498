"""Write and read safetensors files of float32 arrays, one array in memory at a time.

The format is that of https://github.com/huggingface/safetensors#format: 8 bytes with the length of
the header, the header as JSON, and the raw values. The bytes are those of
`safetensors.numpy.save`: arrays in the order of their names, and a header that is padded with
spaces to a multiple of 8 bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

import numpy as np
from safetensors import SafetensorError, safe_open

from comp.files import replacing

IN_MEMORY = 1 << 26
"""Bytes that are collected in memory; of more, all go to a file without a name."""
_FLOAT32 = np.dtype("<f4")
_CHUNK = 1 << 22
_LENGTH = 8
"""Bytes of the length of the header."""


class TensorFile:
    """The arrays in a file by name; each is read when it is used.

    Nothing is mapped into memory, so that the process does not grow with what it has read.

    Raises:
        SafetensorError: the file is damaged, or contains other values than float32.
        OSError: the file does not exist, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        with safe_open(path, framework="numpy"):  # checks the header
            pass
        self._stream = path.open("rb")
        length = int.from_bytes(self._stream.read(_LENGTH), "little")
        self._arrays = json.loads(self._stream.read(length))
        self._arrays.pop("__metadata__", None)
        self._start = _LENGTH + length
        types = {entry["dtype"] for entry in self._arrays.values()} - {"F32"}
        if types:
            raise SafetensorError(f"it contains values of the type {min(types)}, not F32")

    def __getitem__(self, name: str) -> np.ndarray:
        entry = self._arrays[name]
        array = np.empty(entry["shape"], dtype=_FLOAT32)
        self._stream.seek(self._start + entry["data_offsets"][0])
        read = self._stream.readinto(array.reshape(-1).view(np.uint8).data) if array.size else 0
        if read != array.nbytes:
            raise SafetensorError("it was cut while it was read")
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __len__(self) -> int:
        return len(self._arrays)

    def __del__(self) -> None:
        if "_stream" in vars(self):
            self._stream.close()


def write_tensors(path: Path, arrays: Iterable[tuple[str, np.ndarray]]) -> None:
    """Write arrays by name, as float32; of arrays with the same name the last one counts.

    The arrays come in any order and may have any shapes, so the header is known at the end: the
    values go to a file without a name, and from there to the file. It is in the same folder,
    because the temporary folder of the system may be small, or in memory.

    Raises:
        DiskError: when the disk is full, or the file cannot be written.
    """
    folder = str(path.parent)
    with replacing(path) as temporary, SpooledTemporaryFile(IN_MEMORY, dir=folder) as values:
        found: dict[str, tuple[tuple[int, ...], int]] = {}
        for name, array in arrays:
            plain = np.ascontiguousarray(array, dtype=_FLOAT32)
            found[name] = plain.shape, values.tell()
            values.write(plain.tobytes())
        names = sorted(found)
        with temporary.open("wb") as stream:
            stream.write(_header([(name, found[name][0]) for name in names]))
            for name in names:
                shape, start = found[name]
                _copy(values, start, math.prod(shape) * _FLOAT32.itemsize, stream)


def _header(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> bytes:
    """The length of the header and the header, padded so that the values begin at a multiple of 8
    bytes."""
    entries, end = {}, 0
    for name, shape in shapes:
        start, end = end, end + math.prod(shape) * _FLOAT32.itemsize
        entries[name] = {"dtype": "F32", "shape": shape, "data_offsets": (start, end)}
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH)
    return len(text).to_bytes(_LENGTH, "little") + text


def _copy(values: IO[bytes], start: int, count: int, stream: IO[bytes]) -> None:
    values.seek(start)
    while count:
        chunk = values.read(min(count, _CHUNK))
        stream.write(chunk)
        count -= len(chunk)
