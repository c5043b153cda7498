"""How samples are assigned to folds: plain, stratified, grouped, by quantiles, and combinations."""

from __future__ import annotations

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from comp.config.schema import Scheme
from comp.data.fold_candidates import (
    Candidates,
    counts_in_folds,
    members_of,
    named,
    single_class_folds,
    small_classes,
    strata_of,
)
from comp.data.stratification import iterative, spread
from comp.errors import FoldError

STRATIFIED: tuple[Scheme, ...] = ("stratified", "stratified-grouped")
"""The schemes that need every class in every fold."""
PER_BIN = 5
"""Samples per bin and fold from which scheme = auto stratifies numbers."""
DRAWS, MANY_UNITS, FEW_DRAWS = 50, 2000, 10
"""Draws of folds until one has all classes in all folds, and fewer draws for many units: a draw of
10,000 groups takes a second."""


class SmallClassError(FoldError):
    """A class has fewer members than there are folds, so a stratified fold would lack it."""


def assign(candidates: Candidates, k: int, scheme: Scheme, seed: int) -> list[int]:
    """The fold of each sample.

    Raises:
        FoldError: the samples do not fit the scheme or the number of folds, or a stratified fold
            would hold out samples of one class only.
    """
    parts = _choose(scheme, candidates, k)
    _check_counts(candidates, k, "stratified" in parts)
    if "quantiles" in parts:
        bins = candidates.bins(PER_BIN, k) or candidates.bins(1, k)
        few = len(set(candidates.keys)) <= MANY_UNITS
        return _stratify(candidates.in_bins(bins), k, seed, greedy=few)
    if "stratified" not in parts:
        name = "GroupKFold" if "grouped" in parts else "KFold"
        return _split(name, candidates, k, seed)
    if scheme in STRATIFIED:
        _refuse_small_classes(candidates, k)
    folds = _stratify(candidates, k, seed)
    _refuse_single_class(candidates, k, seed, folds)
    return folds


def _stratify(candidates: Candidates, k: int, seed: int, greedy: bool = True) -> list[int]:
    """Stratified folds; `greedy` prefers scikit-learn's StratifiedGroupKFold, which is more even
    than iterative stratification of groups, and ten times slower."""
    if candidates.kind == "labels" or candidates.grouped:
        return _most_even(candidates, k, _draws(candidates, k, seed, greedy))
    if small_classes(candidates, k):
        return spread(strata_of(candidates), k, seed)
    return _split("StratifiedKFold", candidates, k, seed)


def _refuse_small_classes(candidates: Candidates, k: int) -> None:
    """Refuse classes with fewer members than folds; of two classes, `_refuse_single_class` does."""
    if candidates.kind == "classes" and len(members_of(candidates)) == 2:
        return
    for name, count in small_classes(candidates, k)[:1]:
        raise SmallClassError(
            f"folds = {k}, but {named(name)} has only {count} {_members(candidates)}: use scheme "
            "= auto, which spreads the members of small classes over the folds, or scheme = "
            f"{_unstratified(candidates)}"
        )


def _refuse_single_class(candidates: Candidates, k: int, seed: int, folds: Sequence[int]) -> None:
    """Refuse folds that hold out one class only, unless all classes but one are small and there are
    more than two: then no folds are better, and most scores are defined."""
    single = single_class_folds(candidates, folds)
    members = members_of(candidates)
    large = [name for name, keys in members.items() if len(keys) >= k]
    if not single or (len(members) > 2 and len(large) < 2):
        return
    fold, name = min(single.items())
    least = min(len(keys) for keys in members.values())
    fewer = next(
        (
            f"use --folds {count}, or "
            for count in range(min(least, k - 1), 1, -1)
            if not single_class_folds(candidates, _stratify(candidates, count, seed))
        ),
        "",
    )
    raise FoldError(
        f"fold {fold} of {k} would hold out only {named(name)}, in which scores such as AUC are "
        f"not defined: {fewer}add {_members(candidates)} of the other classes, or set scheme = "
        f"{_unstratified(candidates)} if the metric allows it"
    )


def _members(candidates: Candidates) -> str:
    return f"{candidates.noun}s" if candidates.grouped else "samples"


def _unstratified(candidates: Candidates) -> str:
    return "grouped" if candidates.grouped else "plain"


def _choose(scheme: Scheme, candidates: Candidates, k: int) -> set[str]:
    """The parts of the scheme: "stratified" or "quantiles" or neither, and "grouped" or not."""
    kind, grouped, noun = candidates.kind, candidates.grouped, candidates.noun
    stratifiable = kind in ("classes", "labels")
    parts = {"grouped"} if grouped else set()
    if scheme == "auto":
        if candidates.bins(PER_BIN, k):
            return parts | {"quantiles"}
        return parts | {"stratified"} if stratifiable else parts
    if scheme == "quantiles":
        if kind != "numbers":
            raise FoldError(
                "scheme = quantiles: the targets of these samples are not numbers; use scheme = "
                "auto"
            )
        if not candidates.bins(1, k):
            raise FoldError(
                f"scheme = quantiles needs {2 * k} samples or {noun}s for {k} folds, found "
                f"{len(set(candidates.keys))}: use scheme = auto"
            )
        return parts | {"quantiles"}
    needs_groups, needs_strata = "grouped" in scheme, scheme in STRATIFIED
    if grouped and not needs_groups:
        raise FoldError(
            f"scheme = {scheme} would leak: samples of one {noun} would be in training and in "
            f"validation; use {'stratified-grouped' if needs_strata else 'grouped'}"
        )
    if needs_groups and not grouped:
        raise FoldError(f"scheme = {scheme}: these samples have no groups; use scheme = auto")
    if needs_strata and not stratifiable:
        raise FoldError(f"scheme = {scheme}: these samples have no classes; use scheme = auto")
    return parts | {"stratified"} if needs_strata else parts


def _check_counts(candidates: Candidates, k: int, stratified: bool) -> None:
    if k < 2:
        raise FoldError(f"folds = {k}: cross-validation needs at least 2")
    count = len(set(candidates.keys))
    if count < k:
        sizes = [len(keys) for keys in members_of(candidates).values()]
        most = min([count, *sizes]) if stratified and len(sizes) == 2 else count
        raise FoldError(
            f"folds = {k}, but there are only {count} {_members(candidates)}: "
            + (f"use --folds {most}" if most > 1 else "add more data")
        )


def _split(name: str, candidates: Candidates, k: int, seed: int) -> list[int]:
    """The folds of a scikit-learn class, imported here because the import takes a second."""
    from sklearn import model_selection

    splitter = getattr(model_selection, name)(n_splits=k, shuffle=True, random_state=seed)
    groups = candidates.keys if "Group" in name else None
    rows = np.zeros(len(candidates.samples))
    folds = [-1] * len(candidates.samples)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")
        for fold, (_, held_out) in enumerate(splitter.split(rows, strata_of(candidates), groups)):
            for index in held_out:
                folds[index] = fold
    return folds


def _draws(candidates: Candidates, k: int, seed: int, greedy: bool) -> Iterator[list[int]]:
    """Folds from the seed, then from seeds derived from it."""
    counts = Counter(strata_of(candidates))
    # scikit-learn refuses samples of which all classes are small
    by_class = greedy and candidates.kind == "classes" and max(counts.values()) >= k
    few = len(set(candidates.keys)) > MANY_UNITS
    for draw in range(FEW_DRAWS if few else DRAWS):
        derived = np.random.SeedSequence([seed, draw]).generate_state(1)[0]
        draw_seed = int(derived) if draw else seed
        if by_class and (draw == 0 or draw % 2):
            yield _split("StratifiedGroupKFold", candidates, k, draw_seed)
        else:
            yield split_units(candidates, k, draw_seed)


def split_units(candidates: Candidates, k: int, seed: int) -> list[int]:
    """Folds of groups by iterative stratification of the sums of their labels."""
    units: dict[str, Counter[str]] = defaultdict(Counter)
    for key, names in zip(candidates.keys, candidates.names, strict=True):
        units[key].update(["", *names])
    keys = sorted(units)
    folds = dict(zip(keys, iterative([units[key] for key in keys], k, seed), strict=True))
    return [folds[key] for key in candidates.keys]


def _most_even(candidates: Candidates, k: int, draws: Iterator[list[int]]) -> list[int]:
    """The first draw that has all classes with enough members in all folds, else the one with the
    fewest gaps, and of those the most even one."""
    enough = {name for name, keys in members_of(candidates).items() if len(keys) >= k}
    best: tuple[tuple[int, int, int, float], list[int]] | None = None
    for folds in draws:
        counts = counts_in_folds(candidates, folds, k)
        empty = k - len(set(folds))
        one_class = len(single_class_folds(candidates, folds))
        gaps = sum(counts[name].count(0) for name in enough)
        if not empty and not one_class and not gaps:
            return folds
        uneven = math.fsum(float(np.std(row)) / sum(row) for row in counts.values())
        rated = (empty, one_class, gaps, uneven), folds
        best = rated if best is None or rated[0] < best[0] else best
    assert best is not None
    return best[1]
