"""The folds of a run by any scheme, those of domains too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.domain_folds import by_group, domain_folds
from comp.data.domain_sources import DomainSource, source_of
from comp.data.drift.appearance import Appearance
from comp.data.fold_candidates import Candidates, strata_of
from comp.data.folds import Folds, fold_seed_of, folds_of, held_out_candidates
from comp.data.given_folds import own_folds
from comp.data.groups import NEVER, apart_from, group_keys
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

    A sample that only trains does not train in the fold that holds out its domain, if this is a
    value of a column or a form of file names.

    Args:
        looks: what the image of each sample that is held out looks like, by id; None: it is not
            known.

    Raises:
        AppearanceNeededError: the domains are clusters of images, and `looks` is None.
        FoldError: the folds cannot be made.
    """
    noun, k, seed = competition.group or "group", config.folds, fold_seed_of(config)
    if config.folds_csv is not None:
        raise FoldError(
            "scheme = domain makes its own folds: leave out folds_csv, or set scheme = auto"
        )
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
    fold_of = dict(zip(made.domains, made.folds, strict=True))
    folds |= _trained_elsewhere(
        samples, dict(zip(folds, made.domains, strict=True)), source, fold_of
    )
    return {sample.id: folds.get(sample.id, NEVER) for sample in samples}, made.record


def _trained_elsewhere(
    samples: Sequence[Sample],
    domains: Mapping[str, str],
    source: DomainSource,
    fold_of: Mapping[str, int],
) -> dict[str, int]:
    """By id, what folds.csv contains for the samples that only train and whose domain a fold holds
    out.

    Args:
        domains: of the samples that are held out, by id.
        fold_of: the fold of each domain.
    """
    keyed = list(zip(samples, group_keys(samples), strict=True))
    by_key = {key: domains[sample.id] for sample, key in keyed if sample.id in domains}
    others = [
        (sample.id, key, by_key.get(key) or source.name_of(sample))
        for sample, key in keyed
        if sample.id not in domains
    ]
    known = [(name, key, domain) for name, key, domain in others if domain in fold_of]
    voted = by_group([key for _, key, _ in known], [str(domain) for *_, domain in known])
    domain_of = dict(zip((key for _, key, _ in known), voted, strict=True))
    return {
        name: apart_from(fold_of[domain_of[key]]) for name, key, _ in others if key in domain_of
    }
