"""The folds of a run: by the scheme of its configuration, with those of external samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.domain_sources import AppearanceNeededError
from comp.data.domains import domains_of, scheme_folds
from comp.data.drift.appearance import Appearance
from comp.data.drift.images import own_images
from comp.data.external import copies_of_scored
from comp.data.external_folds import external_folds
from comp.data.folds import Folds, fold_seed_of, folds_of
from comp.data.groups import UNUSED
from comp.data.images.prepared import PreparedImages
from comp.pipeline.appearances import appearances
from comp.runs.progress import Reporter

MEASURING = "measuring images"


@dataclass(frozen=True, kw_only=True)
class RunFolds:
    """The folds by the id of a training sample, and what run.json contains of the domains, {}
    without scheme = domain."""

    folds: Folds
    domains: Mapping[str, Any] = field(default_factory=dict)


def make_run_folds(
    config: RunConfig,
    competition: Competition,
    train: Sequence[Sample],
    images: PreparedImages,
    reporter: Reporter,
    *,
    recorded: Folds | None = None,
    planned: bool = False,
) -> RunFolds:
    """The folds of all training samples.

    Args:
        recorded: those of the run that resumes. Domains are not found again: the last digits of
            their numbers may differ on another machine.
        planned: only the sizes of the folds matter, so that not all images are measured.

    Raises:
        FoldError: the folds cannot be made.
    """
    if recorded is not None and config.scheme == "domain":
        return RunFolds(folds=recorded)
    domains: Mapping[str, Any] = {}
    if config.scheme != "domain":
        folds = folds_of(config, competition, train)
    elif config.domain == "appearance" and planned:
        folds = folds_of(config.model_copy(update={"scheme": "auto"}), competition, train)
        reporter.note(
            "scheme = domain: the plan has folds of equal sizes, because the domains are known "
            "when all images are decoded"
        )
    else:
        looks = _looks(config, competition, train, images, reporter)
        folds, domains = domains_of(config, competition, train, looks)
    folds |= dict.fromkeys(copies_of_scored(train), UNUSED)
    if config.external_folds:
        names = competition.task.label_names
        folds |= external_folds(config, train, folds, fold_seed_of(config), names)
    return RunFolds(folds=folds, domains=domains)


def check_domains(config: RunConfig, competition: Competition, train: Sequence[Sample]) -> None:
    """Check scheme = domain before images are decoded.

    Raises:
        FoldError: the folds cannot be made.
    """
    if config.scheme == "domain":
        with suppress(AppearanceNeededError):
            scheme_folds(config, competition, train)


def _looks(
    config: RunConfig,
    competition: Competition,
    train: Sequence[Sample],
    images: PreparedImages,
    reporter: Reporter,
) -> Mapping[str, Appearance]:
    """What the images that are held out look like, by the id of their sample; {} if the domains do
    not depend on it."""
    if config.domain != "appearance":
        return {}
    samples = own_images([sample for sample in train if not sample.train_only])

    def on_image(done: int, total: int) -> None:
        reporter.images_decoded(done, total, MEASURING)

    found = appearances(competition, config, images, samples, on_image)
    return {sample.id: look for sample, look in zip(samples, found, strict=True)}
