"""What keys mean for a competition."""

from __future__ import annotations

from typing import Any

import pytest

from comp.config.schema import resolve
from comp.contract import registry
from comp.pipeline.effective import Effect, effects
from comp.pipeline.used_keys import recording


def effects_of(name: str, **values: Any) -> dict[str, Effect]:
    competition = registry.get(name)
    random = {"backbone": "test_resnet", "pretrained": False, "device": "cpu"}
    layers = [competition.defaults, random if name != "denoising" else {}, values]
    return dict(effects(competition, resolve(name, layers, competition.options)))


def test_unset_keys_have_the_values_of_the_backbone() -> None:
    found = effects_of("chest-xray", image={"size": None}, predict={"tta": "auto"}, seed=7)
    assert found["image.size"] == Effect(value=160, reason="the backbone's")
    assert found["image.mean"].value == [0.5, 0.5, 0.5]
    assert found["predict.tta"] == Effect(value="hflip", reason="auto")
    assert found["loss.name"] == Effect(value="bce", reason="own")
    assert found["precision"] == Effect(value="fp32", reason="auto")
    assert found["loader.workers"] == Effect(value=0, reason="on cpu")
    assert found["fold_seed"].value == 7
    assert found["optim.betas"].value == [0.9, 0.999]


@pytest.mark.parametrize(
    ("values", "used", "unused"),
    [
        ({"image": {"resize": "partial"}}, "augment.area", "loss.gamma"),
        ({"image": {"resize": "crop"}}, "image.crop_pct", "augment.area"),
        ({"loss": {"name": "focal"}}, "loss.gamma", "loss.delta"),
        ({"optim": {"schedule": "step"}}, "optim.every", "optim.min_lr"),
        ({"optim": {"name": "sgd"}}, "optim.momentum", "optim.betas"),
        ({"max_steps": 3}, "max_steps", "epochs"),
        ({"scheme": "domain"}, "domain", "validation_groups"),
        ({"validation": "new"}, "validation_groups", "domain"),
        ({"freeze": 1, "thaw": {"how": "staged"}}, "thaw.every", "predict.tile"),
        ({"loader": {"augment": False}}, "loader.augment", "augment.flip"),
        ({"track": {"to": ["wandb"]}}, "track.wandb_mode", "track.mlflow_uri"),
        ({}, "track.to", "track.project"),
    ],
)
def test_keys_that_do_nothing_have_a_reason(values: dict[str, Any], used: str, unused: str) -> None:
    found = effects_of("chest-xray", **values)
    assert not found.get(used, Effect()).unused
    assert found[unused].unused


def test_a_competition_with_its_own_network_reads_few_keys() -> None:
    found = effects_of("denoising")
    for key in ("image.size", "augment.flip", "head.pool", "dropout", "loader.mixup"):
        assert found[key].unused, key
    for key in ("options.crop", "backbone", "predict.tile", "loader.augment"):
        assert not found.get(key, Effect()).unused, key
    assert "image.size" not in {key for key, effect in found.items() if effect.value is not None}


def test_a_fault_of_the_configuration_hides_its_effects_alone() -> None:
    found = effects_of("chest-xray", backbone="nonesuch", image={"size": None})
    assert "image.size" not in found
    assert found["precision"].value == "fp32"


def test_a_recording_is_a_configuration_that_names_what_is_read() -> None:
    config, read = resolve("x", [{"image": {"size": 64}}]), set[str]()
    copy = recording(config, read)
    assert isinstance(copy, type(config))
    assert copy.image.size == 64
    assert copy.model_copy(update={"seed": 3}).optim.lr == config.optim.lr
    assert read == {"image", "image.size", "optim", "optim.lr"}


@pytest.mark.parametrize(
    ("name", "cache", "unused"),
    [
        ("chest-xray", True, []),
        ("chest-xray", "jpeg", []),
        ("chest-xray", False, ["image.cache_gb"]),
        ("salt", True, []),
        ("salt", "jpeg", ["image.cache"]),
        ("denoising", True, ["image.cache", "image.cache_gb"]),
        ("housing", True, ["image.cache", "image.cache_gb"]),
    ],
)
def test_what_is_cached(name: str, cache: Any, unused: list[str]) -> None:
    found = effects_of(name, image={"cache": cache})
    keys = ("image.cache", "image.cache_gb")
    assert [key for key in keys if found.get(key, Effect()).unused] == unused
