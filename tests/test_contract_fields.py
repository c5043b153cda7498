"""Whole runs that use the less usual fields of the contract: units, columns, external data."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import pytest
import torch
from torch import nn
from toys import toy

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.metric import array_metric
from comp.contract.metrics import ACCURACY, AUC
from comp.contract.sample import Sample, Split
from comp.data.images.decode import write_image
from comp.data.location import DataSource
from comp.errors import DataError, FoldError
from comp.inference.predictions import Predictions
from comp.pipeline.fold_context import make_fold_context
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.tasks.binary import binary
from comp.workspace import Workspace

PATIENTS = 12
SETTINGS = {
    "folds": 3,
    "max_steps": 4,
    "validations": 1,
    "device": "cpu",
    "optim": {"name": "sgd", "lr": 0.5},
    "loader": {"batch_size": 8},
}


class Means(nn.Module):
    """Logistic regression on the mean of each channel, and on the columns if there are any."""

    def __init__(self, columns: int = 0) -> None:
        super().__init__()
        self.head = nn.Linear(3 + columns, 1)

    def forward(self, image: torch.Tensor, features: torch.Tensor | None = None) -> torch.Tensor:
        x = image.mean(dim=(2, 3))
        out: torch.Tensor = self.head(x if features is None else torch.cat([x, features], dim=1))
        return out


def samples(root: Path, split: Split) -> Sequence[Sample]:
    """Two or three images a patient, named `<patient>-<number>-<label>`."""
    found = []
    for path in sorted((root / split).iterdir()):
        patient, _, label = path.stem.split("-")
        target = {"target": float(label)} if split == "train" else {}
        found.append(Sample(id=path.stem, image=path, unit=patient, **target))
    return found


def rows(sample: Sample, prediction: np.ndarray, decision: np.ndarray) -> Mapping[str, Any]:
    return {"id": [sample.id], "ill": [float(prediction[0])], "decided": [int(decision[0])]}


POOLED: Competition = toy(
    task=binary(("healthy", "ill")),
    metric=AUC,
    samples=samples,
    pipeline=lambda _config, _train: A.Compose([]),
    model=lambda _config: Means(),
    rows=rows,
    pool="mean",
    sample_submission=None,
    limits=(0.0, 1.0),
)


def draw(root: Path, first: int = 0) -> Path:
    """Images whose red is brighter in patients with an odd number."""
    rng = np.random.default_rng(first)
    for split in ("train", "test"):
        for patient in range(first, first + PATIENTS):
            for number in range(2 + patient % 2):
                image = rng.integers(0, 100, (6, 6, 3), dtype=np.uint8)
                image[..., 0] += 120 * (patient % 2)
                name = f"p{patient:02d}-{number}-{patient % 2}.png"
                write_image(root / split / name, image)
    return root


def trained(
    competition: Competition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> tuple[RunSummary, RunFolder]:
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": competition})
    data = draw(tmp_path / "data")
    config: RunConfig = resolve("toy", [SETTINGS, settings])
    summary = run(config, DataSource(data, False), Workspace.at(tmp_path), Silent())
    return summary, RunFolder(summary.run_dir)


def folds_of(folder: RunFolder) -> dict[str, int]:
    with folder.folds_csv.open(newline="") as stream:
        return {row["id"]: int(row["fold"]) for row in csv.DictReader(stream)}


def test_a_unit_is_one_prediction_and_is_never_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary, folder = trained(POOLED, tmp_path, monkeypatch)
    patients = [f"p{i:02d}" for i in range(PATIENTS)]
    assert sorted(Predictions(folder.oof)) == sorted(Predictions(folder.test)) == patients
    fold_of: dict[str, set[int]] = {}
    for name, fold in folds_of(folder).items():
        fold_of.setdefault(name.split("-")[0], set()).add(fold)
    assert {len(folds) for folds in fold_of.values()} == {1}
    with summary.submission.open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["id"] for line in lines] == patients
    threshold = summary.threshold
    assert threshold is not None
    for line in lines:
        assert int(line["decided"]) == (float(line["ill"]) >= threshold)
    oof = Predictions(folder.oof)
    chances = {name: float(oof[name][0]) for name in patients}
    ill = [chances[name] for name in patients if int(name[1:]) % 2]
    healthy = [chances[name] for name in patients if not int(name[1:]) % 2]
    wins = [(a > b) + (a == b) / 2 for a in ill for b in healthy]
    assert summary.cv_score == pytest.approx(sum(wins) / len(wins))


def test_units_without_a_pool_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"does not pool .*: 24, the first is p00; set pool"):
        trained(replace(POOLED, pool=None), tmp_path, monkeypatch)
    assert not (tmp_path / "runs").exists()


def test_the_network_gets_the_columns_of_a_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images say nothing here, the column everything."""

    def with_columns(root: Path, split: Split) -> Sequence[Sample]:
        return [
            replace(s, image=root / "grey.png", features={"age": 2.0 * int(s.id[-1]) - 1})
            for s in samples(root, split)
        ]

    write_image(tmp_path / "data" / "grey.png", np.full((6, 6, 3), 128, np.uint8))
    competition = replace(
        POOLED,
        samples=with_columns,
        inputs=("image", "features"),
        model=lambda _config: Means(columns=1),
    )
    summary, _ = trained(competition, tmp_path, monkeypatch, max_steps=30)
    assert summary.cv_score == 1.0


def test_external_samples_train_and_are_never_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = draw(tmp_path / "other", first=6)  # patients 6 to 17: six of them are in both
    summary, folder = trained(POOLED, tmp_path, monkeypatch, external=[str(other)])
    folds = folds_of(folder)
    external = [name for name in folds if name.startswith("external-1/")]
    assert len(external) == len(list((other / "train").iterdir()))
    assert {folds[name] for name in external} == {-1}
    assert sorted(Predictions(folder.oof)) == [f"p{i:02d}" for i in range(PATIENTS)]
    assert json.loads((folder.path / "run.json").read_text())["external"] == [str(other)]
    assert len(summary.fold_scores) == 3


def test_folds_of_the_samples_themselves_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_folds(root: Path, split: Split) -> Sequence[Sample]:
        return [replace(s, fold=int(s.id[1:3]) % 2) for s in samples(root, split)]

    competition = replace(POOLED, samples=with_folds, metric=replace(AUC, score=lambda _pairs: 0.5))
    with pytest.raises(FoldError, match="folds"):
        trained(competition, tmp_path, monkeypatch)
    _, folder = trained(competition, tmp_path, monkeypatch, folds=2)
    assert all(fold == int(name[1:3]) % 2 for name, fold in folds_of(folder).items())


def test_external_copies_of_scored_images_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The external data has the images of this competition under other patients."""
    data, other = draw(tmp_path / "data"), tmp_path / "other"
    for path in sorted((data / "train").iterdir()):
        copy = other / "train" / path.name.replace("p", "q", 1)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (other / "test").mkdir()
    write_image(other / "train" / "q99-0-1.png", np.zeros((6, 6, 3), np.uint8))
    _, folder = trained(POOLED, tmp_path, monkeypatch, external=[str(other)])
    folds = folds_of(folder)
    external = {name: fold for name, fold in folds.items() if name.startswith("external-1/")}
    assert external.pop("external-1/q99-0-1") == -1
    assert set(external.values()) == {-2}
    for fold in range(3):
        context = make_fold_context(resolve("toy", [SETTINGS]), fold, data, folder.path)
        trained_ids = {sample.id for sample in context.train}
        assert "external-1/q99-0-1" in trained_ids
        assert not trained_ids & set(external)


def test_a_metric_of_decisions_gets_ids_and_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the parameters of the decisions are fitted."""
    seen: list[set[str]] = []

    def by_id(_targets: Any, decided: Any, *, ids: Any, groups: Any) -> float:
        assert len(ids) == len(groups) == len(decided)
        seen.append(set(ids))
        return float(decided.mean())

    metric = array_metric("by id", by_id, "max", takes="decisions", with_ids=True)
    summary, _ = trained(replace(POOLED, metric=metric), tmp_path, monkeypatch)
    patients = {f"p{i:02d}" for i in range(PATIENTS)}
    assert set.union(*seen) == patients
    assert summary.decision
    assert list(summary.decision["by_fold"]) == [0, 1, 2]


def _sure_of_illness(_config: RunConfig) -> nn.Module:
    network = Means()
    nn.init.constant_(network.head.bias, 5.0)
    return network


def test_a_run_of_one_fold_says_that_its_decisions_are_not_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Notes(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    notes: list[str] = []
    metric = replace(ACCURACY, score=lambda pairs: -float(np.mean([d for _, d in pairs])))
    competition = replace(POOLED, metric=metric, model=_sure_of_illness)  # worst for this metric
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": competition})
    source = DataSource(draw(tmp_path / "data"), False)
    config = resolve("toy", [SETTINGS, {"folds": 2, "optim": {"lr": 1e-9}}])
    summary = run(config, source, Workspace.at(tmp_path), Notes(), only=[0])
    assert summary.decision
    assert summary.decision["by_fold"] == {0: (0.5,)}
    assert summary.decision["params"] != (0.5,)
    assert sum("which more folds would score" in note for note in notes) == 1
