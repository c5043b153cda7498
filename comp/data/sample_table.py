"""The samples of a run as a table, `samples.parquet`: written once, and read by each fold, also in
other processes and on other machines.

Paths in the data folder are relative to it. Numbers keep their types. Samples that a table cannot
hold, such as those of a plugin's own class, are listed again by each fold.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import copysign
from pathlib import Path
from typing import Any

import polars as pl

from comp.contract.sample import Sample
from comp.data.images.prepared import absolute_key, relative_key
from comp.data.listed import uncollected
from comp.errors import RunError
from comp.files import replacing

Samples = tuple[Sequence[Sample], Sequence[Sample]]
"""Training samples, and test samples."""

TEXTS = ("id", "group", "stratum", "unit")
VALUES = ("target", "weight", "time")
"""Fields that are numbers, texts, or lists of numbers; a target may be a path."""
_SIMPLE = frozenset({type(None), float, int, bool, str})
_NUMBERS = frozenset({float, int, bool})
_PATH, _TUPLE, _JSON = "p", "t", "j"
_FEATURE = "feature "
_KINDS: Sequence[tuple[frozenset[type], Any]] = (
    (frozenset({float, type(None)}), pl.Float64),
    (frozenset({str, type(None)}), pl.String),
)
"""Types of the cells of a column, and the type of its column in the file."""


class _UnfitError(Exception):
    """A table cannot hold these samples."""


def write_samples(path: Path, train: Sequence[Sample], test: Sequence[Sample], root: Path) -> bool:
    """Write the samples of a run; returns whether a table can hold them. If not, there is no file.

    Args:
        root: the folder of the data.
    """
    every = [*train, *test]
    try:
        columns = _columns(every, root)
    except _UnfitError:
        path.unlink(missing_ok=True)
        return False
    columns["test"] = pl.Series("test", [False] * len(train) + [True] * len(test), pl.Boolean)
    with replacing(path) as temporary:
        pl.DataFrame(list(columns.values())).write_parquet(temporary)
    return True


def read_samples(path: Path, root: Path) -> Samples | None:
    """Read the samples of a run; None if it has no table.

    Args:
        root: the folder of the data, which may be another one than when the table was written.

    Raises:
        RunError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        frame = pl.read_parquet(path, glob=False)
        with uncollected():
            samples = _samples(frame.drop("test"), root)
        count = frame.height - int(frame["test"].sum())
    except (OSError, ValueError, LookupError, TypeError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{path} is damaged ({error}): remove it, and resume the run") from None
    return samples[:count], samples[count:]


def _columns(samples: Sequence[Sample], root: Path) -> dict[str, pl.Series]:
    """The fields of samples that are not the same default in all of them.

    Raises:
        _UnfitError: a field has another type.
    """
    if any(type(sample) is not Sample for sample in samples):
        raise _UnfitError
    path_text = _path_writer(root)
    columns = {name: _texts(name, [getattr(s, name) for s in samples]) for name in TEXTS}
    columns["image"] = _texts(
        "image", [None if s.image is None else path_text(s.image) for s in samples]
    )
    for name in VALUES:
        values = [getattr(s, name) for s in samples]
        texts = _texts_of_one_type(values) or _texts_of_all(values, path_text)
        columns[name] = _series(name, texts, pl.String)
    columns["size"] = _sizes([s.size for s in samples])
    folds = [s.fold for s in samples]
    _require(folds, {int, type(None)})
    columns["fold"] = _series("fold", folds, pl.Int64)
    only = [s.train_only for s in samples]
    _require(only, {bool})
    columns["train_only"] = pl.Series("train_only", only, pl.Boolean)
    return columns | _features([s.features for s in samples])


def _require(values: Iterable[Any], types: Iterable[type]) -> None:
    if not set(map(type, values)) <= set(types):
        raise _UnfitError


def _texts(name: str, values: Sequence[str | None]) -> pl.Series:
    _require(values, {str, type(None)})
    return _series(name, values, pl.String)


def _series(name: str, values: Sequence[Any], kind: Any) -> pl.Series:
    """A column; names of files need not be UTF-8, and Python's integers can be larger."""
    try:
        return pl.Series(name, values, kind)
    except (UnicodeEncodeError, OverflowError, TypeError):
        raise _UnfitError from None


def _path_writer(root: Path) -> Callable[[Path], str]:
    """The text of a path, relative to `root` if it is in there."""
    own, prefix = type(root), f"{root}{os.sep}"

    def text(path: Path) -> str:
        if type(path) is not own:
            raise _UnfitError
        name = os.fspath(path)
        if os.sep == "/" and name.startswith(prefix):
            return name[len(prefix) :]
        key = relative_key(name, root)
        if key == name and not path.is_absolute():
            raise _UnfitError
        return key

    return text


def _texts_of_one_type(values: Sequence[Any]) -> list[str | None]:
    """The texts of numbers, or of names, of one type, each different one made once; [] if there are
    others, or a negative zero, which is equal to zero."""
    kinds = set(map(type, values)) - {type(None)}
    if len(kinds) > 1 or not kinds <= _SIMPLE:
        return []
    different = set(values)
    if float in kinds and 0 in different and any(v == 0 and copysign(1, v) < 0 for v in values):
        return []
    texts = {v: None if v is None else _JSON + json.dumps(v) for v in different}
    return [texts[value] for value in values]


def _texts_of_all(values: Sequence[Any], path_text: Callable[[Path], str]) -> list[str | None]:
    known: dict[tuple[type, Any], str] = {}
    return [_value(value, path_text, known) for value in values]


def _value(
    value: Any, path_text: Callable[[Path], str], known: dict[tuple[type, Any], str]
) -> str | None:
    """A target, a weight or a time as text, which says its type."""
    kind = type(value)
    if value is None:
        return None
    if kind in _SIMPLE:
        key = kind, value
        text = known.get(key)
        if text is None or (kind is float and value == 0):  # 0.0 and -0.0 are equal
            text = known[key] = _JSON + json.dumps(value)
        return text
    if kind in (list, tuple):
        _require(value, _NUMBERS)
        return (_TUPLE if kind is tuple else _JSON) + json.dumps(value)
    if isinstance(value, Path):
        return _PATH + path_text(value)
    raise _UnfitError


def _sizes(sizes: Sequence[Any]) -> pl.Series:
    _require(sizes, {tuple, type(None)})
    _require((side for size in sizes if size for side in size), {int})
    if any(size is not None and len(size) != 2 for size in sizes):
        raise _UnfitError
    return _series("size", sizes, pl.List(pl.Int64))


def _features(cells: Sequence[Mapping[str, Any]]) -> dict[str, pl.Series]:
    """The columns of a table; all samples must have the same ones, in the same order."""
    names = list(cells[0]) if cells else []
    if any(type(row) is not dict or list(row) != names for row in cells):
        raise _UnfitError
    columns = {}
    for number, name in enumerate(names):
        values = [row[name] for row in cells]
        types = set(map(type, values))
        kind = next((kind for fitting, kind in _KINDS if types <= fitting), None)
        if kind is None or type(name) is not str:
            raise _UnfitError
        label = f"{_FEATURE}{number} {name}"
        columns[label] = _series(label, values, kind)
    return columns


def _samples(frame: pl.DataFrame, root: Path) -> list[Sample]:
    """The samples in a table. Equal values and folders are one object."""
    labels = [name for name in frame.columns if name.startswith(_FEATURE)]
    names = [label.removeprefix(_FEATURE).partition(" ")[2] for label in labels]
    cells: Iterable[dict[str, Any]] = ({} for _ in range(frame.height))
    if names:
        cells = (dict(zip(names, row, strict=True)) for row in frame.select(labels).iter_rows())
    fields = [name for name in frame.columns if not name.startswith(_FEATURE)]
    used = [name for name in fields if frame[name].null_count() < frame.height]
    columns = {name: frame[name].to_list() for name in used}
    path_of = _path_reader(root)
    if "image" in columns:
        columns["image"] = [path and path_of(path) for path in columns["image"]]
    read = _value_reader(path_of)
    for name in set(VALUES) & set(used):
        columns[name] = [None if text is None else read(text) for text in columns[name]]
    if "size" in columns:
        columns["size"] = [size and tuple(size) for size in columns["size"]]
    rows = zip(*columns.values(), strict=True)
    return [
        Sample(**dict(zip(used, row, strict=True)), features=features)
        for row, features in zip(rows, cells, strict=True)
    ]


def _path_reader(root: Path) -> Callable[[str], Path]:
    """The path of a text of `_path_writer`. A path in a folder that is known is made faster."""
    folders: dict[str, Path] = {}

    def path(text: str) -> Path:
        folder, _, name = text.rpartition("/")
        if not folder or not name or os.sep != "/":
            return Path(absolute_key(text, root))
        if folder not in folders:
            folders[folder] = Path(absolute_key(folder, root))
        return folders[folder] / name

    return path


def _value_reader(path_of: Callable[[str], Path]) -> Callable[[str], Any]:
    """The value of a text of `_value`."""
    known: dict[str, Any] = {}

    def value(text: str) -> Any:
        if text[0] == _PATH:
            return path_of(text[1:])
        if text[0] == _TUPLE:
            return tuple(json.loads(text[1:]))
        if text[1] == "[":
            return json.loads(text[1:])
        if text not in known:
            known[text] = json.loads(text[1:])
        return known[text]

    return value
