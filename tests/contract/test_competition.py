"""The contract: every registered competition, over the data that its own draw_synthetic draws."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from comp.config.schema import RunConfig, keys, resolve
from comp.contract import registry
from comp.contract.competition import Competition, single_row
from comp.contract.metric import Pair
from comp.contract.sample import Reader, Sample
from comp.data.dataset import SampleSet, to_unit
from comp.data.folds import make_folds, split
from comp.data.images.decode import read_gray
from comp.data.images.prepare import make_reader
from comp.data.pipelines import pipeline_of
from comp.errors import DataError
from comp.inference import oof
from comp.inference.predict import predictor_of
from comp.submission.blank import check_rows
from comp.submission.rows import submission_rows
from comp.training.device import make_accelerator
from comp.training.losses import make_loss
from comp.training.mixing import make_mixer

SMALL = {
    "device": "cpu",
    "pretrained": False,
    "loader": {"batch_size": 2, "repeats": 1},
    "predict": {"batch_size": 2, "tta": "none"},
}
HEAVY = ("torch", "torchvision", "timm", "pandas", "sklearn", "kaggle", "numpy", "polars", "cv2")


@pytest.fixture(scope="module", params=registry.competitions())
def competition(request: pytest.FixtureRequest) -> Competition:
    return registry.get(request.param)


@pytest.fixture(scope="module")
def root(competition: Competition, drawn: Callable[[Competition], Path]) -> Path:
    return drawn(competition)


@pytest.fixture(scope="module")
def config(competition: Competition) -> RunConfig:
    layers = [competition.defaults, competition.synthetic_defaults, SMALL]
    return resolve(competition.name, layers, competition.options)


@pytest.fixture(scope="module")
def train(competition: Competition, root: Path) -> Sequence[Sample]:
    return competition.samples(root, "train")


@pytest.fixture(scope="module")
def unseen(competition: Competition, root: Path) -> Sequence[Sample]:
    return competition.samples(root, "test")


@pytest.fixture(scope="module")
def reader(
    competition: Competition,
    config: RunConfig,
    train: Sequence[Sample],
    unseen: Sequence[Sample],
    tmp_path_factory: pytest.TempPathFactory,
) -> Reader:
    if train[0].image is None:
        pytest.skip("a table, which tests/pipeline/test_members.py covers")
    kept = tmp_path_factory.mktemp("kept")
    return make_reader(competition, [*train, *unseen], config, kept)


def test_names_are_well_formed(competition: Competition):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", competition.name)
    assert competition.title.strip()
    assert re.fullmatch(r"competitions/[\w-]+|datasets/[\w-]+/[\w-]+", competition.kaggle)
    assert competition.task.outputs >= 1
    assert competition.task.losses
    assert competition.limits is None or competition.limits[0] < competition.limits[1]


def test_defaults_are_valid_and_options_are_described(competition: Competition):
    config = resolve(competition.name, [competition.defaults], competition.options)
    drawn = [competition.defaults, competition.synthetic_defaults]

    assert type(config.options) is competition.options
    assert not resolve(competition.name, drawn, competition.options).pretrained
    for name in keys(competition.options):
        assert competition.options.model_fields[name].description


def test_medals_rise_with_the_direction(competition: Competition):
    order = [m for m in ("gold", "silver", "bronze", "median") if m in competition.metric.medals]
    scores = [competition.metric.medals[medal] for medal in order]

    assert all(competition.metric.better(a, b) for a, b in pairwise(scores))


def test_layout_and_sample_submission_are_there(competition: Competition, root: Path):
    assert competition.layout
    for name in competition.layout:
        assert (root / name).exists()
    if competition.sample_submission is not None:
        assert (root / competition.sample_submission).is_file()


def test_sample_is_the_same_every_time(competition: Competition, root: Path, tmp_path: Path):
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))

    first, again = (
        {p.relative_to(place): p.read_bytes() for p in place.rglob("*") if p.is_file()}
        for place in (root, tmp_path)
    )
    assert first
    assert first == again


def test_ids_are_unique_in_a_split(train: Sequence[Sample], unseen: Sequence[Sample]):
    for samples in (train, unseen):
        ids = [sample.id for sample in samples]
        assert ids
        assert len(set(ids)) == len(ids)
        assert all(ids)


def test_training_samples_have_images_and_targets(train: Sequence[Sample]):
    for sample in train:
        assert sample.image.is_file() if sample.image else sample.features
        assert sample.target is not None
        assert not isinstance(sample.target, Path) or sample.target.is_file()


def test_test_samples_have_images_and_no_targets(unseen: Sequence[Sample]):
    for sample in unseen:
        assert sample.image.is_file() if sample.image else sample.features
        assert sample.target is None


def test_samples_come_in_the_same_order_every_time(
    competition: Competition, root: Path, train: Sequence[Sample], unseen: Sequence[Sample]
):
    assert competition.samples(root, "train") == train
    assert competition.samples(root, "test") == unseen


@pytest.mark.parametrize("name", ["train", "test"])
def test_empty_folder_is_refused_with_its_name(competition: Competition, tmp_path: Path, name: str):
    with pytest.raises(DataError, match=re.escape(str(tmp_path))):
        competition.samples(tmp_path, name)  # type: ignore[arg-type]


def test_groups_never_straddle_the_default_folds(
    competition: Competition, config: RunConfig, train: Sequence[Sample]
):
    folds = make_folds(train, config.folds, config.scheme, config.seed, competition.group)

    for fold in range(config.folds):
        kept, held_out = split(train, folds, fold, config.scheme)
        assert held_out
        groups = [{s.group for s in part if s.group is not None} for part in (kept, held_out)]
        assert not groups[0] & groups[1]


def test_groups_have_a_name_in_words(competition: Competition, train: Sequence[Sample]):
    assert all(s.group is None for s in train) or competition.group


def test_reader_returns_bytes_of_the_size_that_samples_say(
    competition: Competition,
    reader: Reader,
    train: Sequence[Sample],
    unseen: Sequence[Sample],
):
    for sample in [*train[:3], *unseen[:3]]:
        item = reader(sample)
        image = item["image"]
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert sample.size in (None, image.shape[:2])
        assert ("target" in item) == (sample.target is not None)
        if "target" in item:
            assert competition.task.check(sample.target) == ""
            encoded = competition.task.encode(item["target"])
            size = image.shape[:2] if competition.task.output == "image" else ()
            assert encoded.shape[: len(size)] == size
            assert encoded.dtype in (np.uint8, np.float32)
            problem = competition.task.check_image
            assert not (size and problem and problem(item["target"]))


def test_samples_know_the_size_of_their_image_or_none(
    competition: Competition, train: Sequence[Sample], unseen: Sequence[Sample]
):
    known = [sample for sample in [*train[:9], *unseen[:9]] if sample.size]
    assert all(read_gray(sample.image).shape == sample.size for sample in known)
    if competition.name == "denoising":  # millions of rows are checked without opening a page
        assert len(known) == len([*train[:9], *unseen[:9]])


def test_reader_survives_the_way_to_a_worker(reader: Reader, train: Sequence[Sample]):
    again = pickle.loads(pickle.dumps(reader))  # noqa: S301

    for name, value in reader(train[0]).items():
        np.testing.assert_array_equal(again(train[0])[name], value)


@pytest.mark.parametrize("training", [True, False])
def test_pipeline_keeps_image_and_target_together(
    competition: Competition,
    config: RunConfig,
    train: Sequence[Sample],
    reader: Reader,
    training: bool,
):
    pipeline = pipeline_of(competition, config, training)
    for sample in train[:4]:
        item = reader(sample)
        out = pipeline(item, 1)
        if out["target"].ndim == 3:
            assert out["image"].shape[:2] == out["target"].shape[:2]
        if competition.task.output == "image" and not training:
            assert out["image"].shape[:2] == item["image"].shape[:2]


def test_pipeline_without_training_draws_nothing(
    competition: Competition, config: RunConfig, train: Sequence[Sample], reader: Reader
):
    pipeline = competition.pipeline(config, False)
    dataset = SampleSet(train, reader, pipeline)

    assert torch.equal(dataset[0, 1]["image"], dataset[0, 2]["image"])


def test_pipeline_of_training_is_decided_by_its_seed(
    competition: Competition, config: RunConfig, train: Sequence[Sample], reader: Reader
):
    dataset = SampleSet(train, reader, competition.pipeline(config, True))

    draws = [dataset[0, 5], dataset[0, 6], dataset[0, 5]]

    assert torch.equal(draws[0]["image"], draws[2]["image"])
    assert torch.equal(draws[0]["target"], draws[2]["target"])


def test_pipeline_takes_a_test_sample_without_a_target(
    competition: Competition, config: RunConfig, unseen: Sequence[Sample], reader: Reader
):
    out = pipeline_of(competition, config, False)(reader(unseen[0]), 0)

    assert set(out) == {"image"}


def test_loss_of_a_batch_of_two_has_gradients(
    competition: Competition, config: RunConfig, train: Sequence[Sample], reader: Reader
):
    torch.manual_seed(0)
    encode = competition.task.encode
    dataset = SampleSet(train, reader, competition.pipeline(config, True), encode)
    items = [dataset[0, 1], dataset[1, 2]]
    images, targets = (
        to_unit(torch.stack([item[name] for item in items])) for name in ("image", "target")
    )
    model = competition.model(config)
    if competition.task.prepare:
        competition.task.prepare(model, train)
    images, targets, _ = make_mixer(competition, config)(images, targets)

    predictions = model(images)
    loss = make_loss(competition, config, train)(predictions, targets)
    loss.backward()

    assert competition.task.activation
    shape = competition.task.activation(predictions).shape
    assert shape[:2] == (2, competition.task.outputs)
    assert loss.shape == ()
    assert torch.isfinite(loss)
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(bool(torch.isfinite(g).all()) for g in gradients)
    assert any(bool(g.any()) for g in gradients)


def test_predictions_have_the_right_shape_and_keep_the_limits(
    competition: Competition, config: RunConfig, unseen: Sequence[Sample], reader: Reader
):
    torch.manual_seed(0)
    accelerator = make_accelerator(torch.device("cpu"), "fp32")
    predict = predictor_of(competition, config, competition.model(config), reader, accelerator)

    predictions = list(predict(unseen[:2]))

    assert [sample.id for sample, _ in predictions] == [sample.id for sample in unseen[:2]]
    for sample, values in predictions:
        assert values.shape == blank(competition, sample).shape
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        if competition.limits is not None:
            assert competition.limits[0] <= values.min() <= values.max() <= competition.limits[1]


def blank(competition: Competition, sample: Sample) -> np.ndarray:
    if competition.task.output == "numbers":
        return np.zeros(competition.task.outputs, np.float32)
    size = sample.size or read_gray(sample.image).shape
    return np.zeros((*size, competition.task.outputs), np.float32)


def test_rows_of_all_test_samples_are_those_of_the_sample_submission(
    competition: Competition, root: Path, unseen: Sequence[Sample]
):
    blanks = ((sample, blank(competition, sample)) for sample in unseen)
    parts = [dict(part) for part in submission_rows(competition, blanks)]
    rows = pl.concat([pl.DataFrame(part) for part in parts])

    if competition.sample_submission is None:
        assert rows.to_series(0).to_list() == [sample.id for sample in unseen]
        return
    expected = pl.read_csv(root / competition.sample_submission, infer_schema=False)
    assert rows.columns == expected.columns
    assert rows.to_series(0).cast(pl.String).equals(expected.to_series(0))
    check_rows(competition, root, unseen)


def truth(competition: Competition, target: np.ndarray) -> np.ndarray:
    """The prediction that is right: the target itself, or the shares of several classes."""
    outputs = competition.task.outputs
    if target.size == 1 and outputs > 1:
        return np.eye(outputs, dtype=np.float32)[int(target[0])]
    return target


def test_perfect_predictions_beat_wrong_ones(
    competition: Competition, train: Sequence[Sample], reader: Reader
):
    targets = [oof.read_target(competition.task, sample, reader) for sample in train]
    right = [truth(competition, target) for target in targets]

    perfect = oof.score(competition, [Pair(*pair) for pair in zip(targets, right, strict=True)])
    pairs = [Pair(target, 1 - values) for target, values in zip(targets, right, strict=True)]
    wrong = oof.score(competition, pairs)

    assert competition.metric.better(perfect, wrong)


def test_every_label_of_the_task_occurs_in_the_training_samples(
    competition: Competition, train: Sequence[Sample]
):
    names = [name for s in train for name in competition.task.label_names(s.target)]
    if not names:
        pytest.skip("no labels")
    assert set(names) == set(competition.task.labels)
    assert all(sample.stratum is None or sample.stratum in names for sample in train)


def test_answers_are_of_test_samples_that_do_not_know_them(
    competition: Competition, root: Path, unseen: Sequence[Sample]
):
    if competition.test_labels is None:
        pytest.skip("no labelled test data")
    test_labels = competition.test_labels(root)

    assert test_labels
    assert set(test_labels) <= {sample.id for sample in unseen}
    assert {competition.task.check(target) for target in test_labels.values()} == {""}
    assert all(sample.stratum is None for sample in unseen)


def test_default_rows_are_one_a_sample():
    rows = single_row(Sample(id="a", image=Path("a.png")), np.array([0.5], np.float32), np.ones(1))

    assert rows["id"] == ["a"]
    assert rows["prediction"].tolist() == [0.5]


def test_listing_competitions_imports_nothing_heavy():
    code = (
        "import sys; from comp.contract.registry import competitions; print(*competitions())\n"
        f"print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True
    )

    names, heavy = done.stdout.split("\n")[:2]
    assert set(names.split()) >= {"cats-dogs", "chest-xray", "denoising", "digits"}
    assert heavy == ""
