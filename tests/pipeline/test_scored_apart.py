"""Samples that are scored and decide nothing: the data of `validation`, and external samples."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.data.location import DataSource
from comp.errors import DataError
from comp.inference.predictions import Predictions
from comp.pipeline.members import load_fold
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.report.apart import apart_rows
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.runs.results import FoldResult, RunSummary
from comp.signals import Stopped
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.workspace import Workspace

SITES = ("east", "west", "north")


def rows(first: int, count: int, shift: float, sites: tuple[str, ...]) -> pl.DataFrame:
    rng = np.random.default_rng(first)
    length = rng.uniform(1, 9, count)
    noise = rng.normal(0, 0.3, count)
    return pl.DataFrame(
        {
            "id": [f"{first + i}" for i in range(count)],
            "site": [sites[i % len(sites)] for i in range(count)],
            "length": length,
            "price": 2 * length + shift + noise,
        }
    )


@pytest.fixture(scope="module")
def toy() -> Competition:
    return table(
        name="toy",
        title="Toy",
        kaggle="competitions/toy",
        task=regression(("price",)),
        metric="rmse",
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data, validation data of a higher price, and external data of a still higher one."""
    root = tmp_path_factory.mktemp("apart")
    for name, first, count, shift in (
        ("data", 0, 90, 0),
        ("new", 500, 40, 1),
        ("more", 900, 30, 5),
    ):
        (root / name).mkdir()
        rows(first, count, shift, SITES).write_csv(root / name / "train.csv")
    test = rows(300, 12, 0, SITES)
    for name in ("data", "new", "more"):
        test.drop("price").write_csv(root / name / "test.csv")
        test.select("id", price=pl.lit(0.0)).write_csv(root / name / "sample_submission.csv")
    return root


@pytest.fixture(autouse=True)
def registered(toy: Competition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": toy})


def settings(toy: Competition, place: Path, **more: Any) -> RunConfig:
    keys: dict[str, Any] = {
        "folds": 3,
        "model": ["linear"],
        "device": "cpu",
        "scheme": "domain",
        "domain": "column:site",
        "validation": str(place / "new"),
        "external": [str(place / "more")],
        "external_folds": True,
        "full": 2,
    }
    return resolve("toy", [toy.defaults, keys, more])


@pytest.fixture(scope="module")
def finished(toy: Competition, place: Path) -> Iterator[RunSummary]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": toy})
        source = DataSource(place / "data", False)
        yield run(settings(toy, place), source, Workspace.at(place), Silent())


def rmse(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def test_the_mean_of_the_folds_and_the_full_model_is_scored_on_validation(
    finished: RunSummary,
) -> None:
    truth = rows(500, 40, 1, SITES)
    targets = dict(zip(truth["id"], truth["price"], strict=True))
    files = [finished.run_dir / f"fold-{fold}" / "validation.safetensors" for fold in range(3)]
    files.append(finished.run_dir / "full" / "validation.safetensors")
    parts = [Predictions(file) for file in files]
    weights = [1, 1, 1, 2]  # the full model counts as two folds
    assert set(parts[0]) == set(targets)
    errors = np.array([[part[i][0] - targets[i] for i in targets] for part in parts])
    record = finished.validation
    expected = pytest.approx(rmse(np.average(errors, axis=0, weights=weights)), rel=1e-5)
    assert record["score"] == expected
    expected = {fold: pytest.approx(rmse(errors[fold]), rel=1e-5) for fold in range(3)}
    assert record["fold_scores"] == expected
    assert record["low"] < record["score"] < record["high"]
    assert (record["n"], record["groups"], record["split"]) == (40, 40, "train")
    mean = Predictions(finished.run_dir / "validation.safetensors")
    assert [mean[i][0] for i in targets] == pytest.approx(
        [np.average([part[i][0] for part in parts], weights=weights) for i in targets]
    )
    card = json.loads((finished.run_dir / "scores.json").read_text())
    assert card["validation"]["score"] == record["score"]
    assert card["validation"]["scores"][0]["n"] == 40
    assert [name for name, _ in apart_rows(finished)] == ["validation", "external"]
    run_record = json.loads((finished.run_dir / "run.json").read_text())
    assert run_record["validation"]["samples"] == 40
    assert run_record["domains"]["by"] == "column site"


def test_an_external_row_is_scored_by_the_fold_that_did_not_train_on_it(
    finished: RunSummary, toy: Competition, place: Path
) -> None:
    folds = pl.read_csv(finished.run_dir / "folds.csv", infer_schema=False)
    number = dict(zip(folds["id"], map(int, folds["fold"]), strict=True))
    external = [name for name in number if name.startswith("external-1/")]
    assert sorted({number[name] for name in external}) == [-12, -11, -10]
    joined = Predictions(finished.run_dir / "external.safetensors")
    assert set(joined) == set(external)
    config, samples = settings(toy, place), toy.samples(place / "more", "train")
    for fold in range(3):
        predictor = load_fold(toy, config, finished.run_dir / f"fold-{fold}", lambda: None)
        for sample, prediction in predictor(samples):
            name = f"external-1/{sample.id}"
            assert np.array_equal(joined[name], prediction) == (number[name] == -10 - fold)
    truth = rows(900, 30, 5, SITES)
    errors = [
        joined[f"external-1/{i}"][0] - price for i, price in truth.select("id", "price").rows()
    ]
    assert finished.external["score"] == pytest.approx(rmse(np.array(errors)), rel=1e-5)
    assert set(Predictions(finished.run_dir / "oof.safetensors")) == {str(i) for i in range(90)}


def test_units_of_one_name_in_two_external_folders_are_scored_apart(
    toy: Competition, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The patients 1, 2, ... of two hospitals were one patient each."""

    def with_units(root: Path, split: Split) -> list[Sample]:
        listed = toy.samples(root, split)
        return [replace(s, unit=f"p{i}") if split == "train" else s for i, s in enumerate(listed)]

    pooled = replace(toy, samples=with_units, pool="mean")
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": pooled})
    other = Path(shutil.copytree(place / "more", tmp_path / "other"))
    rows(950, 30, 9, SITES).write_csv(other / "train.csv")
    keys: dict[str, Any] = {
        "folds": 3,
        "model": ["linear"],
        "device": "cpu",
        "external": [str(place / "more"), str(other)],
        "external_folds": True,
    }
    config = resolve("toy", [toy.defaults, keys])
    source = DataSource(place / "data", False)
    summary = run(config, source, Workspace.at(tmp_path), Silent())
    tables = {1: rows(900, 30, 5, SITES), 2: rows(950, 30, 9, SITES)}
    truth = {
        f"external-{number}/p{i}": price
        for number, table_ in tables.items()
        for i, price in enumerate(table_["price"])
    }
    joined = Predictions(summary.run_dir / "external.safetensors")
    assert set(joined) == set(truth)
    errors = np.array([joined[name][0] - price for name, price in truth.items()])
    assert summary.external["n"] == 60
    assert summary.external["score"] == pytest.approx(rmse(errors), rel=1e-5)


class StopAfterAFold(Silent):
    def fold_done(self, result: FoldResult, submission: Path) -> None:
        if result.fold == 0:
            raise Stopped(2)


def digests(folder: Path) -> dict[str, bytes]:
    files = [*folder.rglob("*.safetensors"), folder / "folds.csv"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_a_resumed_run_has_the_same_scores(
    finished: RunSummary, toy: Competition, place: Path, tmp_path: Path
) -> None:
    source, workspace = DataSource(place / "data", False), Workspace.at(tmp_path)
    with pytest.raises(Stopped):
        run(settings(toy, place), source, workspace, StopAfterAFold())
    (path,) = (tmp_path / "runs" / "toy").iterdir()
    (path / "fold-0" / "validation.safetensors").unlink()  # killed before it was complete
    truth = place / "new" / "train.csv"
    before = truth.read_bytes()
    rows(501, 40, 1, SITES).write_csv(truth)
    with pytest.raises(DataError, match=r"validation = .*new: its images or labels changed"):
        resume(RunFolder(path), workspace, Silent())
    truth.write_bytes(before)
    summary = resume(RunFolder(path), workspace, Silent())
    assert digests(path) == digests(finished.run_dir)
    assert (summary.validation, summary.external) == (finished.validation, finished.external)


def test_validation_and_the_score_of_external_rows_change_nothing_else(
    finished: RunSummary, toy: Competition, place: Path, tmp_path: Path
) -> None:
    config = settings(toy, place).model_copy(update={"validation": None})
    source = DataSource(place / "data", False)
    summary = run(config, source, Workspace.at(tmp_path), Silent())
    assert summary.cv_score == finished.cv_score
    assert summary.validation == {}
    assert (summary.run_dir / "oof.safetensors").read_bytes() == (
        finished.run_dir / "oof.safetensors"
    ).read_bytes()
    card = json.loads((summary.run_dir / "scores.json").read_text())
    assert "validation" not in card
    assert "external" in card


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validation": "data"}, "have the cells of a training row|id of a training sample"),
        ({"validation": "nothing"}, "validation = .*nothing: no data at"),
        ({"predict": {"adapt": "batchnorm"}}, "validation = .*new: predict.adapt = batchnorm"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_training(
    toy: Competition, place: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    if "validation" in change:
        change = {"validation": str(place / change["validation"])}
    source = DataSource(place / "data", False)
    with pytest.raises(DataError, match=message):
        run(settings(toy, place, **change), source, Workspace.at(tmp_path), Silent())
    assert not (tmp_path / "runs").exists()
