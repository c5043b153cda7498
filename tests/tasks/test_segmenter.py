"""The builder of segmentations, and whole runs of a plugin made with it."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.metric import Pair
from comp.contract.metrics import DICE
from comp.data.dataset import SampleSet
from comp.data.folds import folds_of
from comp.data.images.decode import read_gray, write_image
from comp.data.images.masks import read_mask
from comp.data.images.prepare import make_reader
from comp.data.location import DataSource
from comp.errors import CompError
from comp.inference.oof import read_target
from comp.pipeline.grade import grade
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.submission.blank import check_rows
from comp.submission.rle import RleFormat, decode
from comp.tasks.mask_decision import decide_masks
from comp.tasks.segmentation import segmentation
from comp.tasks.segmenter import DEFAULTS, SYNTHETIC_DEFAULTS, segmenter
from comp.workspace import Workspace
from tests.fakes.predicted import load_predictions

CELLS = """
from comp.contract.metrics import MAP_OF_IOU
from comp.tasks.segmenter import segmenter

COMPETITION = segmenter(
    name="cells",
    title="Cell Nuclei",
    kaggle="competitions/cell-nuclei",
    classes=("nucleus",),
    metric=MAP_OF_IOU,
    images="pictures",
    masks="masks",
    test_images="test",
    rle_column="EncodedPixels",
)
"""
TINY = {"folds": 2, "max_steps": 12, "validations": 1, "device": "cpu"}


def registered(monkeypatch: pytest.MonkeyPatch, source: str = CELLS) -> Competition:
    space: dict[str, Any] = {}
    exec(source, space)
    competition: Competition = space["COMPETITION"]
    monkeypatch.setattr(registry, "competitions", lambda: {competition.name: competition})
    return competition


def settings(competition: Competition, *layers: dict[str, Any]) -> RunConfig:
    return resolve(
        competition.name, [competition.defaults, competition.synthetic_defaults, TINY, *layers]
    )


def run_on(root: Path, competition: Competition, folder: Path) -> RunSummary:
    config = settings(competition)
    return run(config, DataSource(root, False), Workspace.at(folder), Silent())


def shorten(root: Path) -> None:
    """Keep 24 training images."""
    pl.read_csv(root / "train.csv", infer_schema=False).head(24).write_csv(root / "train.csv")


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Competition, Path]:
    """Cells whose masks have the values 0 and 1, with 24 training images."""
    competition, root = registered(monkeypatch), tmp_path / "data"
    competition.draw_synthetic(root, np.random.default_rng(0))
    shorten(root)
    for path in (root / "masks").iterdir():
        write_image(path, read_mask(path)[..., 0] // 255)
    return competition, root


def iou_precision(target: np.ndarray, decided: np.ndarray) -> float:
    """The formula of the competition, written for one pair of masks."""
    target, decided = target > 0, decided > 0
    if not target.any():
        return float(not decided.any())
    iou = (target & decided).sum() / (target | decided).sum()
    return float(np.mean([iou > t for t in np.arange(0.5, 1, 0.05)]))


def test_a_run_is_scored_and_submitted_by_the_decisions_of_its_masks(
    drawn: tuple[Competition, Path], tmp_path: Path
) -> None:
    """Masks of 0 and 1: the score was 1.0 and every submitted mask was empty."""
    assert CELLS.strip().count("\n") < 25
    competition, root = drawn
    object.__setattr__(competition, "test_labels", known_masks)
    summary = run_on(root, competition, tmp_path)
    saved = json.loads((summary.run_dir / "scores.json").read_text())
    folds = dict(pl.read_csv(summary.run_dir / "folds.csv")["id", "fold"].iter_rows())
    by_fold: dict[int, list[float]] = {0: [], 1: []}
    for fold, scores in by_fold.items():
        params = tuple(saved["decision"]["by_fold"][str(fold)])
        oof = load_predictions(summary.run_dir / f"fold-{fold}" / "oof.safetensors")
        assert set(oof) == {name for name, held_out in folds.items() if held_out == fold}
        for name, chances in oof.items():
            mask = read_mask(root / "masks" / f"{name}.png")[..., 0]
            scores.append(iou_precision(mask, decide_masks(chances, params)[..., 0]))
        assert saved["fold_scores"][str(fold)] == pytest.approx(np.mean(scores))
    assert saved["cv_score"] == pytest.approx(np.mean(by_fold[0] + by_fold[1]))
    assert saved["cv_score"] < 1

    parts = [load_predictions(summary.run_dir / f"fold-{i}" / "test.safetensors") for i in (0, 1)]
    rows = pl.read_csv(summary.submission, infer_schema=False)
    assert rows.columns == ["id", "EncodedPixels"]
    assert rows["id"].to_list() == sorted(parts[0])
    answers, pairs = known_masks(root), []
    for name, cell in rows.iter_rows():
        mean = (parts[0][name].astype(float) + parts[1][name]) / 2
        decided = decide_masks(mean.astype(np.float32), tuple(saved["decision"]["params"]))
        submitted = pixels_of(cell, decided.shape[:2])
        assert np.array_equal(submitted, decided[..., 0])
        pairs.append((read_mask(answers[name])[..., 0], submitted))
    assert any(submitted.any() for _, submitted in pairs)
    expected = np.mean([iou_precision(*pair) for pair in pairs])
    assert 0 < expected < 1
    planes = [(target[..., None] > 0, mask[..., None]) for target, mask in pairs]
    assert competition.metric.score(planes) == pytest.approx(expected)
    assert grade(summary.run_id, Workspace.at(tmp_path)).value == pytest.approx(expected)


def known_masks(root: Path) -> dict[str, Path]:
    """Masks of the test images, which the run does not know: their bright pixels."""
    folder = root / "answers"
    if not folder.is_dir():
        for path in (root / "test").iterdir():
            write_image(folder / path.name, (read_gray(path) > 130).astype(np.uint8))
    return {path.stem: path for path in folder.iterdir()}


def pixels_of(cell: str | None, size: tuple[int, int]) -> np.ndarray:
    """A mask from run lengths by their definition: pixel by pixel, down the columns, from 1."""
    mask = np.zeros(size, np.uint8)
    numbers = [int(number) for number in (cell or "").split()]
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        for pixel in range(start - 1, start - 1 + length):
            mask[pixel % size[0], pixel // size[0]] = 1
    return mask


def test_masks_of_0_and_255_give_the_same_targets_and_folds(
    drawn: tuple[Competition, Path], tmp_path: Path
) -> None:
    """What the loss and the metric see, and how the samples are split."""
    competition, root = drawn
    seen = []
    for factor in (1, 255):
        for path in (root / "masks").iterdir():
            write_image(path, (read_mask(path)[..., 0] > 0).astype(np.uint8) * factor)
        train = competition.samples(root, "train")
        config = settings(competition)
        reader = make_reader(competition, train, config, tmp_path)
        pipeline, encode = competition.pipeline(config, True), competition.task.encode
        dataset = SampleSet(train, reader, pipeline, encode)
        batches = [dataset[i, 7] for i in range(len(train))]
        scored = [read_target(competition.task, sample, reader) for sample in train]
        seen.append((batches, scored, folds_of(config, competition, train)))
    (first, truth, folds), (second, other_truth, other_folds) = seen
    assert folds == other_folds
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one["target"], other["target"])
        assert torch.equal(one["image"], other["image"])
    assert {float(value) for batch in first for value in batch["target"].unique()} == {0, 1}
    assert all(np.array_equal(a, b) for a, b in zip(truth, other_truth, strict=True))
    assert {value for mask in truth for value in np.unique(mask)} == {0, 1}


def test_a_mask_with_stray_values_stops_a_run_before_training(
    drawn: tuple[Competition, Path], tmp_path: Path
) -> None:
    competition, root = drawn
    write_image(root / "masks" / "train003.png", np.eye(101, dtype=np.uint8) * 7)
    with pytest.raises(CompError, match=r"train003.png has the values 0, 7, but a mask"):
        run_on(root, competition, tmp_path)
    assert not list(tmp_path.glob("runs/*/*/fold-*"))


SEVERAL = """
from comp.tasks.segmentation import segmentation
from comp.tasks.segmenter import segmenter

COMPETITION = segmenter(
    name="city",
    title="City",
    kaggle="competitions/city",
    task=segmentation(("background", "car", "road"), exclusive=True),
    submit=("car", "road"),
    class_column="class",
    rle_column="rle",
)
"""


def test_exclusive_classes_are_submitted_without_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition, root = registered(monkeypatch, SEVERAL), tmp_path / "data"
    competition.draw_synthetic(root, np.random.default_rng(0))
    shorten(root)
    summary = run_on(root, competition, tmp_path)
    rows = pl.read_csv(summary.submission, infer_schema=False)
    assert rows.columns == ["id", "class", "rle"]
    assert rows["class"].to_list() == ["car", "road"] * 12
    masks = [decode(cell, (101, 101), RleFormat()) for cell in rows["rle"]]
    assert all(
        car.sum() * road.sum() == 0 or not (car & road).any()
        for car, road in zip(masks[::2], masks[1::2], strict=True)
    )
    assert np.any(masks)


def test_fields_and_defaults_override_those_of_a_segmentation() -> None:
    competition = segmenter(
        name="a", title="A", kaggle="competitions/a", decimals=3, defaults={"optim": {"lr": 0.5}}
    )
    assert competition.metric is DICE
    assert competition.decimals == 3
    assert competition.defaults["optim"] == {**DEFAULTS["optim"], "lr": 0.5}
    assert competition.synthetic_defaults == SYNTHETIC_DEFAULTS
    assert competition.layout == ("train.csv", "train/images", "train/masks", "test/images")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"submit": ("dog",)}, "name labels of the task .mask."),
        ({"submit": ()}, "name labels of the task"),
        ({"classes": ("a", "a")}, "give one or more different names"),
        *(
            ({"submit_size": size}, r"submit_size = .*: give .height, width. in pixels")
            for size in (350, (350,), (0, 525), (350, -1), (350.0, 525), (True, 525), "ab", ())
        ),
        ({"submit_size": (350, 525), "rows": dict}, "submit_size does not change rows of your own"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(arguments: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        segmenter(name="a", title="A", kaggle="competitions/a", **arguments)


@pytest.mark.parametrize("masks", ["masks", None])
@pytest.mark.parametrize("size", [(33, 50), [150, 40]])
def test_masks_of_another_size_are_submitted_and_trained_at_that_of_the_images(
    tmp_path: Path, masks: str | None, size: Any
) -> None:
    """Runs of whole masks left the masks that Kaggle scores."""
    fields: dict[str, Any] = {"name": "a", "title": "A", "kaggle": "competitions/a", "masks": masks}
    made = {"whole": segmenter(**fields), "other": segmenter(**fields, submit_size=size)}
    for name, competition in made.items():
        competition.draw_synthetic(tmp_path / name, np.random.default_rng(0))
    for file in ("train.csv", "sample_submission.csv"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()
    competition, root = pickle.loads(pickle.dumps(made["other"])), tmp_path / "other"  # noqa: S301
    train, test = (competition.samples(root, split) for split in ("train", "test"))
    reader = make_reader(competition, train, settings(competition), tmp_path)
    targets = [reader(sample)["target"] for sample in train[:4]]
    assert {target.shape for target in targets} == {(101, 101, 1)}
    check_rows(competition, root, test)
    decided = (targets[1] > 0).astype(np.float32)
    (cell,) = competition.rows(test[0], decided, decided)["rle_mask"]
    share = decode(cell, tuple(size), RleFormat()).mean()
    assert 0 < share == pytest.approx(decided.mean(), abs=0.02)


def test_an_unknown_argument_suggests_the_right_one() -> None:
    with pytest.raises(TypeError, match=r"has no argument 'make_sample': did you mean 'draw_syn"):
        segmenter(name="a", title="A", kaggle="competitions/a", make_sample=None)


def test_a_plugin_imports_no_heavy_library() -> None:
    heavy = {"torch", "timm", "numpy", "polars", "pandas", "sklearn", "cv2", "albumentations"}
    for source in (CELLS, SEVERAL):
        code = f"import sys\n{source}\nprint(*sorted(set(sys.modules) & {heavy!r}))"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True
        )
        assert done.stdout.strip() == ""


def test_the_threshold_of_jpeg_masks_is_that_of_the_task() -> None:
    competition = segmenter(
        name="a", title="A", kaggle="competitions/a", task=segmentation(threshold=127)
    )
    assert competition.task.encode(np.array([[3, 250]])).ravel().tolist() == [0, 1]


def test_the_metric_sees_the_submitted_classes_alone() -> None:
    """A background of 98 % made a Dice of 0.38 of cells that were found with 0.01."""
    task = segmentation(("background", "cell"), exclusive=True)
    fields = {"name": "a", "title": "A", "kaggle": "competitions/a", "task": task}
    competition = segmenter(**fields, submit=("cell",), metric="dice")
    target = np.zeros((10, 10, 2), np.float32)
    target[..., 0] = 1
    target[0, :2] = (0, 1)
    background = np.zeros_like(target)
    background[..., 0] = 1
    metric = pickle.loads(pickle.dumps(competition.metric))  # noqa: S301
    assert metric.score(iter([(target, background)])) == 0
    assert metric.score([(target, target)]) == 1
    assert (metric.name, metric.takes) == (DICE.name, DICE.takes)
    scores = pickle.loads(pickle.dumps(competition.task)).scores  # noqa: S301
    [table] = scores([Pair(target, background, "a"), Pair(target, target, "b")], (), 0)
    assert (table.estimates["dice"].value, table.n, table.positives) == (0.5, 2, 2)
    assert segmenter(**fields, submit=("cell", "background")).metric is DICE
