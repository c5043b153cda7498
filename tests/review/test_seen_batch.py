"""The first batch of a fold, as the network saw it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pictured import two_pictured

from comp.config.schema import resolve
from comp.contract.sample import Sample
from comp.data.augment import mask_pipeline
from comp.data.dataset import SampleSet
from comp.review.seen_batch import NotShownError, changed_on_device, first_batch


def test_samples_are_augmented_and_of_the_training_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    facts = runs.add("r", given, folds, keys={"loader": {"batch_size": 6}})
    found = first_batch(facts, 1, 12)
    assert len(found) == 6
    assert {folds[each.sample.id] for each in found} == {0}
    for each in found:
        assert each.seen.dtype == np.uint8
        assert (each.seen == each.file[:, ::-1]).all()  # the pipeline mirrors
        assert each.target is None
    again = [each.sample.id for each in first_batch(facts, 1, 12)]
    assert again == [each.sample.id for each in found]


def test_it_is_the_batch_that_the_training_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.pipeline.fold_context import make_fold_context

    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    facts = runs.add("r", given, folds, keys={"device": "cpu", "loader": {"batch_size": 6}})
    assert facts.oof is not None
    context = make_fold_context(facts.oof.config, 0, facts.oof.data.root, facts.folder.path)
    batch = next(iter(context.batches(1)))
    seen = np.stack([each.seen for each in first_batch(facts, 0, 6)])
    assert (batch["image"].numpy().transpose(0, 2, 3, 1) == seen).all()


def test_runs_of_trees_have_no_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    facts = runs.add("r", given, folds, keys={"model": ["gbdt"]})
    with pytest.raises(NotShownError, match="no model of this run"):
        first_batch(facts, 0, 4)


def test_blends_have_no_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    facts = runs.add("r", given, folds, blend={"method": "mean", "runs": []})
    with pytest.raises(NotShownError, match="blends others"):
        first_batch(facts, 0, 4)


def test_dropped_samples_are_not_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, given, folds = two_pictured(tmp_path, monkeypatch)
    facts = runs.add("r", given, folds, keys={"drop": str(tmp_path / "drop.csv")})
    with pytest.raises(NotShownError, match=r"dropped\.json is missing"):
        first_batch(facts, 0, 4)


def test_what_the_device_changes_is_shown_too() -> None:
    config = resolve("x", [{"augment": {"on": "device", "vertical": True, "preset": "light"}}])
    pipeline = mask_pipeline(config, True, 16)
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    item = {"image": image, "target": image[..., :1].copy()}
    sample = SampleSet([Sample(id="a")], lambda _: dict(item), pipeline)[0, 5]
    shown = changed_on_device(pipeline, sample)
    assert shown["image"].shape == (3, 16, 16)
    assert shown["target"].shape == (1, 16, 16)
    assert not torch.allclose(shown["image"], sample["image"] / 255, atol=0.01)
    assert not torch.allclose(shown["target"], sample["target"] / 255, atol=0.01)
