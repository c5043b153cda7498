"""Runs whose folds train with several seeds: averages, stops in the middle, predictions, costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from comp.config.nesting import merge
from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.location import DataSource
from comp.inference.predictions import Predictions
from comp.pipeline.predict import predict
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.pipeline.seeded_fold import fit_seed_estimators
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent, Step
from comp.runs.results import RunSummary
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING

SETTINGS: dict[str, Any] = {
    "folds": 2,
    "max_steps": 6,
    "validations": 2,
    "device": "cpu",
    "model": ["gbdt", "tabm"],
}
FILES = ("oof.safetensors", "test.safetensors")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Table:
    """A drawn table, and its runs with one seed and with two, which have the same folds."""

    competition: Competition
    data: Path
    workspace: Workspace
    one: RunSummary
    two: RunSummary

    def config(self, **settings: Any) -> RunConfig:
        own = [self.competition.defaults, self.competition.synthetic_defaults]
        return resolve("toy", [*own, SETTINGS, settings])


@pytest.fixture(scope="module")
def toy_table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    task = regression(("price",), log=True)
    toy = table(name="toy", title="Toy", kaggle="competitions/toy", task=task)
    data = tmp_path_factory.mktemp("data")
    toy.draw_synthetic(data, np.random.default_rng(0))
    workspace = Workspace.at(tmp_path_factory.mktemp("runs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": toy})

        def go(**settings: Any) -> RunSummary:
            layers = [toy.defaults, toy.synthetic_defaults, SETTINGS, settings]
            return run(resolve("toy", layers), DataSource(data, False), workspace, Silent())

        yield Table(toy, data, workspace, go(), go(seeds=2))


def assert_mean_of_seeds(fold_folder: Path, name: str) -> None:
    parts = [Predictions(fold_folder / f"seed-{number}" / name) for number in (0, 1)]
    mean = Predictions(fold_folder / name)
    assert len(mean) == len(parts[0]) == len(parts[1]) > 0
    for key, values in mean.items():
        pair = np.stack([part[key] for part in parts]).astype(np.float64)
        assert not np.array_equal(*pair)
        np.testing.assert_array_equal(values, pair.mean(axis=0).astype(np.float32))


def contents(folder: Path) -> dict[str, bytes]:
    """Weights, estimators and predictions, by their path in the folder."""
    files = [path for kind in ("*.safetensors", "*.zip") for path in folder.rglob(kind)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_first_seed_trains_what_a_run_without_seeds_trains(toy_table: Table) -> None:
    one, two = toy_table.one.run_dir, toy_table.two.run_dir
    assert (one / "folds.csv").read_bytes() == (two / "folds.csv").read_bytes()
    for fold in (0, 1):
        first = contents(two / f"fold-{fold}" / "seed-0")
        assert first == contents(one / f"fold-{fold}")
        assert first != contents(two / f"fold-{fold}" / "seed-1")
    assert not list(one.rglob("seed-*"))


def test_the_predictions_of_a_fold_are_the_mean_of_its_seeds(toy_table: Table) -> None:
    for name in FILES:
        assert_mean_of_seeds(toy_table.two.run_dir / "fold-1", name)
    meta = json.loads((toy_table.two.run_dir / "fold-1" / "meta.json").read_text())
    assert [set(seed) for seed in meta["seeds"]] == [{"seed", "score", "steps", "seconds"}] * 2
    assert meta["steps"] == 6
    assert {member["name"] for member in meta["members"]} == {"gbdt", "tabm"}


def test_the_scores_of_the_seeds_and_their_spread_are_recorded(toy_table: Table) -> None:
    card = json.loads((toy_table.two.run_dir / "scores.json").read_text())
    scores = card["seeds"]["scores"]
    assert (len(scores), next(iter(scores))) == (2, "0")
    assert scores["0"] == toy_table.one.cv_score
    values = list(scores.values())
    assert card["seeds"]["mean"] == pytest.approx(np.mean(values))
    assert card["seeds"]["std"] == pytest.approx(np.std(values, ddof=1))
    assert card["cv_score"] not in values
    assert "seeds" not in json.loads((toy_table.one.run_dir / "scores.json").read_text())
    assert set(toy_table.two.importances) == set(toy_table.one.importances)


def test_predictions_of_all_weights_are_those_of_the_run(toy_table: Table, tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []

    def on_prediction(_fold: int, count: int, total: int) -> None:
        done.append((count, total))

    result = predict(
        toy_table.two.run_id,
        toy_table.workspace,
        out=tmp_path / "new" / "own",  # as the default folder, whose parent may not exist
        on_prediction=on_prediction,
    )
    assert result.submission
    assert result.submission.read_bytes() == toy_table.two.submission.read_bytes()
    assert done[-1][0] == done[-1][1] == 2 * result.samples
    assert not list(result.out.glob(".seeds*"))


class _KilledError(BaseException):
    """Stands for kill -9: nothing handles it."""


class Killer(Silent):
    """Stops the run in the second training of the first fold, and counts the trainings."""

    def __init__(self, at: int) -> None:
        self.at, self.parts = at, set[tuple[int, str]]()

    def step(self, step: Step) -> None:
        self.parts.add((step.fold, step.part))
        if (step.fold, step.step) == (0, self.at):
            raise _KilledError


def test_a_killed_run_resumes_to_the_same_bytes(toy_table: Table, tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    config = toy_table.config(seeds=2, checkpoint_every="1")
    with pytest.raises(_KilledError):
        run(config, DataSource(toy_table.data, False), workspace, Killer(12))
    (path,) = workspace.runs("toy").iterdir()
    assert (path / "fold-0" / "seed-1" / "tabm" / "resume.pt").is_file()
    kept = path / "fold-0" / "seed-0" / "tabm" / "model.safetensors"
    before = kept.stat().st_mtime_ns
    counted = Killer(0)
    summary = resume(RunFolder(path), workspace, counted)
    assert contents(path) == contents(toy_table.two.run_dir)
    assert kept.stat().st_mtime_ns == before
    assert (0, "seed 1 of 2") not in counted.parts
    assert {(0, "seed 2 of 2"), (1, "seed 1 of 2"), (1, "seed 2 of 2")} <= counted.parts
    assert summary.submission.read_bytes() == toy_table.two.submission.read_bytes()
    assert summary.cv_score == toy_table.two.cv_score


def test_a_budget_fits_the_models_that_are_not_networks_first(
    toy_table: Table, tmp_path: Path
) -> None:
    """The fold has no folder yet."""
    trained, place = toy_table.two.run_dir, tmp_path / "fold-0"
    config = toy_table.config(seeds=2)
    assert fit_seed_estimators(config, 0, toy_table.data, trained, Silent(), None, place) > 0
    for seed in ("seed-0", "seed-1"):
        path = Path(seed) / "gbdt" / "estimator.zip"
        assert (place / path).read_bytes() == (trained / "fold-0" / path).read_bytes()


def test_images_are_averaged_too(pages: Path, tiny: RunConfig, tmp_path: Path) -> None:
    config = resolve("denoising", [merge(tiny.model_dump(), {"seeds": 2})], DENOISING.options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"denoising": DENOISING})
        source = DataSource(pages, True)
        summary = run(config, source, Workspace.at(tmp_path), Silent(), only=[0])
    for name in FILES:
        assert_mean_of_seeds(summary.run_dir / "fold-0", name)
    assert next(iter(summary.seeds["scores"])) == config.seed
    assert summary.cv_score < summary.seeds["mean"]  # RMSE of the mean of two images
