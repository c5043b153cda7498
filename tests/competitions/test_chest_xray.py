from __future__ import annotations

import os
import shutil
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from comp.config.schema import resolve
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.folds import make_folds
from comp.data.images.decode import read_gray
from comp.data.labelled_data import open_labelled
from comp.data.location import DataSource, find_root
from comp.errors import CompetitionError, DataError
from comp.pipeline.grade import grade
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.submission.template import submission_spec
from comp.submission.write import make_submission
from comp.workspace import Workspace
from competitions.chest_xray import CLASSES, COMPETITION, patient
from competitions.chest_xray.synthetic_radiographs import COUNTS
from tests.fakes.predicted import load_predictions


@pytest.fixture(scope="module")
def shots(drawn: Callable[[Competition], Path]) -> Path:
    return drawn(COMPETITION)


@pytest.fixture
def copy(shots: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shots, tmp_path / "data"))


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Empty files under the real kinds of names; reading samples opens no image."""
    for place in (
        "train/NORMAL/IM-0115-0001.jpeg",
        "train/NORMAL/NORMAL2-IM-0588-0001-0002.png",
        "train/PNEUMONIA/person1_bacteria_2.jpeg",
        "train/PNEUMONIA/scan.JPG",
        "val/NORMAL/IM-0115-0002.jpeg",
        "test/NORMAL/IM-0001-0001.jpeg",
        "test/PNEUMONIA/person1_virus_6.jpeg",
        "test/later/person9_virus_1.jpeg",
        "test/loose.jpeg",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("person123_bacteria_45.jpeg", "person123"),
        ("person447_virus_921_1.jpeg", "person447"),
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("IM-0429-0001-0001.jpeg", "IM-0429"),
        ("NORMAL2-IM-0588-0001.jpeg", "NORMAL2-IM-0588"),
        ("NORMAL2-IM-1277-0001-0002.jpeg", "NORMAL2-IM-1277"),
        ("scan.jpeg", None),
        ("my-IM-0115-0001.jpeg", None),
    ],
)
def test_the_patient_is_what_the_name_begins_with(name: str, expected: str | None) -> None:
    assert patient(Path("train/NORMAL") / name) == expected


def test_val_joins_training_and_names_become_samples(few: Path) -> None:
    samples = COMPETITION.samples(few, "train")
    assert [(s.id, s.target, s.group, s.stratum) for s in samples] == [
        ("train/NORMAL/IM-0115-0001.jpeg", 0.0, "IM-0115", "NORMAL"),
        ("train/NORMAL/NORMAL2-IM-0588-0001-0002.png", 0.0, "NORMAL2-IM-0588", "NORMAL"),
        ("train/PNEUMONIA/person1_bacteria_2.jpeg", 1.0, "person1", "PNEUMONIA"),
        ("train/PNEUMONIA/scan.JPG", 1.0, None, "PNEUMONIA"),
        ("val/NORMAL/IM-0115-0002.jpeg", 0.0, "IM-0115", "NORMAL"),
    ]
    shutil.rmtree(few / "val")
    assert len(COMPETITION.samples(few, "train")) == 4


def test_every_image_below_test_is_predicted_and_none_tells_its_class(few: Path) -> None:
    samples = COMPETITION.samples(few, "test")
    assert [(s.id, s.group) for s in samples] == [
        ("NORMAL/IM-0001-0001.jpeg", "IM-0001"),
        ("PNEUMONIA/person1_virus_6.jpeg", "person1"),
        ("later/person9_virus_1.jpeg", "person9"),
        ("loose.jpeg", None),
    ]
    assert {(s.target, s.stratum) for s in samples} == {(None, None)}


def test_answers_are_those_of_the_folders_of_classes(few: Path) -> None:
    assert COMPETITION.test_labels is not None
    (few / "test" / "later").rename(few / "test" / "__MACOSX")
    (few / "test" / "empty").mkdir()
    assert COMPETITION.test_labels(few) == {
        "NORMAL/IM-0001-0001.jpeg": 0.0,
        "PNEUMONIA/person1_virus_6.jpeg": 1.0,
    }


def test_test_images_in_a_folder_that_is_no_class_are_not_left_out_of_the_grade(few: Path) -> None:
    """comp grade scored the rest, and validation too."""
    assert COMPETITION.test_labels is not None
    with pytest.raises(CompetitionError, match=r"test has images in 'later', which is not one of"):
        COMPETITION.test_labels(few)
    with pytest.raises(CompetitionError, match="'later'"):
        open_labelled(COMPETITION, few, Workspace.at(few))
    shutil.copytree(few / "test", few / "more" / "radiographs")  # folders of classes alone
    with pytest.raises(CompetitionError, match="'later'"):
        open_labelled(COMPETITION, few / "more", Workspace.at(few))
    for name in CLASSES:
        shutil.rmtree(few / "test" / name)
    assert COMPETITION.test_labels(few) == {}  # nothing says that the folders are classes


@pytest.mark.parametrize("part", ["train", "val"])
def test_training_images_in_a_folder_that_is_no_class_are_refused(few: Path, part: str) -> None:
    """They did not train, and nothing said so."""
    (few / part / "VIRUS").mkdir()
    (few / part / "VIRUS" / "Thumbs.db").touch()
    assert len(COMPETITION.samples(few, "train")) == 5
    (few / part / "VIRUS" / "person2_virus_7.jpeg").touch()
    with pytest.raises(DataError, match=rf"{part} has images in 'VIRUS', which is not one of the"):
        COMPETITION.samples(few, "train")


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_without_images_is_named(few: Path, name: str) -> None:
    for path in (few / "train" / name).iterdir():
        path.rename(path.with_name(f"._{path.name}"))
    with pytest.raises(DataError) as caught:
        COMPETITION.samples(few, "train")
    assert str(caught.value).startswith(f"{few / 'train' / name} has no images")
    shutil.rmtree(few / "train" / name)
    with pytest.raises(DataError) as caught:
        COMPETITION.samples(few, "train")
    assert str(caught.value).startswith(f"{few / 'train' / name} does not exist")
    assert "\n" not in str(caught.value)


def test_no_test_images_is_a_data_error(few: Path) -> None:
    shutil.rmtree(few / "test")
    (few / "test").mkdir()
    with pytest.raises(DataError, match="no images to predict in"):
        COMPETITION.samples(few, "test")


def test_the_second_copy_and_the_litter_are_read_by_nobody(shots: Path, tmp_path: Path) -> None:
    litter = [p for p in shots.rglob("*") if p.name.startswith("._")]
    copies = [p for p in (shots / "chest_xray").rglob("*") if p.is_file()]
    assert litter
    assert copies
    samples = [s for split in ("train", "test") for s in COMPETITION.samples(shots, split)]
    assert len(samples) == sum(COUNTS.values())
    assert not {s.image for s in samples} & {*litter, *copies}
    shutil.copytree(shots, tmp_path / "archive" / "chest_xray")
    shutil.copytree(shots / "__MACOSX", tmp_path / "archive" / "__MACOSX")
    assert find_root(COMPETITION, tmp_path) == tmp_path / "archive" / "chest_xray"


@pytest.mark.parametrize(
    ("probability", "threshold", "printed", "label"),
    [
        (0.25, 0.5, "0.2500000", 0),
        (0.5, 0.5, "0.5000000", 1),
        (0.61234, 0.61234, "0.6123400", 1),
        (0.61233996, 0.61234, "0.6123400", 1),
        (0.6123398, 0.61234, "0.6123398", 0),
    ],
)
def test_labels_agree_with_the_printed_probabilities(
    tmp_path: Path, probability: float, threshold: float, printed: str, label: int
) -> None:
    sample = Sample(id="NORMAL/a.jpeg", image=Path("a.jpeg"))
    prediction = np.array([probability], np.float64)
    decision = COMPETITION.task.decision
    assert decision
    rows = COMPETITION.rows(sample, prediction, decision.apply(prediction, (threshold,)))
    path = tmp_path / "mine.csv"
    make_submission(path, [rows], submission_spec(COMPETITION, [sample.id]))
    expected = f"id,probability,label\nNORMAL/a.jpeg,{printed},{label}\n"
    assert path.read_text() == expected
    row = pl.read_csv(path).row(0, named=True)
    assert (row["probability"] >= threshold) == bool(row["label"])


def test_drawn_radiographs_are_of_all_the_kinds_that_are_served(shots: Path) -> None:
    samples = [s for split in ("train", "test") for s in COMPETITION.samples(shots, split)]
    images = [cv2.imread(str(s.image), cv2.IMREAD_UNCHANGED) for s in samples]
    sides = [side for image in images for side in image.shape[:2]]
    assert 150 <= min(sides) < 200
    assert 350 < max(sides) <= 400
    assert {image.ndim for image in images} == {2, 3}
    assert {s.image.suffix for s in samples} == {".jpeg", ".jpg", ".png"}
    train = COMPETITION.samples(shots, "train")
    assert len({s.group for s in train}) < len(train) / 2
    assert sum(s.target or 0 for s in train) == 94


def test_drawing_is_quick(tmp_path: Path) -> None:
    began = time.process_time()
    COMPETITION.draw_synthetic(tmp_path, np.random.default_rng(1))
    assert time.process_time() - began < 20


def test_drawn_classes_can_be_learnt_but_not_from_brightness(shots: Path) -> None:
    samples = COMPETITION.samples(shots, "train")
    truth = [int(s.target or 0) for s in samples]
    small = [
        cv2.resize(read_gray(s.image), (32, 32), interpolation=cv2.INTER_AREA) for s in samples
    ]
    bright = np.array([[image.mean(), image.std()] for image in small])
    lungs = np.array([_lungs(image) for image in small])
    assert _auc(bright, truth) < 0.75
    assert 0.7 < _auc(lungs, truth) < 0.995


def _lungs(image: np.ndarray) -> np.ndarray:
    """Sorted values where the lungs are, of an image with its light taken out."""
    middle = (image[4:28, 4:28].astype(np.float32) - image.mean()) / (image.std() + 1)
    return np.asarray(np.quantile(middle, np.linspace(0.02, 0.6, 8)))


def _auc(features: np.ndarray, truth: list[int]) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    found = cross_val_predict(model, features, truth, cv=5, method="predict_proba")[:, 1]
    return float(roc_auc_score(truth, found))


def test_defaults_are_pretrained_and_mirror(shots: Path) -> None:
    config = resolve(COMPETITION.name, [COMPETITION.defaults])
    assert config.backbone == "tf_mobilenetv3_small_100"
    assert config.pretrained
    assert (config.image.size, config.image.channels) == (224, 3)
    assert config.predict.tta == "hflip"


def real_names() -> list[PurePosixPath]:
    """Names of the images in the real data, below the folder of train and test."""
    place = Path(os.environ.get("COMP_CHEST_DATA", ""))
    if place.suffix == ".zip" and place.is_file():
        with zipfile.ZipFile(place) as archive:
            names = [PurePosixPath(name) for name in archive.namelist()]
    elif place.name and place.is_dir():
        names = [PurePosixPath(p.relative_to(place).as_posix()) for p in place.rglob("*.jpeg")]
    else:
        pytest.skip("COMP_CHEST_DATA names no data")
    images = [name for name in names if name.suffix == ".jpeg" and name.name[0] != "."]
    least = min(len(name.parts) for name in images)
    return [PurePosixPath(*name.parts[-3:]) for name in images if len(name.parts) == least]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_patient_of_the_real_data_stands_on_both_sides_of_a_fold(
    tmp_path: Path, seed: int
) -> None:
    for name in real_names():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    samples = COMPETITION.samples(tmp_path, "train")
    folds = make_folds(samples, 5, "auto", seed, COMPETITION.group)
    where: dict[Any, set[int]] = defaultdict(set)
    classes: dict[Any, set[Any]] = defaultdict(set)
    for sample in samples:
        prefix = sample.image.name.split("_")[0] if "person" in sample.id else None
        assert sample.group == prefix or (prefix is None and sample.group)
        where[sample.group].add(folds[sample.id])
        classes[sample.group].add(sample.stratum)
    assert len(where) > 2000
    assert [group for group, found in where.items() if len(found) > 1] == []
    assert [group for group, found in classes.items() if len(found) > 1] == []
    shares = [
        np.mean([sample.target or 0 for sample in samples if folds[sample.id] == fold])
        for fold in range(5)
    ]
    assert max(shares) - min(shares) < 0.02


def test_a_layout_without_val_is_found(few: Path) -> None:
    shutil.rmtree(few / "val")
    assert find_root(COMPETITION, few) == few


def quick_run(root: Path, place: Path) -> tuple[Workspace, RunSummary]:
    own = {
        "folds": 2,
        "max_steps": 3,
        "device": "cpu",
        "backbone": "test_resnet",
        "pretrained": False,
        "image": {"size": 32},
        "loader": {"batch_size": 8},
    }
    config = resolve(COMPETITION.name, [COMPETITION.defaults, own], COMPETITION.options)
    workspace = Workspace.at(place)
    return workspace, run(config, DataSource(root, True), workspace, Silent())


def test_labels_of_test_images_change_nothing_but_the_grade(copy: Path, tmp_path: Path) -> None:
    first, before = quick_run(copy, tmp_path / "before")
    graded = grade(before.run_id, first)
    other = tmp_path / "other"
    (copy / "test" / "NORMAL").rename(other)
    (copy / "test" / "PNEUMONIA").rename(copy / "test" / "NORMAL")
    other.rename(copy / "test" / "PNEUMONIA")
    second, after = quick_run(copy, tmp_path / "after")

    for name in (
        "folds.csv",
        "fold-0/model.safetensors",
        "fold-1/model.safetensors",
        "fold-0/oof.safetensors",
        "oof.safetensors",
        "scores.json",
    ):
        assert (before.run_dir / name).read_bytes() == (after.run_dir / name).read_bytes(), name
    assert after.threshold == before.threshold
    now, then = (
        {
            i.split("/")[1]: values
            for i, values in load_predictions(made.run_dir / "test.safetensors").items()
        }
        for made in (after, before)
    )
    assert now.keys() == then.keys()
    assert all(np.allclose(now[name], then[name], atol=1e-6) for name in then)
    assert graded.value is not None
    assert grade(after.run_id, second).value == pytest.approx(1 - graded.value, abs=1e-6)
    assert graded.value != 0.5
