"""Runs that predict numbers, as plain data: the parts of a bundle predict what comp predicts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from plain_bundles import largest_difference, plain_bundle, predicted, table
from whole_run import tiny_config

from comp.bundle.describe import check_plain
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.metrics import ACCURACY, AUC, F1_MACRO, QWK, RMSE, map_at_k
from comp.data.location import DataSource
from comp.errors import RunError
from comp.inference.predictions import Predictions
from comp.pipeline.predict import predict
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.tasks.binary import binary
from comp.tasks.image_table import image_table
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression
from comp.workspace import Workspace

KAGGLE = {"name": "birds", "title": "Birds", "kaggle": "competitions/rare-birds"}
NAMES = ("007", "7", "1e5", "nan", "a/1", "b/1", "Zoë 中文", "x,y", 'say "hi"', "img_3")
"""Ids of the test: they are texts, and some look like numbers."""
TINY: Mapping[str, Any] = {"max_steps": 2, "image": {"size": 32}, "loader": {"workers": 0}}


def trained(
    competition: Competition, folder: Path, patch: pytest.MonkeyPatch, **keys: Any
) -> tuple[str, Workspace, Path]:
    """A run on drawn data whose test has the ids `NAMES`; returns its id, and its data."""
    patch.setattr(registry, "competitions", lambda: {competition.name: competition})
    for name in ("grade_cuts.DRAWS", "grade_cuts.CANDIDATES", "label_thresholds.WORK"):
        patch.setattr(f"comp.inference.{name}", 3)  # what is fitted does not matter
    data = folder / "data-of-birds"
    data.mkdir()
    competition.draw_synthetic(data, np.random.default_rng(0))
    rename_test(data, NAMES)
    workspace = Workspace.at(folder)
    config = tiny_config(competition, TINY, keys)
    return run(config, DataSource(data, False), workspace, Silent()).run_id, workspace, data


def rename_test(data: Path, names: Sequence[str], sample: str = "sample_submission.csv") -> None:
    """Give the first test images other ids, and remove the others."""
    rows = table(data / sample).head(len(names))
    kept = {}
    for old, new in zip(rows.to_series(0), names, strict=True):
        (source,) = (data / "test").glob(f"{old}.*")
        kept[new] = source.read_bytes(), source.suffix
    shutil.rmtree(data / "test")
    for name, (content, suffix) in kept.items():
        path = data / "test" / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    rows.with_columns(pl.Series(rows.columns[0], names)).write_csv(data / sample)


COMPETITIONS: Mapping[str, Callable[[], Competition]] = {
    "two classes": lambda: image_table(task=binary(("no", "yes")), metric=AUC, **KAGGLE),
    "classes": lambda: image_table(
        task=multiclass(("a", "b", "c")), metric=ACCURACY, label_column="label", **KAGGLE
    ),
    "ranked": lambda: image_table(
        task=multiclass(("a", "b", "c")), metric=map_at_k(2), label_column="Id", **KAGGLE
    ),
    "labels": lambda: image_table(
        task=multilabel(("a", "b")), metric=F1_MACRO, label_column="tags", separator=" ", **KAGGLE
    ),
    "grades": lambda: image_table(
        task=ordinal(4), metric=QWK, submission_id="id", label_column="grade", **KAGGLE
    ),
    "numbers": lambda: image_table(
        task=regression(("x", "y"), log=True, limits=(0.0, 20.0)), metric=RMSE, **KAGGLE
    ),
}


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("two classes", {"predict": {"tta": "flips", "batch_size": 3}}),
        ("classes", {"seeds": 2, "full": 0.5}),
        ("ranked", {"image": {"resize": "partial", "channels": 1, "crop_pct": 0.8}}),
        ("labels", {"image": {"resize": "letterbox", "size": [32, 48]}, "channels_last": False}),
        ("grades", {"loss": {"name": "corn"}}),
        ("numbers", {"image": {"resize": "crop", "interpolation": "lanczos"}}),
    ],
)
def test_the_parts_predict_and_submit_what_comp_does(
    name: str, keys: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, workspace, data = trained(COMPETITIONS[name](), tmp_path, monkeypatch, **keys)
    bundle = plain_bundle(run_id, workspace, tmp_path / "bundle")
    found = predicted(bundle, tmp_path, tmp_path / "out")
    known = predict(run_id, workspace)
    expected = Predictions(known.out / "test.safetensors")
    assert list(found) == list(NAMES)
    assert largest_difference(found, expected) <= 1e-6
    submission = (tmp_path / "out" / "submission.csv").read_text()
    assert known.submission
    assert submission == known.submission.read_text()
    text = (bundle / "bundle.json").read_text()
    assert str(tmp_path) not in text
    assert data.name not in text


@pytest.mark.parametrize(
    ("fields", "keys", "message"),
    [
        ({}, {"model": ["lightgbm"]}, "the run predicts with lightgbm"),
        ({"pool": "mean"}, {}, "several images share one prediction"),
        ({"columns": True}, {}, "the network takes more than the image"),
        ({"inputs": ("image", "more")}, {}, "the network takes more than the image"),
        ({}, {"predict": {"adapt": "batchnorm"}}, "predict.adapt = batchnorm adapts the networks"),
        ({}, {"predict": {"shares": "em"}}, "predict.shares = em estimates the classes"),
    ],
)
def test_what_a_bundle_without_comp_cannot_do_is_refused(
    fields: Mapping[str, Any], keys: Mapping[str, Any], message: str
) -> None:
    competition = replace(COMPETITIONS["two classes"](), **fields)
    with pytest.raises(RunError, match=f"{message}.*: use --wheels, which takes comp along"):
        check_plain(competition, tiny_config(competition, keys))
