"""Folds: a run makes them once, writes them to folds.csv, and never computes them again."""

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
    """A class has fewer members than there are folds, so a stratified fold would lack it."""


def make_folds(
    samples: Sequence[Sample], k: int, scheme: Scheme, seed: int, group: str | None = None
) -> Folds:
    """Assign samples to `k` folds.

    "auto" groups the folds if the samples have groups, and stratifies them if they have strata.
    `group` is a noun for a group, for messages.

    Raises:
        FoldError: there are fewer groups, samples or members of a class than folds; the scheme
            would split a group; the scheme needs groups or strata that the samples do not have.
    """
    if len({sample.id for sample in samples}) < len(samples):
        raise FoldError("two samples have the same id: make the ids unique within a split")
    grouped = any(sample.group is not None for sample in samples)
    stratified = is_stratified(samples, "auto")
    chosen = _choose(scheme, grouped, stratified, group or "group")
    groups = [_group(sample) for sample in samples]
    strata = [sample.stratum or "" for sample in samples]
    _check_counts(k, chosen, groups, strata, group or "group")
    splitter = _splitter(chosen)(n_splits=k, shuffle=True, random_state=seed)
    parts = splitter.split(np.zeros(len(samples)), strata, groups if "grouped" in chosen else None)
    folds = {samples[i].id: fold for fold, (_, held_out) in enumerate(parts) for i in held_out}
    return {sample.id: folds[sample.id] for sample in samples}


def _splitter(scheme: str) -> Any:
    """The scikit-learn class of a scheme, imported here because the import takes a second."""
    from sklearn import model_selection

    return {
        "plain": model_selection.KFold,
        "stratified": model_selection.StratifiedKFold,
        "grouped": model_selection.GroupKFold,
        "stratified-grouped": model_selection.StratifiedGroupKFold,
    }[scheme]


def _group(sample: Sample) -> str:
    """The group of a sample; a sample without a group is a group by itself."""
    return f"group {sample.group}" if sample.group is not None else f"sample {sample.id}"


def _choose(scheme: Scheme, grouped: bool, stratified: bool, group: str) -> str:
    needs_groups = scheme in ("grouped", "stratified-grouped")
    needs_strata = scheme in ("stratified", "stratified-grouped")
    if scheme == "auto":
        parts = ["stratified"] * stratified + ["grouped"] * grouped
        return "-".join(parts) or "plain"
    if grouped and not needs_groups:
        raise FoldError(
            f"scheme = {scheme} would leak: samples of one {group} would be in training and in "
            f"validation; use {'stratified-grouped' if needs_strata else 'grouped'}"
        )
    if needs_groups and not grouped:
        raise FoldError(f"scheme = {scheme}: these samples have no groups; use scheme = auto")
    if needs_strata and not stratified:
        raise FoldError(f"scheme = {scheme}: these samples have no classes; use scheme = auto")
    return scheme


def is_stratified(samples: Sequence[Sample], scheme: Scheme) -> bool:
    """Whether each fold of these samples must contain all classes."""
    if scheme == "auto":
        return any(sample.stratum is not None for sample in samples)
    return scheme in ("stratified", "stratified-grouped")


def _check_counts(
    k: int, scheme: str, groups: Sequence[str], strata: Sequence[str], group: str
) -> None:
    if k < 2:
        raise FoldError(f"folds = {k}: cross-validation needs at least 2")
    unit_count = len(set(groups))
    if unit_count < k:
        units = f"{group}s" if "grouped" in scheme else "samples"
        raise FoldError(
            f"folds = {k}, but there are only {unit_count} {units}: "
            + (f"use --folds {unit_count}" if unit_count > 1 else "add more data")
        )
    if "stratified" in scheme:
        for stratum in sorted(set(strata)):
            members = {g for g, s in zip(groups, strata, strict=True) if s == stratum}
            if len(members) < k:
                raise SmallClassError(
                    f"folds = {k}, but class '{stratum}' has only {len(members)} members: use "
                    "fewer folds"
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
        RunError: the file is missing or damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return {row["id"]: int(row["fold"]) for row in csv.DictReader(stream)}
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise RunError(f"cannot read {path} ({error}): restore it, or start a new run") from None


def split(samples: Sequence[Sample], folds: Folds, fold: int) -> tuple[list[Sample], list[Sample]]:
    """Return (training samples, held-out samples) of one fold, matched by id.

    Raises:
        FoldError: samples and folds have different ids.
    """
    ids = {sample.id for sample in samples}
    if ids != set(folds):
        different = sorted(ids ^ set(folds))
        raise FoldError(
            f"folds.csv and the data differ in {len(different)} ids, the first is "
            f"'{different[0]}': the data has changed since the run started, start a new run"
        )
    held_out = [sample for sample in samples if folds[sample.id] == fold]
    return [sample for sample in samples if folds[sample.id] != fold], held_out
