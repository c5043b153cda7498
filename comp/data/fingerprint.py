"""The fingerprint of a data set: whether two runs have the same samples, and files of the same
bytes.

All bytes of all files are hashed, once on each machine: `comp.data.file_digests` remembers what it
has read. Of data of more than `WHOLE_BYTES` only the sizes of the files and a part of their bytes
are hashed, and the fingerprint begins with "sampled-". A recorded fingerprint is compared with one
of its own kind.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from comp.contract.sample import Sample
from comp.data.file_digests import digests_of, existing_states

WHOLE_BYTES = 1 << 34
"""Bytes of all files up to which each byte counts: 17 GB."""
SAMPLED = "sampled-"
_CHUNK = 4096
_PYTHON = frozenset({float, int, str, type(None)})


def fingerprint(samples: Sequence[Sample], caches: Path | None = None) -> str:
    """A SHA-256 over the ids, groups, labels and columns of samples, and the bytes of their files.

    Args:
        caches: the folder of caches, which remembers what files contain; None: they are read.
    """
    return _fingerprint(samples, caches, None)


def has_fingerprint(samples: Sequence[Sample], recorded: str, caches: Path | None = None) -> bool:
    """Whether samples have the fingerprint that a run has recorded.

    Args:
        caches: as in `fingerprint`.
    """
    return _fingerprint(samples, caches, recorded.startswith(SAMPLED)) == recorded


def _fingerprint(samples: Sequence[Sample], caches: Path | None, sampled: bool | None) -> str:
    """The fingerprint; `sampled` None: as the size of the data asks for it."""
    both = (path for sample in samples for path in (sample.image, sample.target))
    paths = list(dict.fromkeys(os.fspath(path) for path in both if isinstance(path, Path)))
    states = existing_states(paths)
    if sampled is None:
        sampled = int(states[0].sum()) > WHOLE_BYTES
    digests = digests_of(paths, states, caches, sampled)
    total = _combined(samples, paths, digests)
    return f"{SAMPLED}{total}" if sampled else total


def _combined(samples: Iterable[Sample], paths: Sequence[str], digests: np.ndarray) -> str:
    """The SHA-256 of what is known of samples, and of the digests of their files."""
    place = {path: 32 * i for i, path in enumerate(paths)}
    total, known, parts = hashlib.sha256(), digests.tobytes(), list[bytes]()
    for sample in samples:
        image, target = sample.image, sample.target
        text = "" if isinstance(target, Path) else repr(_plain(target))
        line = f"{sample.id}|{sample.group}|{sample.stratum}|{text}\n{_more(sample)}"
        parts.append(line.encode())
        for path in (image, target):
            if isinstance(path, Path):
                start = place[os.fspath(path)]
                parts.append(known[start : start + 32])
        if len(parts) > _CHUNK:
            total.update(b"".join(parts))
            parts.clear()
    total.update(b"".join(parts))
    return total.hexdigest()


def _more(sample: Sample) -> str:
    """What only some competitions know of a sample, as a line; "" if nothing is known."""
    known = sample.unit, sample.fold, sample.time
    usual = known == (None, None, None) and sample.weight == 1 and not sample.train_only
    if usual and not sample.features:
        return ""  # quickly: there may be a million samples
    more: Mapping[str, object] = {
        "unit": sample.unit,
        "fold": sample.fold,
        "train_only": sample.train_only or None,
        "weight": None if sample.weight == 1 else sample.weight,
        "time": sample.time,
    }
    more = {name: value for name, value in more.items() if value is not None}
    if not more and not sample.features:
        return ""
    features = {
        name: value if type(value) in _PYTHON else _plain(value)
        for name, value in sample.features.items()
    }
    return f"{more}{features}\n"


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as those of Python, whose text is complete."""
    if type(value) in _PYTHON:
        return value
    if hasattr(value, "tolist"):
        return value.tolist()
    return type(value)(map(_plain, value)) if type(value) in (tuple, list) else value
