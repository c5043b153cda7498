"""The quick checks of `comp check` that a run makes of its samples before anything else."""

from __future__ import annotations

from collections.abc import Sequence

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.audit import findings as findings
from comp.data.audit.sample_checks import check_some_classes, quick_checks
from comp.errors import DataError


def check_samples(
    competition: Competition,
    train: Sequence[Sample],
    test: Sequence[Sample],
    *,
    ignore_empty_files: bool,
) -> None:
    """Make the quick checks of `comp check`.

    Args:
        ignore_empty_files: whether a later step reports the empty files.

    Raises:
        DataError: the checks found errors; the message names the first.
    """
    found = [
        *quick_checks(competition, train, test),
        *check_some_classes(competition, train),
    ]
    errors = [
        finding
        for finding in findings.errors(found)
        if not (ignore_empty_files and finding.kind == "empty-file")
    ]
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} other kinds of errors)" if len(errors) > 1 else ""
        raise DataError(
            f"{first.words}: {first.count}, the first is {first.names[0]}{more}; {first.advice}; "
            f"'comp check {competition.name}' lists all"
        )
