"""The folds of a run by any scheme, those of domains too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.domain_folds import domain_folds
from comp.data.domain_sources import source_of
from comp.data.drift.appearance import Appearance
from comp.data.fold_candidates import Candidates, strata_of
from comp.data.folds import Folds, fold_seed_of, folds_of, held_out_candidates
from comp.data.given_folds import own_folds
from comp.data.groups import NEVER
from comp.errors import FoldError


def scheme_folds(config: RunConfig, competition: Competition, samples: Sequence[Sample]) -> Folds:
    """The folds of `comp.data.folds.folds_of`, or of domains that need no image.

    Raises:
        AppearanceNeededError: the domains are clusters of images.
        FoldError: the folds cannot be made.
    """
    if config.scheme == "domain":
        return domains_of(config, competition, samples)[0]
    return folds_of(config, competition, samples)


def domains_of(
    config: RunConfig,
    competition: Competition,
    samples: Sequence[Sample],
    looks: Mapping[str, Appearance] | None = None,
) -> tuple[Folds, Mapping[str, Any]]:
    """The folds of scheme = domain, and what run.json contains of the domains.

    Args:
        looks: what the image of each sample that is held out looks like, by id; None: it is not
            known.

    Raises:
        AppearanceNeededError: the domains are clusters of images, and `looks` is None.
        FoldError: the folds cannot be made.
    """
    noun, k, seed = competition.group or "group", config.folds, fold_seed_of(config)
    if config.folds_csv is not None:
        raise FoldError(f"scheme = {config.scheme} makes its own folds: leave out folds_csv")
    candidates = held_out_candidates(samples, noun)
    own_folds(candidates, k, config.scheme, noun)  # refuses samples with folds of their own
    listed = None
    if looks is not None:
        listed = [looks[sample.id] for sample in candidates if sample.id in looks]
    table = Candidates.of(candidates, competition.task.label_names, noun)
    classes = strata_of(table) if table.kind == "classes" else [""] * len(candidates)
    source = source_of(config.domain, candidates, classes, listed, seed)
    made = domain_folds(table, source, k, seed)
    folds = dict(zip((sample.id for sample in candidates), made.folds, strict=True))
    return {sample.id: folds.get(sample.id, NEVER) for sample in samples}, made.record
