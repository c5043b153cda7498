"""Pseudo-labelled samples in the batches of a fold."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import toy

from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition
from comp.contract.sample import Item, Sample
from comp.contract.task import Task
from comp.data.augment import mask_pipeline
from comp.data.dataset import SampleSet
from comp.errors import ConfigError, DataError
from comp.inference.prediction_file import write_predictions
from comp.pipeline.pseudo_choice import choose
from comp.pipeline.pseudo_fold import FoldPseudo, fold_pseudo, learns_soft
from comp.pipeline.pseudo_labels import FoldLabels
from comp.pipeline.pseudo_source import check_labels
from comp.tasks.binary import binary
from comp.tasks.image_to_image import image_to_image
from comp.tasks.multiclass import multiclass
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression
from comp.tasks.segmentation import segmentation

SIDE = 16
UNLABELLED = [Sample(id="a/1", image=Path("a.png")), Sample(id="b", image=Path("b.png"))]


def config_of(**keys: Any) -> RunConfig:
    return resolve("toy", [{"pseudo": {"run": "earlier"}}, keys])


def labels_in(folder: Path, arrays: Mapping[str, np.ndarray]) -> FoldLabels:
    path = folder / "pseudo-0.safetensors"
    write_predictions(path, arrays.items())
    return FoldLabels((path,), tuple(arrays))


def read(sample: Sample) -> Item:
    """A grey image, and the mask of a labelled sample."""
    item = {"image": np.full((SIDE, SIDE, 3), 7, dtype=np.uint8)}
    if sample.target is not None:
        item["target"] = np.full((SIDE, SIDE, 1), 255, dtype=np.uint8)
    return item


def images_of(task: Task, folder: Path, side: int = SIDE, **keys: Any) -> FoldPseudo:
    array = np.full((side, side, task.outputs), 0.7, dtype=np.float32)
    labels = labels_in(folder, {sample.id: array for sample in UNLABELLED})
    return fold_pseudo(toy(task), config_of(**keys), labels, UNLABELLED)


@pytest.mark.parametrize(("labels", "value"), [("auto", 0.7), ("hard", 1.0)])
def test_masks_train_beside_files(tmp_path: Path, labels: str, value: float) -> None:
    """Through the augmentation of masks, and in the processes of a loader."""
    keys: dict[str, Any] = {"pseudo": {"labels": labels}}
    pseudo = images_of(segmentation(), tmp_path, **keys)
    reader = pickle.loads(pickle.dumps(pseudo.reader(read)))  # noqa: S301
    labelled = Sample(id="b", image=Path("b.png"), target=Path("b-mask.png"))
    pipeline = mask_pipeline(config_of(), True, SIDE)
    batches = SampleSet([labelled, *pseudo.learned], reader, pipeline, pseudo.encode)
    targets = [batches[index, 5]["target"] for index in range(3)]
    assert [str(target.dtype) for target in targets] == ["torch.float32"] * 3
    assert [target.shape for target in targets] == [(1, SIDE, SIDE)] * 3
    assert float(targets[0].max()) == 1
    for target in targets[1:]:
        assert float(target.max()) == pytest.approx(value)


def test_predicted_images_are_targets_of_8_bits(tmp_path: Path) -> None:
    pseudo = images_of(image_to_image(), tmp_path)
    item = pseudo.reader(read)(pseudo.learned[0])
    assert item["target"].dtype == np.uint8
    assert np.unique(pseudo.encode(item["target"])).tolist() == [178]


def test_a_label_of_another_size_is_refused(tmp_path: Path) -> None:
    pseudo = images_of(segmentation(), tmp_path, side=SIDE * 2)
    with pytest.raises(DataError, match=r"pseudo-label of a/1 has the shape .* same image.size"):
        pseudo.reader(read)(pseudo.samples[0])


def test_classes_have_hard_targets_for_all_code_and_soft_ones_for_the_loss(tmp_path: Path) -> None:
    labels = labels_in(tmp_path, {"b": np.array([0.25], dtype=np.float32)})
    keys: dict[str, Any] = {"pseudo": {"weight": 0.5}}
    pseudo = fold_pseudo(toy(binary(("no", "yes"))), config_of(**keys), labels, UNLABELLED)
    (sample,), (learned,) = pseudo.samples, pseudo.learned
    assert (sample.id, sample.target, sample.weight) == ("b", 0, 0.5)
    assert learned.target == (0.75, 0.25)
    assert pseudo.encode(np.array([1.0], dtype=np.float32)).tolist() == [0, 1]


def own_loss(*_: Any) -> Any:
    """The loss of a competition."""


@pytest.mark.parametrize(
    ("task", "keys", "soft"),
    [
        (binary(("a", "b")), {}, True),
        (binary(("a", "b")), {"loss": {"name": "arcface"}}, False),
        (binary(("a", "b")), {"model": ["gbdt"]}, False),
        (binary(("a", "b")), {"pseudo": {"labels": "hard"}}, False),
        (regression(), {"model": ["gbdt"]}, True),
        (ordinal(3), {"model": ["gbdt"]}, True),
        (segmentation(), {"loss": {"name": "lovasz"}}, True),
    ],
)
def test_who_learns_soft_labels(task: Task, keys: dict[str, Any], soft: bool) -> None:
    assert learns_soft(toy(task), config_of(**keys)) is soft


@pytest.mark.parametrize(
    ("competition", "keys", "message"),
    [
        (toy(binary(("a", "b")), loss=own_loss), {"labels": "soft"}, "competition's own loss"),
        (toy(segmentation()), {"confidence": 0.9}, "masks do not say how sure they are"),
        (toy(regression()), {"confidence": 0.9}, "a number do not say how sure they are"),
        (toy(Task(kind="x", losses=("a",), make_loss=own_loss)), {}, "its task has no pseudo"),
    ],
)
def test_settings_that_a_task_does_not_allow(
    competition: Competition, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_labels(competition, config_of(pseudo=keys))


def test_time_and_own_samplers_are_refused() -> None:
    with pytest.raises(ConfigError, match="scheme = time"):
        check_labels(toy(regression()), config_of(scheme="time"))
    with pytest.raises(ConfigError, match=r"loader\.sampler = own"):
        check_labels(toy(segmentation()), config_of(loader={"sampler": "own"}))


def test_sure_samples_without_relatives_are_chosen(tmp_path: Path) -> None:
    rows = {"a": [0.1, 0.8, 0.1], "b": [0.4, 0.3, 0.3], "c": [0.95, 0.05, 0.0]}
    labels = labels_in(tmp_path, {n: np.array(v, dtype=np.float32) for n, v in rows.items()})
    competition, config = toy(multiclass(("x", "y", "z"))), config_of(pseudo={"confidence": 0.7})
    candidates = [Sample(id=name) for name in rows]
    related = [frozenset[int](), frozenset[int](), frozenset({0})]
    seen: list[int] = []
    arguments = (competition, config, 0, labels.files, candidates)
    choice = choose(*arguments, related, 10, lambda: seen.append(1))
    assert choice.labels.ids == ("a",)
    assert dict(choice.record) == {
        "taken": 1,
        "related": 1,
        "unsure": 1,
        "left_out": 0,
        "shares": {"x": 0.0, "y": 1.0, "z": 0.0},
    }
    assert len(seen) == 2
    stricter = config_of(pseudo={"confidence": 0.99})
    with pytest.raises(ConfigError, match=r"leaves no sample in fold 0, where .* of 0\.8000"):
        choose(competition, stricter, *arguments[2:], related, 10, lambda: None)
    with pytest.raises(ConfigError, match="no sample can get a pseudo-label in fold 0"):
        choose(*arguments, [frozenset({0})] * 3, 10, lambda: None)
