"""Runs on cached features: the same as without a cache, and refused where they cannot be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import timm
import torch
from torch.utils.data import default_collate
from whole_run import WholeRun, competition_of, tiny_config, whole_run

from comp.config.augment import AugmentConfig
from comp.config.features import FeaturesConfig
from comp.config.schema import RunConfig, resolve
from comp.config.sections import LoaderConfig
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.images.prepared import PreparedImages
from comp.data.location import DataSource
from comp.errors import ConfigError, RunError
from comp.features import prepare, store, time_limit
from comp.features.compute import ahead
from comp.features.prepare import prepare_features
from comp.features.samples import trained_copies
from comp.inference.predictions import Predictions
from comp.models.classifier import Classifier
from comp.pipeline.fold import fit_fold
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.pipeline.predict import predict
from comp.pipeline.run import run
from comp.pipeline.run_inputs import prepare_run, scratch_run
from comp.pipeline.verify_resume import verify
from comp.runs.progress import Silent
from comp.training.checkpoint import load_weights
from comp.workspace import Workspace

PLUGIN = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    classes=("cat", "dog"), name="pets", title="Pets", kaggle="competitions/pets", metric="auc"
)
"""
STILL = {"loader": {"augment": False, "batch_size": 8}, "predict": {"tta": "none"}}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def pets(monkeypatch: pytest.MonkeyPatch) -> Competition:
    return competition_of(PLUGIN, monkeypatch)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Weights that are pretrained as far as a run can know, by backbone."""
    folder, files = tmp_path_factory.mktemp("weights"), {}
    torch.manual_seed(5)
    for name in ("test_efficientnet", "test_vit"):
        files[name] = folder / f"{name}.pth"
        torch.save(timm.create_model(name).state_dict(), files[name])
    return files


def frozen(weights: Mapping[str, Path], backbone: str = "test_efficientnet") -> dict[str, Any]:
    return {
        "backbone": backbone,
        "weights": str(weights[backbone]),
        "freeze": "all",
        "image": {"size": 64 if backbone == "test_vit" else 32},
    }


def values_of(file: Path) -> np.ndarray:
    predictions = Predictions(file)
    return np.array([predictions[name] for name in sorted(predictions)])


@dataclass(frozen=True)
class OneFold:
    """The held-out predictions (N, 1) and the loss of a fold, and its cache of features."""

    oof: np.ndarray
    loss: float
    cache: Path | None


def one_fold(pets: Competition, data: Path, *layers: Mapping[str, Any]) -> OneFold:
    """Train the first of two folds."""
    config = tiny_config(pets, *layers)
    source, workspace = DataSource(data, False), Workspace.at(data.parent)
    inputs = prepare_run(config, source, workspace, [0], Silent())
    with scratch_run(inputs) as folder:
        result = fit_fold(config, 0, data, folder.path)
        return OneFold(
            values_of(folder.fold(0) / "oof.safetensors"), result.loss, inputs.features.cache
        )


@pytest.mark.parametrize(
    ("backbone", "layer"),
    [
        ("test_efficientnet", {}),
        ("test_efficientnet", {"freeze": 3, "features": {"cache": True}, "dropout": 0.3}),
        ("test_vit", {"freeze": 2, "features": {"cache": True}}),
    ],
)
def test_a_fold_from_the_cache_is_the_fold_without_it(
    backbone: str,
    layer: dict[str, Any],
    pets: Competition,
    weights: Mapping[str, Path],
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    pets.draw_synthetic(data, np.random.default_rng(0))
    layers = [frozen(weights, backbone), STILL, layer]
    cached, uncached = (
        one_fold(pets, data, *layers, *more) for more in ([], [{"features": {"cache": False}}])
    )
    assert cached.cache
    assert not uncached.cache
    half = "freeze" in layer  # features in float16
    np.testing.assert_allclose(cached.oof, uncached.oof, rtol=5e-3 if half else 1e-5)
    assert cached.loss == pytest.approx(uncached.loss, rel=1e-3 if half else 1e-6)
    assert np.ptp(cached.oof) > 0


def test_features_that_a_budget_has_no_room_for_are_computed_for_a_run_that_is_repeated(
    pets: Competition,
    weights: Mapping[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    pets.draw_synthetic(data, np.random.default_rng(0))
    few = {"predict": {"batch_size": 4}, "max_steps": None, "budget": "1h"}
    config = tiny_config(pets, frozen(weights), few)
    source, workspace = DataSource(data, False), Workspace.at(tmp_path)
    monkeypatch.setattr(time_limit, "SHARE", 0.0)
    monkeypatch.setattr(time_limit, "TRIAL_S", 0.0)

    new = prepare_run(config, source, workspace, [0], Silent())
    assert (new.features.cache, new.config.features.cache) == (None, False)

    repeated = run(config, source, workspace, Silent(), only=[0], plan={0: 2})
    record = json.loads((repeated.run_dir / "run.json").read_text())
    assert record["feature_cache"]
    assert record["config"]["features"]["cache"] == "auto"


@pytest.fixture(scope="module")
def done(
    weights: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WholeRun]:
    """A run on cached features, with augmented views and flipped copies."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        competition = competition_of(PLUGIN, monkeypatch)
        folder = tmp_path_factory.mktemp("done")
        yield whole_run(competition, folder, frozen(weights), {"features": {"views": 3}})


def root_of(done: WholeRun) -> Path:
    """The workspace of a run; its data is in `data`."""
    return done.summary.run_dir.parents[2]


def test_predictions_from_the_cache_are_those_of_the_saved_networks_on_images(
    done: WholeRun, tmp_path: Path
) -> None:
    workspace = Workspace.at(root_of(done))
    (cache,) = workspace.features.iterdir()
    index = json.loads((cache / "index.json").read_text())
    train, test = len(done.train), len(done.sample)
    assert index["plain"] == [train + test, 2, 256]
    assert index["views"] == [train, 3, 256]
    cache.rename(tmp_path / "away")
    try:
        result = predict(done.summary.run_id, workspace)
    finally:
        (tmp_path / "away").rename(cache)
    np.testing.assert_allclose(
        values_of(result.out / "test.safetensors"),
        values_of(done.summary.run_dir / "test.safetensors"),
        rtol=1e-4,
    )


def context_of(done: WholeRun) -> FoldContext:
    return make_fold_context(config_of(done), 0, root_of(done) / "data", done.summary.run_dir)


def test_training_draws_from_the_augmented_views_and_from_the_copies_of_prediction(
    done: WholeRun,
) -> None:
    context = context_of(done)
    assert context.features
    dataset = context.dataset()
    views = [dataset[0, seed]["image"].numpy() for seed in range(6)]
    plain = context.features.plain([context.features.row(context.train[0])], 2)[0]
    assert np.array_equal(views[0], views[5])  # 3 views, the image and its mirror image
    assert np.array_equal(views[3:5], plain)
    assert not any(np.array_equal(a, b) for a, b in combinations(views[:5], 2))


def test_a_batch_is_that_of_its_draws_one_by_one(done: WholeRun) -> None:
    dataset: Any = context_of(done).dataset()
    draws = [(3, 7), (0, 4), (5, 2**63 - 1), (3, 0)]
    batch = dataset.__getitems__(draws)
    alone = default_collate([dataset[draw] for draw in draws])
    assert batch.keys() == alone.keys() == {"image", "target"}
    for name, values in alone.items():
        assert torch.equal(batch[name], values)
        assert batch[name].dtype == values.dtype


def test_training_sees_no_copies_that_augmentation_does_not_show(done: WholeRun) -> None:
    context = context_of(done)
    assert context.features
    upright = config_of(done).model_copy(update={"augment": AugmentConfig(flip=False)})
    assert trained_copies(context.competition, config_of(done), context.features) == 2
    assert trained_copies(context.competition, upright, context.features) == 1
    as_they_are = config_of(done).model_copy(update={"loader": LoaderConfig(augment=False)})
    assert trained_copies(context.competition, as_they_are, context.features) == 0


def config_of(done: WholeRun) -> RunConfig:
    record = json.loads((done.summary.run_dir / "run.json").read_text())
    return resolve("pets", [record["config"]], registry.get("pets").options)


def test_the_features_are_computed_once_for_all_folds_and_runs(
    done: WholeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, workspace = config_of(done), Workspace.at(root_of(done))
    monkeypatch.setattr(prepare, "features_of", None)  # computing would fail
    source = DataSource(root_of(done) / "data", False)
    again = prepare_run(config, source, workspace, (), Silent())
    assert again.features.cache == next(workspace.features.iterdir())
    with pytest.raises(TypeError):  # other augmented views are another cache
        prepare_run(config.model_copy(update={"seed": 1}), source, workspace, (), Silent())
    image = next((source.root).glob("train/*"))
    before = image.read_bytes()
    image.write_bytes(next((source.root).glob("test/*")).read_bytes())
    with pytest.raises(TypeError):  # and so is another image
        prepare_run(config, source, workspace, (), Silent())
    image.write_bytes(before)


def test_a_resumed_training_on_features_is_exact(done: WholeRun) -> None:
    config, source = config_of(done), DataSource(root_of(done) / "data", False)
    mixed = config.loader.model_copy(update={"mixup": 0.4})  # of features
    config = config.model_copy(update={"loader": mixed})
    assert verify(config, source, Workspace.at(root_of(done)), Silent()).exact


def test_a_cache_that_was_removed_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"was removed, or is damaged .* run 'comp resume'"):
        store.FeatureStore(tmp_path / "gone").index  # noqa: B018


def test_frozen_weights_that_did_not_compute_the_features_are_refused(done: WholeRun) -> None:
    context = context_of(done)
    model = context.competition.model(context.config)
    assert isinstance(model, Classifier)
    assert context.features
    load_weights(done.summary.run_dir / "fold-0", model)
    prepare.train_on_features(model, context.features)  # the head may differ
    with torch.no_grad():
        model.backbone.get_parameter("conv_stem.weight").mul_(1.001)
    with pytest.raises(RunError, match="frozen weights are not those of the features"):
        prepare.train_on_features(model, context.features)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ({"freeze": "none"}, r"no stage is frozen \(freeze = none\)"),
        ({"thaw": {"how": "staged"}}, r"frozen stages train later \(thaw.how = staged\)"),
        ({"weights": None, "pretrained": False}, "the frozen weights are random"),
        ({"loader": {"cutmix": 1.0}}, r"CutMix pastes .* \(loader.cutmix = 1.0\)"),
        ({"compile": True}, r"compiled \(compile = true\)"),
    ],
)
def test_what_cannot_be_cached_is_refused_if_it_is_asked_for_and_noted_if_not(
    layer: dict[str, Any],
    reason: str,
    pets: Competition,
    weights: Mapping[str, Path],
    tmp_path: Path,
) -> None:
    config = tiny_config(pets, frozen(weights), layer)
    model = pets.model(config)
    arguments = (model, ([], []), PreparedImages(), tmp_path, Silent())
    asked = config.model_copy(update={"features": FeaturesConfig(cache=True)})
    with pytest.raises(ConfigError, match=f"^features.cache = true, but .*{reason}"):
        prepare_features(pets, asked, *arguments)
    found = prepare_features(pets, config, *arguments)
    assert found.cache is None
    by_itself = layer.keys() & {"freeze", "thaw"}
    assert bool(found.note) == (not by_itself)


@pytest.mark.parametrize(
    ("cache", "freeze", "wanted"),
    [
        ("auto", "all", True),
        ("auto", 2, False),
        ("partial", 2, True),
        ("partial", "all", True),
        ("partial", 0, False),
        ("partial", "none", False),
    ],
)
def test_partial_also_caches_some_frozen_stages_and_never_stops_a_run(
    cache: Literal["auto", "partial"],
    freeze: int | str,
    wanted: bool,
    pets: Competition,
    tmp_path: Path,
) -> None:
    layer = {"freeze": freeze, "pretrained": False, "features": {"cache": cache}}
    config = tiny_config(pets, layer)
    arguments = (pets.model(config), ([], []), PreparedImages(), tmp_path, Silent())
    found = prepare_features(pets, config, *arguments)
    assert found.cache is None
    assert ("random" in found.note) == wanted  # what is not wanted needs no reason


def test_features_that_do_not_fit_on_the_disk_are_refused_before(
    pets: Competition, weights: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pets.draw_synthetic(tmp_path, np.random.default_rng(0))
    monkeypatch.setattr(store.eviction, "make_room", lambda *_: False)
    inputs = (DataSource(tmp_path, False), Workspace.at(tmp_path / "out"), (), Silent())
    layers = [frozen(weights), {"image": {"cache": False}}]
    with pytest.raises(ConfigError, match=r"the features need .* GB \(.* x 256 values\)"):
        prepare_run(tiny_config(pets, *layers, {"features": {"cache": True}}), *inputs)
    assert "GB" in prepare_run(tiny_config(pets, *layers), *inputs).features.note


def test_a_cache_that_was_half_built_is_built_again(
    pets: Competition, weights: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pets.draw_synthetic(tmp_path, np.random.default_rng(0))
    workspace = Workspace.at(tmp_path / "out")
    inputs = (DataSource(tmp_path, False), workspace, (), Silent())
    config = tiny_config(pets, frozen(weights), {"features": {"views": 0}})

    def stop(batches: Any) -> Iterator[np.ndarray]:
        yield next(iter(batches))
        raise KeyboardInterrupt

    whole = prepare.features_of
    monkeypatch.setattr(prepare, "features_of", lambda *args: stop(whole(*args)))
    with pytest.raises(KeyboardInterrupt):
        prepare_run(config, *inputs)
    assert list(workspace.features.iterdir()) == []
    monkeypatch.setattr(prepare, "features_of", whole)
    cache = prepare_run(config, *inputs).features.cache
    assert cache
    content = (cache / "features.bin").read_bytes()
    (cache / "features.bin").write_bytes(content[:-4])
    assert prepare_run(config, *inputs).features.cache == cache
    assert (cache / "features.bin").read_bytes() == content


def test_reading_ahead_passes_on_items_and_errors_and_ends_early() -> None:
    assert list(ahead(range(10))) == list(range(10))

    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    items = ahead(failing())
    assert next(items) == 1
    with pytest.raises(ValueError, match="no more"):
        next(items)
    endless = ahead(iter(int, 1))
    assert next(endless) == 0
    endless.close()  # type: ignore[attr-defined]
