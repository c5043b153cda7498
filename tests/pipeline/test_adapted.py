"""A run whose test images have another brightness and contrast than its training images."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from toys import toy

from comp.config.nesting import merge
from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.data.location import DataSource
from comp.errors import ConfigError, DataError
from comp.inference.predictions import Predictions
from comp.pipeline.adapted import check_models, check_networks, unadapted_file
from comp.pipeline.predict import predict
from comp.pipeline.predict_report import check_keys
from comp.pipeline.resume import resume
from comp.pipeline.reweighted import check_shares
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.tasks.classification import classifier
from comp.tasks.multilabel import multilabel
from comp.workspace import Workspace

TRAIN, TEST = 48, 40
ADAPT = {"predict": {"adapt": "batchnorm"}}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Sums over threads differ in their last bits with the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def label_of(index: int) -> float:
    """Three of four samples are of class 1."""
    return float(index % 4 > 0)


def samples(root: Path, split: Split) -> Sequence[Sample]:
    files = sorted((root / split).glob("*.png"))
    labels = [label_of(int(file.stem)) if split == "train" else None for file in files]
    return [Sample(id=f.stem, image=f, target=t) for f, t in zip(files, labels, strict=True)]


def draw(root: Path, rng: np.random.Generator) -> None:
    """Stripes, across or along; those of the test are darker and faint."""
    for split, count, contrast, light in (("train", TRAIN, 90, 128), ("test", TEST, 9, 40)):
        (root / split).mkdir(parents=True)
        for index in range(count):
            wave = np.sin(np.arange(32) * rng.uniform(0.8, 1.2) + rng.uniform(0, 6))
            stripes = np.tile(wave, (32, 1))
            stripes = stripes.T if label_of(index) else stripes
            noisy = light + contrast * (stripes + rng.normal(0, 0.2, stripes.shape))
            image = np.clip(noisy, 0, 255).astype(np.uint8)
            cv2.imwrite(str(root / split / f"{index:03}.png"), image)


COMPETITION = classifier(
    name="stripes",
    title="Stripes",
    kaggle="competitions/stripes",
    classes=("along", "across"),
    metric="accuracy",
    samples=samples,
    sample_submission=None,
    draw_synthetic=draw,
)


@pytest.fixture(autouse=True, scope="module")
def known() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"stripes": COMPETITION})
        yield


def config(*layers: dict[str, Any]) -> RunConfig:
    tiny = {
        "folds": 2,
        "max_steps": 50,
        "validations": 1,
        "device": "cpu",
        "image": {"size": 32, "channels": 1},
        "loader": {"batch_size": 16, "augment": False},
        "optim": {"lr": 3e-3},
    }
    own = [COMPETITION.defaults, COMPETITION.synthetic_defaults, tiny]
    return resolve("stripes", [*own, *layers])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    draw(folder, np.random.default_rng(0))
    return folder


@pytest.fixture(scope="module")
def made(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, RunSummary]:
    """A run without adaptation, and its workspace."""
    workspace = Workspace.at(tmp_path_factory.mktemp("workspace"))
    return workspace, run(config(), DataSource(data, False), workspace, Silent())


@pytest.fixture(scope="module")
def adapted(data: Path, made: tuple[Workspace, RunSummary]) -> RunSummary:
    """The same run with adaptation, class shares and two copies of each image."""
    workspace, _ = made
    layer = {"predict": {"adapt": "batchnorm", "shares": "em", "tta": "hflip"}}
    return run(config(layer), DataSource(data, False), workspace, Silent())


def accuracy(file: Path) -> float:
    hits = [
        (float(values[0]) >= 0.5) == bool(label_of(int(name)))
        for name, values in Predictions(file).items()
    ]
    return float(np.mean(hits))


def test_adapted_predictions_of_a_finished_run_are_better(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = made
    steps: list[tuple[int, int, int]] = []
    found = predict(
        summary.run_id,
        workspace,
        out=tmp_path,
        settings=ADAPT,
        on_prediction=lambda *step: steps.append(step),
    )
    assert summary.cv_score > 0.9
    before, after = (
        accuracy(summary.run_dir / "test.safetensors"),
        accuracy(tmp_path / "test.safetensors"),
    )
    assert before < 0.85
    assert after > before + 0.1
    plain = unadapted_file(tmp_path / "test.safetensors").read_bytes()
    assert plain == (summary.run_dir / "test.safetensors").read_bytes()
    record = json.loads((tmp_path / "prediction.json").read_text())
    first, second = record["classes"]["steps"]
    assert (first["what"], second["what"]) == ("as trained", "adapted")
    assert second["changed"] == record["adaptation"]["changed"] > 0
    assert record["adaptation"]["shift"] > 0.2
    assert record["adaptation"]["reference"] == TRAIN // 2
    assert [step[0] for step in steps] == sorted(step[0] for step in steps)
    assert steps[-1] == (1, 2 * TEST + TEST + TRAIN // 2, 2 * TEST + TEST + TRAIN // 2)
    assert found.submission


def test_none_is_the_submission_of_the_run_to_the_byte(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = made
    keys = {"predict": {"adapt": None, "shares": None}}
    found = predict(summary.run_id, workspace, out=tmp_path, settings=keys)
    assert found.submission
    assert found.submission.read_bytes() == summary.submission.read_bytes()
    assert not list(tmp_path.glob("*unadapted*"))
    assert (found.adaptation, found.classes) == ({}, {})


def test_a_run_records_what_was_adapted_and_scores_what_was_not(
    made: tuple[Workspace, RunSummary], adapted: RunSummary
) -> None:
    _, summary = made
    assert (adapted.run_dir / "oof.safetensors").is_file()
    record = json.loads((adapted.run_dir / "run.json").read_text())
    assert record["adaptation"] == adapted.adaptation
    assert record["adaptation"]["images"] == TEST
    steps = adapted.test_classes["steps"]
    assert [step["what"] for step in steps][:2] == ["as trained", "adapted"]
    assert steps[1]["changed"] == record["adaptation"]["changed"] > 0
    assert abs(steps[1]["shares"][1] - 0.75) < abs(steps[0]["shares"][1] - 0.75)
    assert set(record["test_classes"]["estimate"]) > {"applied", "test", "deviation"}
    plain = json.loads((summary.run_dir / "run.json").read_text())
    assert "adaptation" not in plain
    assert plain["test_classes"]["steps"][0]["changed"] == 0


def test_an_adapted_run_goes_back_without_training(
    made: tuple[Workspace, RunSummary], adapted: RunSummary, tmp_path: Path
) -> None:
    workspace, summary = made
    keys = {"predict": {"adapt": None, "shares": None, "tta": None}}
    back = predict(adapted.run_id, workspace, out=tmp_path / "a", settings=keys)
    plain = predict(summary.run_id, workspace, out=tmp_path / "b", settings=keys)
    same = predict(adapted.run_id, workspace, out=tmp_path / "c")
    assert (back.out / "test.safetensors").read_bytes() == (
        plain.out / "test.safetensors"
    ).read_bytes()
    assert (same.out / "test.safetensors").read_bytes() == (
        adapted.run_dir / "test.safetensors"
    ).read_bytes()
    assert same.classes["estimate"] == adapted.test_classes["estimate"]


def test_a_resumed_run_adapts_to_the_same_bytes(
    made: tuple[Workspace, RunSummary], adapted: RunSummary
) -> None:
    workspace, _ = made
    folder = RunFolder(adapted.run_dir)
    before = (adapted.run_dir / "test.safetensors").read_bytes()
    submission = adapted.submission.read_bytes()
    (adapted.run_dir / "test.safetensors").unlink()
    (adapted.run_dir / "fold-1" / "meta.json").unlink()
    folder.update_record(state="interrupted")
    again = resume(folder, workspace, Silent())
    assert (adapted.run_dir / "test.safetensors").read_bytes() == before
    assert again.submission.read_bytes() == submission


def test_few_images_are_refused_before_they_are_decoded(
    made: tuple[Workspace, RunSummary], data: Path, tmp_path: Path
) -> None:
    workspace, summary = made
    out = tmp_path / "out"
    image = data / "test" / "000.png"
    with pytest.raises(ConfigError, match=r"needs 32 or more images .* but 1 image is given"):
        predict(summary.run_id, workspace, data=image, out=out, settings=ADAPT)
    assert not out.exists()


def test_training_images_that_are_gone_are_named(
    made: tuple[Workspace, RunSummary], data: Path, tmp_path: Path
) -> None:
    workspace, summary = made
    hidden = data / "train" / "hidden"
    hidden.mkdir()
    moved = (data / "train" / "000.png").rename(hidden / "000.png")
    try:
        with pytest.raises(DataError, match="has changed since run"):
            predict(summary.run_id, workspace, out=tmp_path / "out", settings=ADAPT)
    finally:
        moved.rename(data / "train" / "000.png")
        hidden.rmdir()


def test_what_cannot_be_adapted_is_refused() -> None:
    estimator = config(ADAPT).model_copy(update={"model": ["network", "gbdt"]})
    with pytest.raises(ConfigError, match="is for networks of images, but model = network, gbdt"):
        check_models(estimator, 100)
    without = {"network": torch.nn.Sequential(torch.nn.LayerNorm(3))}
    many = [Sample(id=str(index)) for index in range(40)]
    with pytest.raises(ConfigError, match="test_resnet has no BatchNorm"):
        check_networks(config(ADAPT), without, many)
    check_networks(config(), without, [])


def test_shares_need_exclusive_classes_and_samples() -> None:
    asked = config({"predict": {"shares": "em"}})
    several: Competition = toy(multilabel(["a", "b"]))
    with pytest.raises(ConfigError, match="needs classes that exclude each other, but toy predi"):
        check_shares(several, asked, 100)
    with pytest.raises(ConfigError, match="needs 32 or more test samples, but 31 are given"):
        check_shares(COMPETITION, asked, 31)
    check_shares(several, config(), 1)


def test_keys_of_the_training_are_refused() -> None:
    check_keys(merge(ADAPT, {"device": "cpu"}))
    with pytest.raises(ConfigError, match="it cannot change optim: set keys of predict"):
        check_keys({"optim": {"lr": 1}})


def test_each_seed_is_adapted(data: Path, tmp_path: Path) -> None:
    workspace, layer = Workspace.at(tmp_path), {"seeds": 2, "max_steps": 4}
    summary = run(config(ADAPT, layer), DataSource(data, False), workspace, Silent(), only=[0])
    fold = summary.run_dir / "fold-0"
    for name in ("test.safetensors", "test-unadapted.safetensors"):
        parts = [Predictions(fold / f"seed-{number}" / name) for number in (0, 1)]
        for key, values in Predictions(fold / name).items():
            pair = np.stack([part[key] for part in parts]).astype(np.float64)
            np.testing.assert_array_equal(values, pair.mean(axis=0).astype(np.float32))
    shifts = [json.loads((fold / f"seed-{n}/adaptation.json").read_text())["shift"] for n in (0, 1)]
    assert summary.adaptation["shift"] == pytest.approx(np.mean(shifts))
    predict(summary.run_id, workspace, out=tmp_path / "again")
    for name in ("test.safetensors", "test-unadapted.safetensors"):
        again, before = Predictions(tmp_path / "again" / name), Predictions(fold / name)
        assert dict(again).keys() == dict(before).keys()
        for key, values in before.items():
            np.testing.assert_allclose(again[key], values, atol=1e-6)
