"""Which folds an unlabelled sample must not train in, because they hold out a relative of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from comp.contract.sample import Sample
from comp.data.columns.cells import meaning
from comp.data.groups import group_keys
from comp.files import sha256


def related_folds(
    train: Sequence[Sample], folds: Mapping[str, int], others: Sequence[Sample]
) -> list[frozenset[int]]:
    """For each of `others`, the folds that hold out a training sample of its group or unit, or with
    the same image file, or a row with the same cells.

    Args:
        folds: of the training samples, by id; below 0 for those that are never held out.
    """
    scored = [sample for sample in train if folds[sample.id] >= 0]
    by_key: dict[str, set[int]] = defaultdict(set)
    keys = _keys(scored, others)
    for sample, key in zip(scored, keys, strict=False):  # those of `others` come after them
        by_key[key].add(folds[sample.id])
    copies = _copies(scored, others)
    return [
        frozenset(by_key.get(key, set()) | {folds[name] for name in names})
        for key, names in zip(keys[len(scored) :], copies, strict=True)
    ]


def _keys(train: Sequence[Sample], others: Sequence[Sample]) -> list[str]:
    """Keys of groups. Ids may be equal in both splits, which says nothing."""
    renamed = [replace(sample, id=f"other/{sample.id}") for sample in others]
    return group_keys([*(replace(s, id=f"train/{s.id}") for s in train), *renamed])


def _copies(train: Sequence[Sample], others: Sequence[Sample]) -> list[list[str]]:
    """For each of `others`, the ids of the training samples of which it is a copy."""
    found: dict[str, list[str]] = defaultdict(list)
    contents = _contents(train, others)
    for sample, content in zip(train, contents, strict=False):
        if content:
            found[content].append(sample.id)
    return [found.get(content, []) if content else [] for content in contents[len(train) :]]


def _contents(train: Sequence[Sample], others: Sequence[Sample]) -> list[str]:
    """Text that is equal for samples with the same content; "" if there is nothing to compare."""
    every = [*train, *others]
    used = Counter(sample.image for sample in every)
    sizes = [_size(sample.image) if used[sample.image] == 1 else 0 for sample in every]
    border = len(train)
    shared = set(sizes[:border]) & set(sizes[border:]) - {0}
    return [_content(s, size in shared) for s, size in zip(every, sizes, strict=True)]


def _content(sample: Sample, compare_file: bool) -> str:
    if compare_file and sample.image:
        return sha256(sample.image)
    if sample.image or not sample.features:
        return ""
    return repr([(name, meaning(cell)) for name, cell in sample.features.items()])


def _size(path: Path | None) -> int:
    """Bytes of a file, 0 if it does not exist. A file of many samples is a table."""
    return path.stat().st_size if path and path.is_file() else 0
