"""External samples that are held out in turn, for a score of their own."""

from __future__ import annotations

from typing import Any

import pytest

from comp.config.schema import RunConfig, resolve
from comp.contract.sample import Sample
from comp.data.external_folds import external_folds
from comp.data.folds import NEVER, make_folds, split
from comp.data.groups import UNUSED, held_out_apart
from comp.errors import FoldError
from comp.tasks.classification import task_of

NAMES = task_of(("cat", "dog")).label_names


def settings(**keys: Any) -> RunConfig:
    return resolve("toy", [{"external_folds": True, "folds": 3, **keys}])


def pet(name: str, number: int, **fields: Any) -> Sample:
    return Sample(id=name, target=float(number % 2), group=f"owner {number // 2}", **fields)


def test_a_fold_trains_on_the_external_samples_of_the_other_folds() -> None:
    own = [pet(f"s{i}", i) for i in range(24)]
    added = [pet(f"external-1/s{i}", i, train_only=True) for i in range(20, 60)]
    of_author = pet("s99", 98, train_only=True)
    samples = [*own, *added, of_author]
    folds = make_folds(samples, 3, "auto", 0, None, NAMES)
    folds["external-1/s59"] = UNUSED
    numbers = external_folds(settings(), samples, folds, 0, NAMES)
    assert set(numbers) == {s.id for s in added} - {"external-1/s59"}
    folds |= numbers
    apart = {name: held_out_apart(number) for name, number in folds.items()}
    assert {name: apart[name] for name in folds if name not in numbers} == dict.fromkeys(
        folds.keys() - numbers.keys(), NEVER
    )
    for i in range(20, 24):  # of owners that the data has too
        assert apart[f"external-1/s{i}"] == folds[f"s{i}"]
    by_owner: dict[str, set[int]] = {}
    for sample in added[:-1]:
        by_owner.setdefault(str(sample.group), set()).add(apart[sample.id])
    assert {len(found) for found in by_owner.values()} == {1}
    counts = [list(apart.values()).count(fold) for fold in range(3)]
    assert max(counts) - min(counts) <= 4
    for fold in range(3):
        train, held_out = split(samples, folds, fold, "auto")
        assert {s.id for s in held_out} == {s.id for s in own if folds[s.id] == fold}
        trained = {s.id for s in train}
        assert trained.isdisjoint(name for name, number in apart.items() if number == fold)
        others = {name for name, number in apart.items() if number not in (fold, NEVER)}
        groups = {s.group for s in held_out}
        assert {s.id for s in added if s.id in trained} == {
            s.id for s in added if s.id in others and s.group not in groups
        }
        assert "s99" in trained


def test_it_needs_external_samples_and_folds_that_are_not_of_time() -> None:
    own = [pet(f"s{i}", i) for i in range(12)]
    folds = make_folds(own, 3, "auto", 0, None, NAMES)
    with pytest.raises(FoldError, match="needs external samples, and there are none"):
        external_folds(settings(), own, folds, 0, NAMES)
    with pytest.raises(FoldError, match="does not fit scheme = time"):
        external_folds(settings(scheme="time"), own, folds, 0, NAMES)
