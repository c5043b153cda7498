"""A cache of features on disk: one binary file that every process maps into memory.

    <key>/features.bin   (samples, copies, *shape), then (training samples, views, *shape)
    <key>/index.json     the row of each sample, shapes, and the cut of the network
    <key>/facts.json     the fields that `comp cache` lists
    <key>/used           its time of change is the time of the last use

A folder with this name is complete. A process that ends before that leaves a temporary folder,
which the next one removes.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from comp.contract.sample import Sample
from comp.data.images import eviction
from comp.data.images.decode_many import absolute_image_path
from comp.errors import DataError, RunError
from comp.features.plan import Plan, sample_key
from comp.files import new_folder, read_json, write_error, write_json, write_text

VALUES, INDEX = "features.bin", "index.json"


@dataclass(frozen=True)
class FeatureStore:
    """A complete cache of features. It can be pickled: the values are mapped when they are used.

    `root` is the folder of the data, to which paths in the cache are relative; None: where the data
    was when the cache was made.
    """

    folder: Path
    root: Path | None = None

    @property
    def index(self) -> Mapping[str, Any]:
        """index.json.

        Raises:
            RunError: the cache was removed, or is damaged.
        """
        return _open_store(self.folder).index

    def row(self, sample: Sample) -> int:
        """The row of a sample.

        Raises:
            RunError: the cache does not contain it.
        """
        store = _open_store(self.folder)
        recorded = store.index.get("root")
        root = (self.root or Path(recorded)) if recorded else None
        row = store.rows.get(sample_key(sample, root))
        if row is None:
            raise RunError(
                f"the features in {self.folder} do not contain sample {sample.id}: start the run "
                "again"
            )
        return row

    def plain(self, rows: Sequence[int], copies: int = 1) -> np.ndarray:
        """The features of the first `copies` symmetries: float32 (rows, copies, *shape)."""
        values = _open_store(self.folder).plain[np.asarray(rows, dtype=np.int64), :copies]
        return np.asarray(values, dtype=np.float32)

    def draws(self, rows: Sequence[int], numbers: Sequence[int], copies: int = 0) -> np.ndarray:
        """What training sees of some samples: float32 (rows, *shape).

        Args:
            numbers: for each row, chooses one of the augmented views, which only training samples
                have, and of the first `copies` symmetries, from 0. Without both it is the image
                itself.
        """
        store = _open_store(self.folder)
        row = np.asarray(rows, dtype=np.int64)
        views = np.where(row < len(store.views), store.views.shape[1], 0)
        counts = np.maximum(1, views + copies).tolist()
        pairs = zip(numbers, counts, strict=True)
        chosen = np.array([number % count for number, count in pairs], dtype=np.int64)
        values = np.empty((len(row), *store.plain.shape[2:]), dtype=np.float32)
        augmented = chosen < views
        values[augmented] = store.views[row[augmented], chosen[augmented]]
        values[~augmented] = store.plain[row[~augmented], (chosen - views)[~augmented]]
        return values


@dataclass(frozen=True)
class _Opened:
    index: Mapping[str, Any]
    rows: Mapping[str, int]
    plain: np.ndarray
    views: np.ndarray


@functools.lru_cache(maxsize=2)
def _open_store(folder: Path) -> _Opened:
    try:
        index = read_json(folder / INDEX)
        dtype = np.dtype(index["dtype"])
        values = np.asarray(np.memmap(folder / VALUES, dtype=dtype, mode="r"))
        plain, views = tuple(index["plain"]), tuple(index["views"])
        border = int(np.prod(plain))
        rows = {key: row for row, key in reversed([*enumerate(index["samples"])])}  # the first
        return _Opened(index, rows, values[:border].reshape(plain), values[border:].reshape(views))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise RunError(
            f"the cache of features in {folder} was removed, or is damaged ({error}): run 'comp "
            "resume', or start the run again"
        ) from None


def find_store(folder: Path, plan: Plan) -> FeatureStore | None:
    """The complete cache in `folder`; a damaged one is removed."""
    if not folder.is_dir():
        return None
    try:
        usable = (folder / VALUES).stat().st_size == plan.bytes
        usable = usable and read_json(folder / INDEX)["plain"] == list(plan.plain_shape)
    except (OSError, ValueError, LookupError, TypeError):
        usable = False
    if not usable:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    eviction.mark_used(folder)
    return FeatureStore(folder)


def why_no_room(caches: Path, plan: Plan, limit_bytes: int | None = None) -> str:
    """Why the features do not fit on the disk, after old caches are removed; "" if they do.

    Args:
        limit_bytes: limit of all caches of features together; None is 20 GB or half of the free
            disk.
    """
    eviction.remove_partial_folders(caches)
    limit = eviction.cache_limit_bytes(caches) if limit_bytes is None else limit_bytes
    if eviction.make_room(caches, plan.bytes, limit):
        return ""
    return (
        f"the features need {plan.bytes / 1e9:.3g} GB ({plan.passes:,} x "
        f"{'x'.join(map(str, plan.shape))} values), and {limit / 1e9:.3g} GB in {caches} are for "
        "caches of features"
    )


def write_store(
    folder: Path, plan: Plan, batches: Iterable[np.ndarray], extra: Mapping[str, Any]
) -> FeatureStore:
    """Write a cache, which exists only once it is complete.

    Args:
        batches: features float32 (n, ..., *shape) in the order of the file.
        extra: further entries of index.json.

    Raises:
        DataError: features are not finite, or too large for float16.
        DiskError: the disk is full, or cannot be written.
    """
    try:
        with new_folder(folder) as new:
            if new is not None:
                _write(new, plan, batches, extra)
    except OSError as error:
        raise write_error(folder / VALUES, error) from None
    return FeatureStore(folder)


def _write(
    folder: Path, plan: Plan, batches: Iterable[np.ndarray], extra: Mapping[str, Any]
) -> None:
    with (folder / VALUES).open("wb") as stream:
        for batch in batches:
            with np.errstate(over="ignore"):
                values = np.ascontiguousarray(batch, dtype=plan.dtype)
            if not np.isfinite(values).all():
                raise DataError(
                    f"the features of {plan.network.get('backbone')} are not finite, or too large "
                    f"for {plan.dtype}: set features.cache=false, or use another backbone"
                )
            stream.write(values.data)
        stream.flush()
        os.fsync(stream.fileno())
        size = stream.tell()
    assert size == plan.bytes
    index = {
        **extra,
        **({"root": str(plan.root)} if plan.root else {}),
        "samples": [sample_key(sample, plan.root) for sample in plan.samples],
        "plain": list(plan.plain_shape),
        "views": list(plan.views_shape),
        "dtype": str(plan.dtype),
        "symmetries": plan.symmetries,
    }
    write_text(folder / INDEX, json.dumps(index))
    facts = {
        "source": os.path.commonpath([Path(absolute_image_path(s)).parent for s in plan.samples]),
        "images": len(plan.samples),
        "shape": {
            "backbone": plan.network.get("backbone"),
            "features": list(plan.shape),
            "views": plan.views,
            "copies": plan.copies,
        },
        "bytes": size,
        "made": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    write_json(folder / eviction.FACTS, facts)
    (folder / eviction.USED).touch()
