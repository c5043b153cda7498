"""What a run works on, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comp.config.nesting import merge
from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Sample
from comp.data.images.cache import PreparedImages
from comp.data.location import DataSource
from comp.errors import ConfigError, FoldError
from comp.pipeline.run_inputs import (
    check_training,
    data_notes,
    mixed_groups_note,
    prepare_run,
    record_fields,
)
from comp.runs.progress import Silent
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING


def sample(name: str, group: str | None, stratum: str | None) -> Sample:
    return Sample(id=name, image=Path(name), group=group, stratum=stratum)


def changed(config: RunConfig, **settings: Any) -> RunConfig:
    return resolve("denoising", [merge(config.model_dump(), settings)], DENOISING.options)


def test_a_group_in_two_classes_is_reported() -> None:
    found = [
        sample("a", "p1", "sick"),
        sample("b", "p1", "well"),
        sample("c", "p2", "sick"),
        sample("d", "p2", "sick"),
        sample("e", None, "well"),
    ]
    words = mixed_groups_note(found, "patient")
    assert words.startswith("1 patient has samples of more than one class, the first is p1 (sick, ")


def test_several_such_groups_are_counted() -> None:
    found = [sample(f"{p}{s}", p, s) for p in ("p2", "p1") for s in ("sick", "well")]
    assert mixed_groups_note(found, None).startswith("2 groups have samples")
    assert "the first is p1" in mixed_groups_note(found, None)


def test_nothing_is_said_of_groups_of_one_class_or_of_samples_without_one() -> None:
    assert mixed_groups_note([sample("a", "p", "sick"), sample("b", "p", "sick")], "patient") == ""
    assert (
        mixed_groups_note([sample("a", None, "sick"), sample("b", None, "well")], "patient") == ""
    )
    assert mixed_groups_note([sample("a", "p", None), sample("b", "p", None)], "patient") == ""


def test_prepare_run_assigns_the_samples_to_folds(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    workspace = Workspace.at(tmp_path)
    inputs = prepare_run(tiny, DataSource(pages, True), workspace, [1], Silent())
    assert list(inputs.folds_to_train) == [1]
    assert set(inputs.folds) == {s.id for s in inputs.train}
    assert inputs.images == PreparedImages()
    assert record_fields(inputs) == {"weights": None, "image_cache": None, "skipped": {}}
    assert data_notes(inputs) == []
    assert list(tmp_path.iterdir()) == []


def test_prepare_run_refuses_a_fold_that_does_not_exist(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    with pytest.raises(FoldError, match="no fold 2: with folds = 2 they are 0 to 1"):
        prepare_run(tiny, DataSource(pages, True), Workspace.at(tmp_path), [2], Silent())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"loss": {"name": "ce"}}, "loss"),
        ({"loader": {"mixup": 0.2}}, "mixup"),
        ({"freeze": "all"}, "no stages to freeze"),
        ({"optim": {"name": "adamm"}}, "unknown optimizer 'adamm'"),
    ],
)
def test_what_does_not_fit_shows_before_training(
    tiny: RunConfig, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_training(DENOISING, changed(tiny, **settings), [])
