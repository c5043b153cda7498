"""Prediction files: arrays of float32 and a table of their ids, written and read one at a time.

A file is in the format of https://github.com/huggingface/safetensors#format, so
`safetensors.numpy.load_file` reads it. It has these tensors:

  values   float32: (N, K) or (N, H, W, K), if all arrays have one shape, else all numbers in a row
  ids      uint8: the N ids as JSON
  shapes   uint8: the N shapes as JSON, if the arrays have several

The header has a few hundred bytes for any number of samples. It comes first in the file and is
known last, so there is room for it, which is filled with spaces.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from comp.errors import RunError
from comp.files import replacing
from comp.inference.tensor_file import TensorFile, read_floats

FORMAT = "comp predictions 2"
"""What the metadata of a file says; format 1 has a tensor for each id and no metadata."""
_FLOAT32 = np.dtype("<f4")
_ROOM = 1 << 10
"""Bytes of the header and its length."""
_LENGTH = 8
"""Bytes of the length of the header."""
_BLOCK = 1 << 22
"""Bytes that `PredictionFile.rows` reads at once."""
_SPARSE = 8
"""If fewer than one array in this number is wanted, each is read by itself."""

Shape = tuple[int, ...]


class PredictionFile:
    """The arrays in a file by id; each is read when it is used.

    Nothing is mapped into memory, so that the process does not grow with what it has read. Several
    threads may read.

    Raises:
        SafetensorError: the file is damaged, or contains other values than float32.
        OSError: the file does not exist, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        with safe_open(path, framework="numpy") as file:  # checks the header and the length
            about = file.metadata() or {}
        if about.get("format") != FORMAT:
            raise SafetensorError(f"its format is {about.get('format')!r}, not {FORMAT!r}")
        self._stream, self._lock = path.open("rb"), Lock()
        length = int.from_bytes(self._stream.read(_LENGTH), "little")
        self._tensors = json.loads(self._stream.read(length))
        self._start = _LENGTH + length
        values = self._tensors.get("values", {"dtype": "no values"})
        if values["dtype"] != "F32":
            raise SafetensorError(f"it contains values of the type {values['dtype']}, not F32")
        self.ids: Sequence[str] = self._json("ids")
        self._place = {name: place for place, name in enumerate(self.ids)}
        self._shapes = [tuple(shape) for shape in self._json("shapes")]
        self.shape: Shape | None = None if self._shapes else tuple(values["shape"][1:])
        """The shape of all arrays; None if they have several."""
        count = len(self._shapes) if self._shapes else values["shape"][0]
        sizes = [math.prod(shape) for shape in self._shapes]
        if {len(self.ids), len(self._place)} != {count} or (
            sizes and sum(sizes) != values["shape"][0]
        ):
            raise SafetensorError("its table of ids does not fit its values")
        self._offsets = np.cumsum([0, *sizes], dtype=np.int64) * _FLOAT32.itemsize

    def _json(self, name: str) -> list[Any]:
        """A table in the file; [] if it has none."""
        if name not in self._tensors:
            return []
        begin, end = self._tensors[name]["data_offsets"]
        self._stream.seek(self._start + begin)
        try:
            table = json.loads(self._stream.read(end - begin))
        except ValueError as error:
            raise SafetensorError(f"its table of {name} is damaged ({error})") from None
        if not isinstance(table, list):
            raise SafetensorError(f"its table of {name} is damaged")
        return table

    def __getitem__(self, name: str) -> np.ndarray:
        place = self._place[name]
        if self.shape is None:
            return self._read(self._shapes[place], int(self._offsets[place]))
        return self._read(self.shape, place * math.prod(self.shape) * _FLOAT32.itemsize)

    def _read(self, shape: Shape, offset: int) -> np.ndarray:
        return read_floats(self._stream, self._lock, self._start + offset, shape)

    def rows(self, names: Sequence[str]) -> np.ndarray:
        """The arrays of some ids as one array, in their order. All arrays must have one shape.

        The file is read in blocks, so that in memory there is no more than what is returned.
        """
        assert self.shape is not None, "the arrays have several shapes"
        places = np.fromiter((self._place[name] for name in names), np.int64, len(names))
        found = np.empty((len(names), *self.shape), dtype=_FLOAT32)
        size = math.prod(self.shape) * _FLOAT32.itemsize
        step = max(1, _BLOCK // max(1, size))
        order = np.argsort(places, kind="stable")
        rising, begin = places[order], 0
        while begin < len(rising):
            first = int(rising[begin])
            end = int(np.searchsorted(rising, first + step))
            count = int(rising[end - 1]) - first + 1
            if count > _SPARSE * (end - begin):
                for row, place in zip(order[begin:end], rising[begin:end].tolist(), strict=True):
                    found[row] = self._read(self.shape, place * size)
            else:
                block = self._read((count, *self.shape), first * size)
                found[order[begin:end]] = block[rising[begin:end] - first]
            begin = end
        return found

    def __iter__(self) -> Iterator[str]:
        """The ids, sorted: their order does not depend on that in which they were predicted."""
        return iter(sorted(self.ids))

    def __contains__(self, name: object) -> bool:
        return name in self._place

    def __len__(self) -> int:
        return len(self.ids)

    def __del__(self) -> None:
        if "_stream" in vars(self):
            self._stream.close()


def open_predictions(path: Path) -> PredictionFile | TensorFile:
    """Open a file of any format.

    Raises:
        SafetensorError: the file is damaged, or contains other values than float32.
        OSError: the file does not exist, or cannot be read.
    """
    with safe_open(path, framework="numpy") as file:
        about = file.metadata() or {}
    return PredictionFile(path) if "format" in about else TensorFile(path)


def write_predictions(path: Path, arrays: Iterable[tuple[str, np.ndarray]]) -> None:
    """Write arrays by id as float32, in the order in which they come; one is in memory at a time.

    Raises:
        DiskError: when the disk is full, or the file cannot be written.
        RunError: an id comes twice.
    """
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.write(bytes(_ROOM))
        ids: dict[str, None] = {}
        shapes: list[Shape] = []
        known: dict[Shape, Shape] = {}  # one tuple for each shape, not one for each array
        for name, array in arrays:
            if name in ids:
                raise RunError(f"two predictions of {name}: an id has one")
            plain = np.ascontiguousarray(array, dtype=_FLOAT32).reshape(np.shape(array))
            ids[name] = None
            shapes.append(known.setdefault(plain.shape, plain.shape))
            stream.write(plain.data if plain.size else b"")
        numbers = (stream.tell() - _ROOM) // _FLOAT32.itemsize
        tables = {"ids": json.dumps(list(ids)).encode()}
        if len(known) > 1:
            tables["shapes"] = json.dumps(shapes).encode()
        for table in tables.values():
            stream.write(table)
        shape = (numbers,) if len(known) > 1 else (len(ids), *next(iter(known), ()))
        stream.seek(0)
        stream.write(_header(shape, tables))


def _header(shape: Shape, tables: dict[str, bytes]) -> bytes:
    """The length of the header and the header, padded to `_ROOM` bytes."""
    end = math.prod(shape) * _FLOAT32.itemsize
    entries: dict[str, Any] = {
        "__metadata__": {"format": FORMAT},
        "values": {"dtype": "F32", "shape": shape, "data_offsets": (0, end)},
    }
    for name, table in tables.items():
        entries[name] = {
            "dtype": "U8",
            "shape": (len(table),),
            "data_offsets": (end, end := end + len(table)),
        }
    text = json.dumps(entries, separators=(",", ":")).encode().ljust(_ROOM - _LENGTH)
    return (_ROOM - _LENGTH).to_bytes(_LENGTH, "little") + text
