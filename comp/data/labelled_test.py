"""The test samples of a data folder whose targets the data contains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.errors import CompetitionError, DataError


def labelled_test(competition: Competition, root: Path) -> Sequence[Sample]:
    """The test samples that have a label, with their label as target.

    Raises:
        DataError: no test sample has a label.
        CompetitionError: a label belongs to no test sample or to no class.
    """
    test_labels = dict(competition.test_labels(root)) if competition.test_labels else {}
    if not test_labels:
        raise DataError(f"no labelled test sample in {root}: give --data with labelled test data")
    samples = [s for s in competition.samples(root, "test") if s.id in test_labels]
    unknown_ids = sorted(test_labels.keys() - {sample.id for sample in samples})
    if unknown_ids:
        raise CompetitionError(
            f"{competition.name}: {len(unknown_ids)} labels belong to no test sample, the first is "
            f"that of '{unknown_ids[0]}': samples and test_labels must use the same ids"
        )
    for sample in samples:
        label = test_labels[sample.id]
        problem = competition.task.check(label)
        if problem:
            raise CompetitionError(
                f"{competition.name}: the label of '{sample.id}' is {label!r:.80}, which "
                f"{problem}: correct test_labels"
            )
    return [replace(sample, target=test_labels[sample.id]) for sample in samples]
