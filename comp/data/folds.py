"""Folds: a run makes them once, writes them to folds.csv, and never computes them again."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from comp.config.schema import RunConfig, Scheme
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import no_names
from comp.data.fold_candidates import (
    Candidates,
    LabelNames,
    counts_in_folds,
    named,
    single_class_folds,
)
from comp.data.fold_schemes import assign
from comp.data.given_folds import own_folds, read_given_folds
from comp.data.groups import (
    APART,
    NEVER,
    UNUSED,
    check_units_have_one_group,
    group_keys,
    held_out_apart,
)
from comp.data.times import earlier_than, time_folds
from comp.errors import FoldError, RunError
from comp.files import replacing, sha256

Folds = dict[str, int]
"""Sample id -> 0-based fold in which it is held out; `NEVER` for a sample that only trains."""


def folds_of(config: RunConfig, competition: Competition, samples: Sequence[Sample]) -> Folds:
    """The folds of a run: those of `folds_csv`, or of the samples themselves, or new ones.

    Raises:
        FoldError: they cannot be made, or do not fit the samples.
    """
    noun = competition.group or "group"
    if config.scheme == "domain":
        raise FoldError("scheme = domain: its folds are those of comp.data.domains")
    if config.folds_csv is None:
        label_names = competition.task.label_names
        seed = fold_seed_of(config)
        return make_folds(samples, config.folds, config.scheme, seed, noun, label_names)
    if config.scheme == "time":
        raise FoldError("scheme = time makes its own folds: leave out folds_csv")
    candidates = held_out_candidates(samples, noun)
    given = read_given_folds(config.folds_csv, candidates, config.folds, noun)
    return {sample.id: given.get(sample.id, NEVER) for sample in samples}


def fold_seed_of(config: RunConfig) -> int:
    """The seed of the folds: `fold_seed`, or else `seed`."""
    return config.seed if config.fold_seed is None else config.fold_seed


def make_folds(
    samples: Sequence[Sample],
    k: int,
    scheme: Scheme,
    seed: int,
    group: str | None = None,
    label_names: LabelNames = no_names,
) -> Folds:
    """Assign samples to `k` folds; `train_only` samples get `NEVER`, and with scheme = time also
    the earliest samples.

    Samples with folds of their own keep them. Otherwise "auto" groups the folds if the samples have
    groups or units, and stratifies them: by their strata or the labels of their targets, or by
    quantiles if the targets are numbers and there are enough of them.

    Args:
        group: a noun for a group, for messages.
        label_names: `Task.label_names`.

    Raises:
        FoldError: there are fewer groups or samples than folds; the scheme would split a group, or
            needs groups or classes that the samples do not have; a stratified fold would hold out
            one class only; the samples' own folds are incomplete.
    """
    noun = group or "group"
    candidates = held_out_candidates(samples, noun)
    folds = own_folds(candidates, k, scheme, noun)
    if folds is None and scheme == "time":
        folds = time_folds(samples, k)
    if folds is None:
        table = Candidates.of(candidates, label_names, noun)
        ids = [sample.id for sample in candidates]
        folds = dict(zip(ids, assign(table, k, scheme, seed), strict=True))
    return {sample.id: folds.get(sample.id, NEVER) for sample in samples}


def held_out_candidates(samples: Sequence[Sample], noun: str) -> list[Sample]:
    """The samples that are held out in turn.

    Raises:
        FoldError: ids are not unique, a unit has two groups, or no sample is held out.
    """
    if len({sample.id for sample in samples}) < len(samples):
        raise FoldError("two samples have the same id: make the ids unique within a split")
    check_units_have_one_group(samples, noun)
    candidates = [sample for sample in samples if not sample.train_only]
    if samples and not candidates:
        raise FoldError(
            f"all {len(samples)} training samples are train_only: some must be held out and scored"
        )
    return candidates


def fold_notes(samples: Sequence[Sample], folds: Folds, label_names: LabelNames) -> list[str]:
    """What the user should know about the classes in the folds: the folds that hold out one class
    only, and the classes that some folds do not hold out."""
    scored = [sample for sample in samples if folds[sample.id] >= 0]
    table = Candidates.of(scored, label_names, "group")
    numbers = [folds[sample.id] for sample in scored]
    k = max(numbers, default=0) + 1
    notes = [
        f"fold {fold} holds out only {named(name)}: scores such as AUC are not defined in it"
        for fold, name in single_class_folds(table, numbers).items()
    ][:1]
    absent = {
        name: k - counts.count(0)
        for name, counts in counts_in_folds(table, numbers, k).items()
        if 0 in counts
    }
    if absent:
        name = min(absent, key=lambda name: (absent[name], name))
        notes.append(
            f"{len(absent)} class{'es are' if len(absent) > 1 else ' is'} not held out in every "
            f"fold, the first is {named(name)} (in {absent[name]} of {k} folds): the other folds "
            "cannot score it"
        )
    return notes


def write_folds(path: Path, samples: Sequence[Sample], folds: Folds) -> str:
    """Write `folds.csv` (id, fold, group) and return the SHA-256 of its bytes."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "fold", "group"])
        writer.writerows([s.id, folds[s.id], s.group or ""] for s in samples)
    return sha256(path)


def read_folds(path: Path) -> Folds:
    """Read `folds.csv`, with `NEVER` for samples that only train.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = csv.reader(stream)
            header = next(rows, [])
            names, folds = header.index("id"), header.index("fold")
            return {row[names]: int(row[folds]) for row in rows if row}
    except (OSError, ValueError, LookupError, csv.Error) as error:
        raise RunError(f"cannot read {path} ({error}): restore it, or start a new run") from None


def _never_scored(number: int) -> bool:
    return number == NEVER or number <= APART


def split(
    samples: Sequence[Sample], folds: Folds, fold: int, scheme: Scheme
) -> tuple[list[Sample], list[Sample]]:
    """Return (training samples, held-out samples) of one fold, matched by id.

    A sample that is never held out trains in every fold, except in those that hold out a sample of
    its group or unit. An external sample that a fold predicts for a score of its own does not train
    in it. With scheme = time a fold trains only on samples that are earlier than all
    that it holds out, and of other groups and units.

    Args:
        fold: of the folds, or the number after the last one, which holds nothing out.

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
    numbers = [folds[sample.id] for sample in samples]
    keyed = list(zip(samples, numbers, group_keys(samples), strict=True))
    held_out_keys = {key for _, number, key in keyed if number == fold}
    train = [
        sample
        for sample, number, key in keyed
        if number not in (fold, UNUSED)
        and held_out_apart(number) != fold
        and not ((_never_scored(number) or scheme == "time") and key in held_out_keys)
    ]
    if scheme == "time" and held_out_keys:
        earlier = earlier_than(samples, [number == fold for number in numbers])
        early = {sample.id for sample, is_early in zip(samples, earlier, strict=True) if is_early}
        train = [sample for sample in train if sample.id in early]
    return train, [sample for sample, number, _ in keyed if number == fold]
