"""What a run that labels must not have seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from comp.config.schema import resolve
from comp.contract.sample import Sample
from comp.data.groups import NEVER, apart_from
from comp.errors import DataError, FoldError
from comp.pipeline.pseudo_source import LabellingRun, check_folds, check_unseen
from comp.pipeline.run_samples import RunSamples
from comp.runs.folder import RunFolder


def labelling(folds: Mapping[str, int]) -> LabellingRun:
    train = [Sample(id=name, features={"x": float(len(name))}) for name in folds]
    samples = RunSamples(
        root=Path(), fingerprint="", train=train, test=[], folds=dict(folds), groups={}
    )
    return LabellingRun(
        folder=RunFolder(Path("first")),
        record={"folds": []},
        config=resolve("rows", []),
        samples=samples,
    )


def test_external_samples_that_the_run_has_trained_on_are_not_held_out() -> None:
    """Their targets are in its labels, so that a score on them would be too good."""
    run = labelling({"r": 0, "external-1/e": NEVER})
    check_folds(run, run.samples.folds, [])
    check_folds(run, {"r": 0, "external-2/e": apart_from(1)}, [])
    with pytest.raises(FoldError, match="holds out 1 external samples on which run first has"):
        check_folds(run, {"r": 0, "external-1/e": apart_from(1)}, [])


def test_validation_samples_that_the_run_has_trained_on_are_not_scored() -> None:
    run = labelling({"r": 0, "external-1/e": NEVER})
    check_unseen(run, [Sample(id="v", features={"x": 0.5})], "group")
    copies = [Sample(id="e", features={"x": float(len("external-1/e"))})]
    with pytest.raises(DataError, match="run first, which labels, has trained on samples of valid"):
        check_unseen(run, copies, "group")
