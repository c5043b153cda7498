"""The folds that a run would make, for an audit."""

from __future__ import annotations

from collections.abc import Sequence

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.data.audit.findings import Finding, findings_of
from comp.data.audit.inventory import SplitInventory
from comp.data.audit.sample_checks import has_valid_target
from comp.data.domain_sources import AppearanceNeededError
from comp.data.domains import scheme_folds
from comp.data.fold_schemes import SmallClassError
from comp.data.folds import Folds
from comp.errors import FoldError


def run_folds(
    competition: Competition, config: RunConfig, train: SplitInventory, known: Sequence[Finding]
) -> tuple[Folds | None, list[Finding]]:
    """The folds of a run over the samples with a valid target; or None and the reason, unless
    `known` contains it."""
    if not train.labels_known:
        return None, []
    valid = {sample.id: sample for sample in train.samples if has_valid_target(competition, sample)}
    try:
        folds = scheme_folds(config, competition, list(valid.values()))
    except AppearanceNeededError:
        words = "folds by the appearance of images are made when a run starts, not by this command"
        return None, findings_of("folds", "note", ["scheme = domain"], words)
    except FoldError as error:
        kinds = {finding.kind for finding in known}
        if isinstance(error, SmallClassError) and "small-class" in kinds:
            return None, []
        return None, findings_of("folds", "error", [str(error)], "folds cannot be made")
    return folds, []
