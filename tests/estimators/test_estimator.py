"""All estimators: what they learn, save, and do with few rows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.config.schema import RunConfig
from comp.data.columns.matrices import Matrix
from comp.errors import ConfigError, RunError
from comp.estimators import estimator as module
from comp.estimators.estimator import ESTIMATORS, check_installed, load_estimator, make_estimator

GBDT = {"iterations": 15, "lr": 0.3, "min_leaf": 5, "patience": 10, "threads": 1}
CONFIG = RunConfig(competition="x", gbdt=GBDT)
TREES = ("gbdt", "lightgbm", "xgboost", "catboost")
OUTPUTS = {"classes": 4, "labels": 3, "values": 2}
ROWS = 160


def numbers(count: int = ROWS) -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(count, 3))
    values[:, 2] = np.arange(count) % 4
    return values


def matrix(name: str, values: np.ndarray) -> Matrix:
    """With gaps and codes for trees, without for others."""
    values = values.copy()
    if name in TREES:
        values[::11, 1] = np.nan
    categorical = np.array([False, False, name in TREES])
    return Matrix(values=values, names=("a", "b", "c"), categorical=categorical)


def targets(kind: str, values: np.ndarray) -> np.ndarray:
    """Class 2 of four is missing, and no row has the last label."""
    a, b = values[:, 0], values[:, 1]
    if kind == "classes":
        return np.where(a > 0, 1, np.where(b > 0, 3, 0))
    if kind == "labels":
        return np.stack([a > 0, b > 0, a > 99], axis=1).astype(np.float32)
    return np.stack([1e6 * a + 5e6, values[:, 2]], axis=1)


def error(kind: str, predicted: np.ndarray, truth: np.ndarray) -> float:
    """Share of wrong rows, or squared error over the variance."""
    if kind == "classes":
        return float((predicted.argmax(axis=1) != truth).mean())
    if kind == "labels":
        return float(((predicted > 0.5) != truth).mean())
    return float((((predicted - truth) ** 2).mean(axis=0) / truth.var(axis=0)).mean())


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_learns_and_is_read_as_it_was_written(
    name: str, kind: str, tmp_path: Path
) -> None:
    if name not in ("gbdt", "linear", "knn"):
        pytest.importorskip(name)
    values = numbers()
    x, y = matrix(name, values), targets(kind, values)
    files = []
    for number in range(2):
        estimator = make_estimator(name, CONFIG, kind, OUTPUTS[kind], seed=3)
        estimator.fit(x, y)
        files.append(tmp_path / f"{number}.estimator")
        estimator.save(files[-1])
    predicted = estimator.predict(x)
    assert predicted.dtype == np.float32
    assert predicted.shape == (ROWS, OUTPUTS[kind])
    assert error(kind, predicted, y) < 0.25
    if kind == "classes":
        np.testing.assert_allclose(predicted.sum(axis=1), 1, atol=1e-5)
        assert predicted[:, 2].max() == 0
    if kind == "labels":
        assert predicted[:, 2].max() < 1e-6
    assert files[0].read_bytes() == files[1].read_bytes()
    np.testing.assert_array_equal(load_estimator(files[0]).predict(x), predicted)
    assert estimator.record() == load_estimator(files[0]).record()


@pytest.mark.parametrize("name", ["gbdt", "lightgbm", "linear", "knn"])
def test_few_rows_and_one_class_are_no_error(name: str) -> None:
    if name == "lightgbm":
        pytest.importorskip(name)
    x = matrix(name, numbers(6))
    for kind, y in (
        ("classes", np.array([0, 0, 3, 0, 3, 0])),
        ("classes", np.full(6, 3)),
        ("values", np.ones((6, 1))),
        ("labels", np.zeros((6, 3))),
    ):
        outputs = 1 if kind == "values" else OUTPUTS[kind]
        estimator = make_estimator(name, CONFIG, kind, outputs, seed=0)
        estimator.fit(x, y)
        predicted = estimator.predict(x)
        assert np.isfinite(predicted).all()
        if kind == "classes":
            assert predicted[:, [1, 2]].max() == 0
        else:
            np.testing.assert_allclose(predicted, y, atol=1e-3)
        if (y == 3).all():
            assert predicted[:, 3].min() == 1


@pytest.mark.parametrize("name", ["gbdt", "lightgbm", "linear", "knn"])
def test_weights_count(name: str) -> None:
    if name == "lightgbm":
        pytest.importorskip(name)
    x = matrix(name, np.zeros((40, 3)))
    y = np.arange(40)[:, None] % 2.0
    weights = np.where(y[:, 0] == 1, 3.0, 1.0)
    config = RunConfig(competition="x", gbdt=GBDT | {"rows": 1.0}, knn={"neighbors": 40})
    estimator = make_estimator(name, config, "values", 1, seed=0)
    estimator.fit(x, y, weights)
    assert estimator.predict(x)[0, 0] == pytest.approx(0.75, abs=0.06)


@pytest.mark.parametrize("name", ["gbdt", "lightgbm"])
def test_a_deadline_that_has_passed_gives_few_trees(name: str) -> None:
    pytest.importorskip(name if name == "lightgbm" else "sklearn")
    config = RunConfig(competition="x", gbdt={"iterations": 5000, "lr": 0.001, "threads": 1})
    values = numbers()
    estimator = make_estimator(name, config, "values", 2, seed=0)
    estimator.fit(matrix(name, values), targets("values", values), deadline=time.monotonic())
    assert estimator.record()["iterations"] < 100
    assert estimator.record()["late"]


def test_the_inner_split_keeps_groups_together() -> None:
    """Rows of a group are copies: one neighbour is best, unless they are held out together."""
    rng = np.random.default_rng(1)
    values = np.repeat(rng.normal(size=(20, 3)), 8, axis=0)
    x = matrix("knn", values)
    y = np.repeat(rng.normal(size=(20, 1)), 8, axis=0)
    groups = np.repeat(np.arange(20), 8)
    chosen = {}
    for known in (None, groups):
        estimator = make_estimator("knn", CONFIG, "values", 1, seed=0)
        estimator.fit(x, y, None, known)
        chosen[known is None] = estimator.record()["neighbors"]
    assert chosen[True] <= 5 < chosen[False]


def test_embeddings_are_reduced_for_trees(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(200, 3))
    embeddings = hidden @ rng.normal(size=(3, 300)) + 0.1 * rng.normal(size=(200, 300))
    names = tuple(map(str, range(300)))
    x = Matrix(values=embeddings, names=names, categorical=np.zeros(300, dtype=bool), embedded=300)
    y = (hidden[:, 0] > 0).astype(int)
    estimator = make_estimator("gbdt", CONFIG, "classes", 2, seed=0)
    estimator.fit(x, y)
    assert error("classes", estimator.predict(x), y) < 0.1
    estimator.save(tmp_path / "e")
    np.testing.assert_array_equal(load_estimator(tmp_path / "e").predict(x), estimator.predict(x))


def test_a_library_that_is_missing_and_an_unknown_name_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="run 'pip install lightgbm', or use model = gbdt"):
        make_estimator("lightgbm", CONFIG, "values", 1, seed=0)
    with pytest.raises(ConfigError, match="did you mean 'lightgbm'"):
        check_installed("lightgmb")


def test_names_of_estimators_are_those_of_the_configuration() -> None:
    from comp.config import model

    assert set(model.ESTIMATORS) == set(ESTIMATORS)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip"])
def test_a_file_of_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fit.estimator"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"cannot read .*fit.estimator"):
        load_estimator(path)
    with pytest.raises(RunError, match="cannot read"):
        load_estimator(tmp_path / "missing")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    estimator: Any = make_estimator("knn", CONFIG, "values", 2, seed=0)
    values = numbers()
    estimator.fit(matrix("knn", values), targets("values", values))
    path = tmp_path / "fit.estimator"
    estimator.save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(RunError, match="delete it and the fold restarts"):
        load_estimator(path)
