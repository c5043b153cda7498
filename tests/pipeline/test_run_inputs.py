"""What a run works on, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comp.config.nesting import merge
from comp.config.schema import RunConfig, resolve
from comp.data.images.prepared import PreparedImages
from comp.data.location import DataSource
from comp.errors import ConfigError, FoldError
from comp.pipeline.model_checks import check_training
from comp.pipeline.notes import data_notes
from comp.pipeline.plugin_check import plugin_record
from comp.pipeline.run_inputs import prepare_run
from comp.pipeline.run_record import record_fields
from comp.runs.progress import Silent
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING


def changed(config: RunConfig, **settings: Any) -> RunConfig:
    return resolve("denoising", [merge(config.model_dump(), settings)], DENOISING.options)


def test_prepare_run_assigns_the_samples_to_folds(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    workspace = Workspace.at(tmp_path)
    inputs = prepare_run(tiny, DataSource(pages, True), workspace, [1], Silent())
    assert list(inputs.folds_to_train) == [1]
    assert set(inputs.folds) == {s.id for s in inputs.train}
    assert inputs.images == PreparedImages(root=pages)
    record = dict(record_fields(inputs))
    assert record.pop("plugin") == plugin_record(DENOISING)
    assert record.pop("external") == []
    assert {
        "weights",
        "image_cache",
        "feature_cache",
        "embeddings",
        "skipped",
        "value_range",
    } == set(record)
    assert not any(record.values())
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
        ({"loader": {"sampler": "balanced"}}, "these samples have no classes"),
        ({"loader": {"sampler": "own"}}, "denoising has no sampling_weights"),
        ({"freeze": "all"}, "no stages to freeze"),
        ({"optim": {"name": "adamm"}}, "unknown optimizer 'adamm'"),
    ],
)
def test_what_does_not_fit_shows_before_training(
    tiny: RunConfig, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_training(DENOISING, changed(tiny, **settings), [])
