"""Folds of whole domains, so that the out-of-fold score says what a new source would do."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comp.data.domain_sources import DomainSource, ranks
from comp.data.fold_candidates import (
    Candidates,
    counts_in_folds,
    members_of,
    named,
    single_class_folds,
)
from comp.errors import FoldError

LEAST_FOLD = 0.25
"""A fold holds out at least this share of the samples of an even fold."""
LEAST_TRAIN = 1 / 3
"""A fold trains on at least this share of all samples."""
DRAWS = 50
"""Draws of an assignment of domains to folds."""
MORE = (1.0, 1.5, 2.0, 3.0, 4.0)
"""Numbers of clusters that are tried in turn, in relation to the folds."""
LISTED = 100
"""Domains that the record names."""
DIFFERENCES = 2
"""Statistics that describe a fold."""


@dataclass(frozen=True, kw_only=True)
class DomainFolds:
    """The fold and the domain of each of N samples."""

    folds: Sequence[int]
    domains: Sequence[str]
    record: Mapping[str, Any]
    """What run.json contains: `by`, the `domains` with their folds and sizes, and what each of
    `folds` differs in; `moved` samples are in the domain of most of their group."""


@dataclass(frozen=True, order=True)
class _Rating:
    """How unfit folds are: the classes that a training part lacks, folds of unusable size, folds of
    one class, and the spread of their sizes in relation to the mean."""

    lacking: int
    unusable: int
    single: int
    spread: float

    @property
    def fits(self) -> bool:
        return not (self.lacking or self.unusable)

    @property
    def good(self) -> bool:
        return self.fits and not self.single


def domain_folds(candidates: Candidates, source: DomainSource, k: int, seed: int) -> DomainFolds:
    """Assign whole domains to `k` folds of similar sizes. A group is of the domain that most of its
    samples have.

    Clusters are as many as the folds, so that each fold is one; more if folds would be too small,
    or a training part would lack a class.

    Raises:
        FoldError: there are too few domains, or no assignment is fit.
    """
    if k < 2:
        raise FoldError(f"folds = {k}: cross-validation needs at least 2")
    best: tuple[_Rating, list[str], list[int], int] | None = None
    most = 0
    for count in _counts(candidates, source, k):
        own = list(source.names(count))
        domains = by_group(candidates.keys, own)
        most = max(most, len(set(domains)))
        if len(set(domains)) < k:
            continue
        for folds in _draws(domains, k, seed):
            moved = sum(one != other for one, other in zip(own, domains, strict=True))
            rated = _rate(candidates, folds, k), domains, folds, moved
            best = rated if best is None or rated[0] < best[0] else best
            if best[0].good and best[0].spread == 0:
                break
        if best and best[0].good:
            break
    if best is None:
        raise FoldError(
            f"folds = {k}, but there are only {most} domains by {source.by}: "
            + (f"use --folds {most}" if most > 1 else "use scheme = auto")
        )
    rating, domains, folds, moved = best
    if not rating.fits:
        _refuse(candidates, source, domains, folds, k)
    record = _record(source, domains, folds) | {"moved": moved}
    return DomainFolds(folds=folds, domains=domains, record=record)


def _counts(candidates: Candidates, source: DomainSource, k: int) -> Iterator[int]:
    if source.fixed:
        yield k
        return
    groups = len(set(candidates.keys))
    for count in dict.fromkeys(round(k * more) for more in MORE):
        if count <= groups:
            yield count


def by_group(keys: Sequence[str], domains: Sequence[str]) -> list[str]:
    """The domain of each sample: that of most samples of its group, of equally frequent ones the
    first by name."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for key, domain in zip(keys, domains, strict=True):
        votes[key][domain] += 1
    chosen = {key: min(found, key=lambda d: (-found[d], d)) for key, found in votes.items()}
    return [chosen[key] for key in keys]


def _draws(domains: Sequence[str], k: int, seed: int) -> Iterator[list[int]]:
    """Assignments of domains to folds: the largest first, each to the smallest fold; then in random
    orders."""
    sizes = Counter(domains)
    order = sorted(sizes, key=lambda domain: (-sizes[domain], domain))
    generator = random.Random(seed)
    for draw in range(DRAWS if len(order) > k else 1):
        if draw:
            order.sort(key=lambda domain: -sizes[domain] * generator.uniform(0.3, 1))
        totals, fold_of = [0] * k, {}
        for domain in order:
            fold = min(range(k), key=totals.__getitem__)
            fold_of[domain], totals[fold] = fold, totals[fold] + sizes[domain]
        yield [fold_of[domain] for domain in domains]


def _rate(candidates: Candidates, folds: Sequence[int], k: int) -> _Rating:
    sizes = np.bincount(folds, minlength=k)
    return _Rating(
        lacking=len(_lacking(candidates, folds, k)),
        unusable=sum(bool(_size_problem(int(size), len(folds), k)) for size in sizes),
        single=len(single_class_folds(candidates, folds)),
        spread=float(sizes.std() / sizes.mean()),
    )


def _lacking(candidates: Candidates, folds: Sequence[int], k: int) -> list[tuple[str, int]]:
    """The classes of two or more groups whose samples are all held out in one fold, and this
    fold."""
    members = members_of(candidates)
    counts = counts_in_folds(candidates, folds, k)
    return [
        (name, row.index(sum(row)))
        for name, row in sorted(counts.items())
        if len(members.get(name, ())) > 1 and max(row) == sum(row)
    ]


def _size_problem(size: int, total: int, k: int) -> str:
    """Why a fold cannot be used, "" if it can."""
    if size < LEAST_FOLD * total / k:
        return f"would hold out only {size:,} of {total:,} samples"
    if total - size < LEAST_TRAIN * total:
        return f"would train on only {total - size:,} of {total:,} samples"
    return ""


def _refuse(
    candidates: Candidates,
    source: DomainSource,
    domains: Sequence[str],
    folds: Sequence[int],
    k: int,
) -> None:
    """Raise the reason why folds do not fit."""
    sizes = np.bincount(folds, minlength=k)
    faults = [
        (fold, problem)
        for fold, size in enumerate(sizes.tolist())
        if (problem := _size_problem(size, len(folds), k))
    ]
    faults += [
        (fold, f"would train without {named(name)}")
        for name, fold in _lacking(candidates, folds, k)
    ]
    fold, problem = faults[0]
    inside = sorted({d for d, number in zip(domains, folds, strict=True) if number == fold})
    more = f" and {len(inside) - 3} more" * (len(inside) > 3)
    fewer = next((n for n in range(k - 1, 1, -1) if _fit(candidates, domains, n)), 0)
    raise FoldError(
        f"scheme = domain by {source.by}: fold {fold} ({', '.join(inside[:3])}{more}) {problem}: "
        + (f"use --folds {fewer}, " if fewer else "")
        + "set domain to something else, or use scheme = auto"
    )


def _fit(candidates: Candidates, domains: Sequence[str], k: int) -> bool:
    draws = _draws(domains, k, 0)
    return len(set(domains)) >= k and any(_rate(candidates, f, k).fits for f in draws)


def _record(source: DomainSource, domains: Sequence[str], folds: Sequence[int]) -> dict[str, Any]:
    """What run.json contains: the domains with their folds and sizes, and what each fold differs
    in."""
    pairs = Counter(zip(folds, domains, strict=True))
    listed = sorted(pairs, key=lambda pair: (pair[0], -pairs[pair], pair[1]))
    numbers = np.array(folds)
    return {
        "by": source.by,
        "count": len(listed),
        "domains": [
            {"name": name, "fold": fold, "samples": pairs[fold, name]}
            for fold, name in listed[:LISTED]
        ],
        "folds": [
            {
                "fold": fold,
                "samples": int((numbers == fold).sum()),
                "domains": sum(number == fold for number, _ in listed),
                "differs": _differences(source, numbers == fold),
            }
            for fold in sorted(set(folds))
        ],
    }


def _differences(source: DomainSource, inside: np.ndarray) -> list[dict[str, Any]]:
    """The statistics whose mean rank inside differs most from that of the other samples, with their
    medians."""
    if source.values is None:
        return []
    scaled = ranks(source.values)
    gaps = scaled[inside].mean(axis=0) - scaled[~inside].mean(axis=0)
    found = []
    for index in np.argsort(-np.abs(gaps), kind="stable")[:DIFFERENCES].tolist():
        column = source.values[:, index]
        parts = [part[~np.isnan(part)] for part in (column[inside], column[~inside])]
        if not all(map(len, parts)):
            continue
        medians = [float(np.median(part)) for part in parts]
        found.append(
            {
                "name": source.features[index],
                "inside": float(f"{medians[0]:.5g}"),
                "others": float(f"{medians[1]:.5g}"),
            }
        )
    return found


def domain_sentence(record: Mapping[str, Any]) -> str:
    """What the domains are, for the user."""
    folds = record["folds"]
    parts = [f"fold {f['fold']} {f['samples']:,} samples{_words(f, record)}" for f in folds[:3]]
    more = "; run.json has all" * (len(folds) > 3)
    moved = record["moved"]
    follow = f"; {moved:,} samples are in the domain of most of their group" * bool(moved)
    return (
        f"scheme = domain: {record['count']} domains by {record['by']} in {len(folds)} folds: "
        f"{'; '.join(parts)}{more}{follow}"
    )


def _words(fold: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    if fold["differs"]:
        most = fold["differs"][0]
        return f" ({most['name']} {most['inside']:.4g}, others {most['others']:.4g})"
    names = [d["name"] for d in record["domains"] if d["fold"] == fold["fold"]]
    hidden = fold["domains"] - min(2, len(names))
    return f" ({', '.join(names[:2])}{f' and {hidden} more' * (hidden > 0)})"
