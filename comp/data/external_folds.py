"""Folds of the external samples: `external_folds` holds them out in turn, for a score of their
own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comp.config.schema import RunConfig
from comp.contract.sample import Sample
from comp.data.fold_candidates import Candidates, LabelNames
from comp.data.fold_schemes import split_units
from comp.data.groups import NEVER, UNUSED, apart_from, group_keys
from comp.data.units import EXTERNAL
from comp.errors import FoldError


def external_folds(
    config: RunConfig,
    samples: Sequence[Sample],
    folds: Mapping[str, int],
    seed: int,
    label_names: LabelNames,
) -> dict[str, int]:
    """By id, what folds.csv contains for each external sample: it trains in all folds but one.

    A group that a fold holds out for the score of the run is in this fold, and a sample whose
    domain a fold holds out stays so. The others are stratified by their labels.

    Args:
        folds: those of all samples.

    Raises:
        FoldError: there are no external samples, or folds are those of time.
    """
    if config.scheme == "time":
        raise FoldError(
            "external_folds does not fit scheme = time, where a fold trains on earlier samples: "
            "set external_folds=false"
        )
    added = [s for s in samples if s.train_only and EXTERNAL.match(s.id)]
    found = [sample for sample in added if folds[sample.id] == NEVER]
    if not any(folds[sample.id] != UNUSED for sample in added):
        raise FoldError(
            "external_folds needs external samples, and there are none: set external, or "
            "external_folds=false"
        )
    key_of = dict(zip((s.id for s in samples), group_keys(samples), strict=True))
    held_out = {key_of[s.id]: folds[s.id] for s in samples if folds[s.id] >= 0}
    rest = [sample for sample in found if key_of[sample.id] not in held_out]
    table = Candidates.of(rest, label_names, "group")
    chosen = {s.id: held_out[key_of[s.id]] for s in found if key_of[s.id] in held_out}
    if rest:
        numbers = split_units(table, config.folds, seed)
        chosen |= dict(zip((sample.id for sample in rest), numbers, strict=True))
    return {name: apart_from(fold) for name, fold in chosen.items()}
