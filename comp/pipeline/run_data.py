"""The samples of a run, read and checked before its network is built."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.dropped import Dropped
from comp.data.external import open_external, read_train
from comp.data.listed import list_samples, settle, uncollected
from comp.data.units import units_of
from comp.pipeline.dropped import dropped_of
from comp.pipeline.pseudo_data import read_unlabelled
from comp.pipeline.pseudo_labels import PseudoLabels
from comp.pipeline.sample_check import check_samples
from comp.pipeline.validation import ValidationData, open_validation
from comp.runs.folder import RunFolder
from comp.submission.blank import check_rows
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class RunData:
    """The samples of a run, and those that are beside its folds.

    `external` are the folders of further training samples, which `train` contains. `unlabelled` are
    other samples that get pseudo-labels, without their labels. `submission_s` is the time of
    writing and checking a submission, in seconds.
    """

    train: Sequence[Sample]
    test: Sequence[Sample]
    external: Sequence[Path]
    dropped: Dropped | None
    unlabelled: PseudoLabels
    validation: ValidationData | None
    submission_s: float

    @property
    def unscored(self) -> Sequence[Sample]:
        """The test samples and the other unlabelled ones."""
        return [*self.test, *self.unlabelled.candidates]

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of `RunInputs` that stay as they were read."""
        return {
            "test": self.test,
            "external": self.external,
            "dropped": self.dropped,
            "validation": self.validation,
            "pseudo": self.unlabelled,
            "submission_s": self.submission_s,
        }


@uncollected()
def read_run_data(
    competition: Competition,
    config: RunConfig,
    root: Path,
    workspace: Workspace,
    skip_bad: bool,
    resumed: RunFolder | None,
) -> RunData:
    """Read the samples of a run, and make the quick checks.

    Args:
        root: the folder of the data.
        skip_bad: leave out images that cannot be decoded.
        resumed: the run that resumes.

    Raises:
        CompError: the data or the configuration is wrong.
    """
    external = open_external(competition, config, workspace)
    train = read_train(competition, root, external)
    dropped = dropped_of(config.drop, resumed, train, competition.task)
    test = list_samples(competition, root, "test")
    unlabelled = read_unlabelled(competition, config, workspace)
    candidates = (unlabelled.candidates or test) if config.pseudo.run else ()
    submission_s = _check_submission(competition, root, test)
    workspace.check_writable(config.competition)
    all_decoded = bool((competition.image_spec and config.image.cache) or competition.reader)
    check_samples(competition, train, test, ignore_empty_files=skip_bad or all_decoded)
    settle(len(train) + len(test))
    return RunData(
        train=train,
        test=test,
        external=external,
        dropped=dropped,
        unlabelled=unlabelled,
        validation=open_validation(competition, config, workspace, train, candidates, skip_bad),
        submission_s=submission_s,
    )


def _check_submission(competition: Competition, root: Path, test: Sequence[Sample]) -> float:
    """Check a submission of blank predictions; returns the seconds that this took."""
    started = time.perf_counter()
    check_rows(competition, root, units_of(test, competition.pool))
    return time.perf_counter() - started
