"""Folds: dealt once, written once, never recomputed."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from comp.config.schema import Scheme
from comp.contract.competition import Sample
from comp.errors import FoldError, RunError
from comp.files import replacing, sha256

Folds = dict[str, int]
"""Sample id -> 0-based fold in which it is held out."""


class SmallClassError(FoldError):
    """Stratified folds of which some would lack a class: it has fewer members than there are."""


def make_folds(
    samples: Sequence[Sample], k: int, scheme: Scheme, seed: int, group: str | None = None
) -> Folds:
    """Deal samples to `k` folds.

    "auto" groups where the samples have groups and stratifies where they have strata. `group` says
    in words what a group is.

    Raises:
        FoldError: fewer groups, samples or members of a class than folds; a scheme that would put
            one group on both sides; a scheme that the samples have no groups or strata for.
    """
    if len({sample.id for sample in samples}) < len(samples):
        raise FoldError("two samples have the same id: ids must be unique within a split")
    grouped = any(sample.group is not None for sample in samples)
    stratified = balances(samples, "auto")
    chosen = _choose(scheme, grouped, stratified, group or "group")
    groups = [_group(sample) for sample in samples]
    strata = [sample.stratum or "" for sample in samples]
    _check_counts(k, chosen, groups, strata, group or "group")
    splitter = _splitter(chosen)(n_splits=k, shuffle=True, random_state=seed)
    parts = splitter.split(np.zeros(len(samples)), strata, groups if "grouped" in chosen else None)
    folds = {samples[i].id: fold for fold, (_, held_out) in enumerate(parts) for i in held_out}
    return {sample.id: folds[sample.id] for sample in samples}


def _splitter(scheme: str) -> Any:
    """The splitter of a scheme; scikit-learn takes a second to import."""
    from sklearn import model_selection

    return {
        "plain": model_selection.KFold,
        "stratified": model_selection.StratifiedKFold,
        "grouped": model_selection.GroupKFold,
        "stratified-grouped": model_selection.StratifiedGroupKFold,
    }[scheme]


def _group(sample: Sample) -> str:
    """A sample without a group is a group of its own."""
    return f"group {sample.group}" if sample.group is not None else f"sample {sample.id}"


def _choose(scheme: Scheme, grouped: bool, stratified: bool, group: str) -> str:
    wants_groups = scheme in ("grouped", "stratified-grouped")
    wants_strata = scheme in ("stratified", "stratified-grouped")
    if scheme == "auto":
        named = [
            name for name, there in (("stratified", stratified), ("grouped", grouped)) if there
        ]
        return "-".join(named) or "plain"
    if grouped and not wants_groups:
        raise FoldError(
            f"scheme = {scheme} would leak: samples of one {group} would stand on both sides of a "
            f"fold; use {'stratified-grouped' if wants_strata else 'grouped'}"
        )
    if wants_groups and not grouped:
        raise FoldError(f"scheme = {scheme}: these samples have no groups; use scheme = auto")
    if wants_strata and not stratified:
        raise FoldError(f"scheme = {scheme}: these samples have no classes; use scheme = auto")
    return scheme


def balances(samples: Sequence[Sample], scheme: Scheme) -> bool:
    """Whether each fold of these samples must have all of their classes."""
    if scheme == "auto":
        return any(sample.stratum is not None for sample in samples)
    return scheme in ("stratified", "stratified-grouped")


def _check_counts(
    k: int, scheme: str, groups: Sequence[str], strata: Sequence[str], group: str
) -> None:
    if k < 2:
        raise FoldError(f"folds = {k}: cross-validation needs at least 2")
    units = len(set(groups))
    if units < k:
        what = f"{group}s" if "grouped" in scheme else "samples"
        raise FoldError(
            f"folds = {k}, but there are only {units} {what}: "
            + (f"use --folds {units}" if units > 1 else "give more data")
        )
    if "stratified" in scheme:
        for stratum in sorted(set(strata)):
            members = {g for g, s in zip(groups, strata, strict=True) if s == stratum}
            if len(members) < k:
                raise SmallClassError(
                    f"folds = {k}, but class '{stratum}' has only {len(members)} members: use fewer"
                )


def write_folds(path: Path, samples: Sequence[Sample], folds: Folds) -> str:
    """Write `folds.csv` (id, fold, group) and return the SHA-256 of its bytes."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "fold", "group"])
        writer.writerows([s.id, folds[s.id], s.group or ""] for s in samples)
    return sha256(path)


def read_folds(path: Path) -> Folds:
    """Read `folds.csv`.

    Raises:
        RunError: when it is missing or damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return {row["id"]: int(row["fold"]) for row in csv.DictReader(stream)}
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise RunError(f"{path} cannot be read ({error}): restore it, or begin a new run") from None


def split(samples: Sequence[Sample], folds: Folds, fold: int) -> tuple[list[Sample], list[Sample]]:
    """Return (training samples, held-out samples) of one fold, matched by id.

    Raises:
        FoldError: when samples and folds do not name the same ids.
    """
    ids = {sample.id for sample in samples}
    if ids != set(folds):
        odd = sorted(ids ^ set(folds))
        raise FoldError(
            f"folds.csv and the data differ in {len(odd)} ids, the first is '{odd[0]}': "
            "the data has changed since the run began, start a new run"
        )
    held_out = [sample for sample in samples if folds[sample.id] == fold]
    return [sample for sample in samples if folds[sample.id] != fold], held_out
