"""What joins the folds of a run, with more masks than fit into memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accelerate import Accelerator
from toys import toy

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.metrics import DICE, IOU, MAP_OF_IOU, weighted
from comp.contract.sample import Item, Sample
from comp.data.images.prepared import PreparedImages
from comp.data.location import DataSource
from comp.inference import predictions
from comp.inference.predictions import save_predictions
from comp.pipeline.ensemble import summarize, write_ensemble
from comp.pipeline.fold import _predict
from comp.pipeline.fold_context import FoldContext
from comp.pipeline.predict_files import TEST, write_files
from comp.pipeline.run_inputs import RunContext, RunInputs
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.runs.results import FoldResult
from comp.submission.rle import RleFormat, encode
from comp.tasks.segmentation import segmentation

SIDE = 192
MASK = SIDE * SIDE * 4
"""Bytes of a prediction."""


def mask_of(sample: Sample) -> np.ndarray:
    """uint8 (H, W, 1): a rectangle whose place follows from the id."""
    start = 10 + int(sample.id[1:]) % 60
    mask = np.zeros((SIDE, SIDE, 1), np.uint8)
    mask[start : start + 80, start : start + 60] = 1
    return mask


def predicted(samples: Sequence[Sample]) -> Iterator[tuple[Sample, np.ndarray]]:
    for sample in samples:
        yield sample, 0.2 + 0.4 * mask_of(sample).astype(np.float32)


def read(sample: Sample) -> Item:
    return {"image": np.zeros((SIDE, SIDE, 3), np.uint8), "target": mask_of(sample)}


def rows(sample: Sample, _prediction: np.ndarray, decision: np.ndarray) -> Mapping[str, Any]:
    return {"id": [sample.id], "runs": [encode(decision, RleFormat())]}


def masks(**fields: Any) -> Competition:
    return toy(
        segmentation(),
        metric=MAP_OF_IOU,
        rows=rows,
        rle_columns=("runs",),
        sample_submission=None,
        reader=lambda _samples, _config, _folder: read,
        **fields,
    )


def samples_of(letter: str, count: int) -> list[Sample]:
    target = Path("mask.png") if letter == "a" else None
    return [
        Sample(id=f"{letter}{i}", image=Path(f"{letter}{i}.png"), target=target)
        for i in range(count)
    ]


def peak_of(work: Any) -> int:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def join_folds(folder: Path, competition: Competition, count: int, skipped: int) -> None:
    """Save the predictions of two folds of `count` training images, and all that follows."""
    train, test = samples_of("a", count), samples_of("b", count)
    run = RunFolder(folder / "run")
    for fold in (0, 1):
        save_predictions(run.fold(fold) / "oof.safetensors", predicted(train[fold::2]))
        save_predictions(run.fold(fold) / "test.safetensors", predicted(test[skipped:]))
    run.reader_folder.mkdir(parents=True)
    (run.path / "run.json").write_text("{}")
    lost = {str(sample.image.absolute()): "damaged" for sample in test[:skipped]}
    inputs = RunInputs(
        competition=competition,
        config=RunConfig(competition="toy", folds=2),
        source=DataSource(folder, False),
        train=train,
        test=test,
        folds={sample.id: i % 2 for i, sample in enumerate(train)},
        folds_to_train=(0, 1),
        device="cpu",
        precision="fp32",
        images=PreparedImages(skipped=lost),
        external=(),
        weights_origin=None,
    )
    inputs.write_pointers(run)
    context = RunContext(
        inputs=inputs, folder=run, submission=folder / "sub.csv", reporter=Silent()
    )
    zeros = dict.fromkeys(FoldResult.__dataclass_fields__, 0)
    empty: dict[str, Any] = {"members": [], "importances": {}, "estimator": {}, "replanned": {}}
    results = [FoldResult(**zeros | {"fold": fold} | empty) for fold in (0, 1)]
    assert write_ensemble(context, results).n_rows == count
    assert summarize(context, results, count, 0.0).cv_score == 1
    files = folder / "files"
    save_predictions(files / TEST, predicted(test))
    written = write_files(files, competition, folder, test, test, (0.5, 0.0))
    assert (written["n_rows"], len(list((files / "images").iterdir()))) == (count, count)


def train_fold(folder: Path, competition: Competition, count: int) -> None:
    """Validate a fold, and predict with it."""
    context = FoldContext(
        competition=competition,
        config=RunConfig(competition="toy"),
        fold=0,
        train=(),
        held_out=samples_of("a", count),
        test=samples_of("b", count),
        reader=read,
        accelerator=Accelerator(cpu=True),
    )
    folder.mkdir(parents=True)
    assert context.validate(None) == 1  # type: ignore[arg-type]
    assert _predict(context, None, folder, Silent()) == 1  # type: ignore[arg-type]


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two masks fit into memory. The predictions of a fold are drawn."""
    for name in ("IN_MEMORY", "BLOCK"):
        monkeypatch.setattr(predictions, name, 2 * MASK)
    monkeypatch.setattr(FoldContext, "predict", lambda _s, _m, samples, _c=None: predicted(samples))


@pytest.mark.usefixtures("no_room")
@pytest.mark.parametrize(
    "metric", [MAP_OF_IOU, weighted("both", (DICE, 0.5), (IOU, 0.5))], ids=["one", "weighted"]
)
def test_memory_of_a_fold_does_not_grow_with_its_masks(tmp_path: Path, metric: Any) -> None:
    """Predictions of the held-out images were a list, and all files were made in memory."""
    competition = masks()
    object.__setattr__(competition, "metric", metric)
    small, large = (
        peak_of(partial(train_fold, tmp_path / str(count), competition, count)) for count in (8, 32)
    )
    assert large - small < MASK


@pytest.mark.usefixtures("no_room")
def test_memory_of_an_ensemble_does_not_grow_with_its_masks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Averages, decisions, scores and the submission need one mask at a time; two test images are
    left out."""
    monkeypatch.setattr("comp.tasks.mask_scores._draws", lambda *_: 10)
    competition = masks()
    small, large = (
        peak_of(partial(join_folds, tmp_path / str(count), competition, count, 2))
        for count in (8, 32)
    )
    assert large - small < MASK
