"""Runs of a table with several models: their files, their blend, and stops in the middle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.location import DataSource
from comp.errors import ConfigError, RunError
from comp.inference.predictions import Predictions
from comp.pipeline.fold import fit_estimators, fit_fold
from comp.pipeline.lr_find import find_learning_rate
from comp.pipeline.members import load_fold, weighted_mean
from comp.pipeline.predict import predict
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.pipeline.verify_resume import verify
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.workspace import Workspace

SETTINGS: dict[str, Any] = {
    "folds": 2,
    "max_steps": 16,
    "validations": 2,
    "device": "cpu",
    "model": ["gbdt", "tabm"],
}


@pytest.fixture(scope="module")
def competition() -> Competition:
    return table(
        name="toy",
        title="Toy",
        kaggle="competitions/toy",
        task=regression(("price",), log=True),
    )


@pytest.fixture(scope="module")
def data(competition: Competition, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    competition.draw_synthetic(folder, np.random.default_rng(0))
    return folder


@pytest.fixture(autouse=True)
def registered(competition: Competition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": competition})


def config_of(competition: Competition, **settings: Any) -> RunConfig:
    layers = [competition.defaults, competition.synthetic_defaults, SETTINGS, settings]
    return resolve("toy", layers)


@pytest.fixture(scope="module")
def finished(
    competition: Competition, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, RunSummary]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": competition})
        workspace = Workspace.at(tmp_path_factory.mktemp("whole"))
        source = DataSource(data, False)
        yield workspace, run(config_of(competition), source, workspace, Silent())


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of weights, estimators, predictions and scores."""
    names = ("*.safetensors", "*.zip", "treatment.json", "columns.json")
    paths = [path for name in names for path in folder.rglob(name)]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


def test_a_fold_is_the_blend_of_its_models(
    finished: tuple[Workspace, RunSummary], competition: Competition
) -> None:
    _, summary = finished
    meta = json.loads((summary.run_dir / "fold-0" / "meta.json").read_text())
    weights = {member["name"]: member["weight"] for member in meta["members"]}
    assert set(weights) == {"gbdt", "tabm"}
    assert sum(weights.values()) == pytest.approx(1)
    whole = Predictions(summary.run_dir / "fold-0" / "test.safetensors")
    parts = {n: Predictions(summary.run_dir / f"fold-0/{n}/test.safetensors") for n in weights}
    for name in whole:
        mean = weighted_mean([parts[n][name] for n in weights], list(weights.values()))
        np.testing.assert_array_equal(whole[name], mean)
    assert meta["steps"] == 16
    assert meta["estimate_s"] > 0
    assert set(summary.members) == {"gbdt", "tabm"}
    assert next(iter(summary.importances)) in ("length", "shape")
    card = json.loads((summary.run_dir / "scores.json").read_text())
    assert card["members"]["gbdt"].keys() == {"score", "weight"}
    record = json.loads((summary.run_dir / "run.json").read_text())
    assert record["columns"]["columns"]["shape"]["kind"] == "category"


def test_the_held_out_predictions_of_one_half_do_not_depend_on_its_targets(
    finished: tuple[Workspace, RunSummary],
) -> None:
    """Of the weights that fit all held-out rows, the score would be too good."""
    _, summary = finished
    folder = summary.run_dir / "fold-0"
    oof = Predictions(folder / "oof.safetensors")
    parts = [Predictions(folder / name / "oof.safetensors") for name in ("gbdt", "tabm")]
    shares = set()
    for name in oof:
        first, second = (float(part[name][0]) for part in parts)
        if abs(first - second) > 1e-2:
            shares.add(round((float(oof[name][0]) - second) / (first - second), 2))
    assert len(shares) <= 4  # two halves, and rounding


def test_predictions_of_the_weights_are_those_of_the_run(
    finished: tuple[Workspace, RunSummary], data: Path, tmp_path: Path
) -> None:
    workspace, summary = finished
    result = predict(summary.run_id, workspace, out=tmp_path / "own")
    assert result.submission
    assert result.submission.read_bytes() == summary.submission.read_bytes()
    other = tmp_path / "rows.csv"
    pl.read_csv(data / "test.csv", infer_schema=False).tail(3).write_csv(other)
    result = predict(summary.run_id, workspace, data=other, out=tmp_path / "other")
    assert result.table
    found = pl.read_csv(result.table, infer_schema=False)
    expected = pl.read_csv(summary.submission, infer_schema=False).tail(3)
    assert found["id"].to_list() == expected["id"].to_list()
    np.testing.assert_allclose(
        found["prediction"].cast(pl.Float64), expected["price"].cast(pl.Float64), rtol=1e-5
    )


def test_estimators_that_are_fitted_first_are_not_fitted_again(
    finished: tuple[Workspace, RunSummary],
    competition: Competition,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with a budget, whose rest the networks get."""
    whole = finished[1].run_dir
    (tmp_path / "folds.csv").write_bytes((whole / "folds.csv").read_bytes())
    config = config_of(competition)
    (result,) = fit_estimators(config, 0, data, tmp_path, Silent(), seconds=600.0).values()
    assert result.seconds > 0
    monkeypatch.setattr("comp.pipeline.fold.fit_estimator", None)
    fit_fold(config, 0, data, tmp_path)
    assert digests(tmp_path / "fold-0") == digests(whole / "fold-0")


class _KilledError(BaseException):
    """Stands for kill -9: nothing handles it."""


@pytest.mark.parametrize(
    "where", ["comp.pipeline.estimator_fold.save_predictions", "comp.training.fit.train_batch"]
)
def test_a_killed_run_resumes_to_the_same_bytes(
    where: str,
    finished: tuple[Workspace, RunSummary],
    competition: Competition,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, _, name = where.rpartition(".")
    real = getattr(__import__(module, fromlist=[name]), name)
    calls = []

    def die_later(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == (11 if name == "train_batch" else 2):
            raise _KilledError
        return real(*args, **kwargs)

    workspace, config = Workspace.at(tmp_path), config_of(competition, checkpoint_every="5")
    source = DataSource(data, False)
    with monkeypatch.context() as patch:
        patch.setattr(where, die_later)
        with pytest.raises(_KilledError):
            run(config, source, workspace, Silent())
    (path,) = workspace.runs("toy").iterdir()
    assert digests(path) != digests(finished[1].run_dir)
    summary = resume(RunFolder(path), workspace, Silent())
    assert digests(path) == digests(finished[1].run_dir)
    assert summary.submission.read_bytes() == finished[1].submission.read_bytes()
    assert summary.cv_score == finished[1].cv_score


def test_verify_covers_every_model(competition: Competition, data: Path, tmp_path: Path) -> None:
    source = DataSource(data, False)
    result = verify(config_of(competition), source, Workspace.at(tmp_path), Silent())
    assert result.exact
    assert result.parts > 4


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": "network"}, "model = network learns from images, but toy is a table"),
        ({"model": "catboost"}, "needs the package catboost"),
        ({"loader": {"mixup": 0.2}}, "loader.mixup = 0.2 would mix"),
        ({"loss": {"weights": "balanced"}}, "loss.weights = balanced is for networks"),
        ({"columns": {"categories": ["size"]}}, "'size'"),
    ],
)
def test_models_that_cannot_learn_are_refused_before_training(
    settings: dict[str, Any], words: str, competition: Competition, data: Path, tmp_path: Path
) -> None:
    if settings.get("model") == "catboost":
        from importlib.util import find_spec

        if find_spec("catboost"):
            pytest.skip("catboost is installed")
    config = config_of(competition, **settings)
    with pytest.raises(ConfigError, match=words):
        run(config, DataSource(data, False), Workspace.at(tmp_path), Silent())
    assert not Workspace.at(tmp_path).runs("toy").exists()


def test_the_learning_rate_test_needs_one_network(
    competition: Competition, data: Path, tmp_path: Path
) -> None:
    source, workspace = DataSource(data, False), Workspace.at(tmp_path)
    with pytest.raises(ConfigError, match="lr-find tests one network, but model = gbdt"):
        find_learning_rate(config_of(competition, model="gbdt"), source, workspace, Silent())
    curve = find_learning_rate(config_of(competition), source, workspace, Silent(), steps=12).curve
    assert curve


def test_a_fold_without_weights_of_its_models_is_refused(
    finished: tuple[Workspace, RunSummary], competition: Competition, tmp_path: Path
) -> None:
    import shutil

    folder = tmp_path / "fold-0"
    shutil.copytree(finished[1].run_dir / "fold-0", folder)
    (folder / "meta.json").write_text("{}")
    with pytest.raises(RunError, match="does not have the weights of gbdt, tabm"):
        load_fold(competition, config_of(competition), folder, lambda: None)  # type: ignore[arg-type,return-value]
