"""The first try of a new plugin: the quick check of its data, and a run of a few steps."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.config.nesting import merge
from comp.contract.competition import Competition
from comp.errors import CompError, DataError, FoldError
from comp.pipeline.request import RunRequest
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.data.audit.audit import Audit
    from comp.runs.progress import Reporter
    from comp.runs.results import RunSummary

SHORT: Mapping[str, Any] = {
    "max_steps": 8,
    "validations": 1,
    "image": {"cache": False},  # a cache of all images would cost more than it saves here
    "loader": {"batch_size": 16},
    "predict": {"tta": "none", "batch_size": 64},
}
"""Configuration keys of the run of a few steps."""
FEWER_FOLDS = (3, 2)
"""Numbers of folds to try if the data does not have enough groups or samples for the usual."""
LEAKS = frozenset({"test-in-train", "identical-other-label"})
"""Errors of a check that no change of the plugin removes, and that do not stop a run."""
MANY_IMAGES = 1500
"""From so many test samples on, the run uses images of half the side."""
MANY, HELD_OUT, MOST_FOLDS = 5000, 500, 50
"""From MANY training samples on, the fold that is held out has about HELD_OUT of them."""


def trial_request(competition: Competition, workspace: Workspace, data: Path) -> RunRequest:
    """The request for a run of a few steps of one fold, on the small network that the competition
    uses for synthetic data, from random weights."""
    keys = merge(competition.synthetic_defaults, SHORT)
    return RunRequest(
        competition=competition, workspace=workspace, keys=keys, data=data, folds=(0,)
    )


def check_data(request: RunRequest, reporter: Reporter) -> Audit:
    """The quick check of the data, as `comp check --quick` makes it with the usual settings."""
    from comp.data.audit.audit import audit

    usual = replace(request, keys={}, folds=())
    source, config = usual.load()
    return audit(
        config,
        source,
        quick=True,
        on_image=reporter.images_decoded,
        on_compared=reporter.images_decoded,
    )


def refuse_errors(found: Audit) -> None:
    """Raise the first error of a check that stops a run.

    Raises:
        DataError: there is one.
    """
    from comp.data.audit.findings import errors

    first = next((each for each in errors(found.findings) if each.kind not in LEAKS), None)
    if first is not None:
        example = f", such as {first.names[0]:.120}" if first.names else ""
        advice = f": {first.advice}" if first.advice else ""
        raise DataError(f"{first.words} ({first.count:,}{example}){advice}")


def trial_run(request: RunRequest, reporter: Reporter, samples: int, test: int = 0) -> RunSummary:
    """Run the request; with fewer folds if the data does not have enough for the usual number.

    Args:
        samples: training samples; of many, a smaller part is held out.
        test: test samples; many are predicted from smaller images.

    Raises:
        CompError: the run cannot be made.
    """
    began = time.perf_counter()
    size = request.keys.get("image", {}).get("size")
    if test >= MANY_IMAGES and isinstance(size, int) and size >= 64:
        request = replace(request, keys=merge(request.keys, {"image": {"size": size // 2}}))
    if samples > MANY:
        with suppress(FoldError):
            return _with_folds(request, min(MOST_FOLDS, samples // HELD_OUT)).run(reporter, began)
    try:
        return request.run(reporter, began)
    except FoldError as error:
        reporter.note(f"{error}; trying fewer folds")
    for folds in FEWER_FOLDS[:-1]:
        with suppress(FoldError):
            return _with_folds(request, folds).run(reporter, began)
    return _with_folds(request, FEWER_FOLDS[-1]).run(reporter, began)


def _with_folds(request: RunRequest, folds: int) -> RunRequest:
    return replace(request, keys=merge(request.keys, {"folds": folds}))


@contextmanager
def after_writing(path: Path, name: str, step: str) -> Iterator[None]:
    """Say in an error of a step that the plugin is written, and what to edit.

    Raises:
        CompError: the block raised one; the type and the exit code stay.
    """
    try:
        yield
    except CompError as error:
        text = f"{path} is written, but {step} failed: {error}; correct the data or edit {path}, "
        error.args = (f"{text}then try 'comp check {name}'",)
        raise
