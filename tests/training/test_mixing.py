"""Mixup and CutMix: what becomes of images and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from toys import toy

from comp.config.schema import RunConfig, resolve
from comp.config.sections import LoaderConfig, LossConfig
from comp.contract.pipeline import BatchPipeline
from comp.data.augment import classification_pipeline
from comp.errors import ConfigError
from comp.training.mixing import Mixer, batch_pipeline, make_mixer, unmixed

LABELS = torch.tensor([[0.0], [1.0], [2.0], [2.0]])
NAMES = ("a", "b", "c")
HOT = torch.eye(3)[LABELS.long().squeeze(1)]


def images() -> torch.Tensor:
    """Four images, each of one grey: 0, 1/4, 1/2 and 3/4."""
    return (torch.arange(4) / 4).reshape(4, 1, 1, 1).repeat(1, 2, 16, 16)


def mixer(classes: int = 3, smoothing: float = 0.0, **loader: Any) -> Mixer:
    config = RunConfig(
        competition="toy",
        loader=LoaderConfig(**({"batch_size": 4} | loader)),
        loss=LossConfig(smoothing=smoothing),
    )
    competition = toy(classes=NAMES[:classes]) if classes else toy()
    return make_mixer(competition, config)


@pytest.fixture(autouse=True)
def seeded() -> None:
    np.random.seed(7)


def test_mixup_mixes_images_and_labels_by_the_same_share() -> None:
    for _ in range(5):
        image, shares, _ = mixer(mixup=1.0)(images(), LABELS)
        share = (image[0, 0, 0, 0] / images()[3, 0, 0, 0]).item()
        assert 0 < share < 1
        assert torch.allclose(image, (1 - share) * images() + share * images().flip(0))
        assert torch.allclose(shares, (1 - share) * HOT + share * HOT.flip(0))


def test_cutmix_pastes_a_rectangle_and_counts_its_area() -> None:
    areas = []
    for _ in range(8):
        image, shares, _ = mixer(cutmix=1.0)(images(), LABELS)
        pasted = image[0, 0] == 0.75
        assert torch.equal(image[0, 0] == 0, ~pasted)
        areas.append(pasted.float().mean().item())
        assert torch.allclose(shares, (1 - areas[-1]) * HOT + areas[-1] * HOT.flip(0))
    assert len(set(areas)) > 3


def test_with_both_each_batch_is_mixed_one_way_or_the_other() -> None:
    both = mixer(mixup=1.0, cutmix=1.0)
    greys = [len(both(images(), LABELS)[0][0].unique()) for _ in range(30)]
    assert {1, 2} == set(greys)


def test_smoothing_is_in_the_mixed_labels() -> None:
    image, shares, _ = mixer(mixup=1.0, smoothing=0.3)(images(), LABELS)
    share = (image[0, 0, 0, 0] / 0.75).item()
    smooth = HOT * 0.7 + 0.1
    assert torch.allclose(shares, (1 - share) * smooth + share * smooth.flip(0))
    assert shares.sum(dim=1).tolist() == pytest.approx([1] * 4)


def test_two_classes_have_two_shares() -> None:
    _, shares, _ = mixer(classes=2, mixup=0.4)(images(), torch.tensor([[0.0], [0.0], [1.0], [1.0]]))
    assert shares.shape == (4, 2)
    assert shares.sum(dim=1).tolist() == pytest.approx([1] * 4)


def test_numpys_seed_decides() -> None:
    mix = mixer(mixup=1.0, cutmix=1.0)
    np.random.seed(1)
    first = mix(images(), LABELS)
    second = mix(images(), LABELS)
    np.random.seed(1)
    again = mix(images(), LABELS)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], second[0])


def test_without_mixing_class_indices_become_smoothed_shares() -> None:
    image, shares, _ = mixer(smoothing=0.3, batch_size=3)(images(), LABELS)
    assert torch.equal(image, images())
    assert torch.allclose(shares, HOT * 0.7 + 0.1)


def test_targets_that_the_task_does_not_soften_stay_as_they_are() -> None:
    assert mixer(classes=0, batch_size=3) is unmixed


def test_an_own_loss_gets_the_class_indices() -> None:
    competition = toy(classes=NAMES, loss=lambda raw, _target: raw.sum())
    config = RunConfig(competition="toy")
    image, target, _ = make_mixer(competition, config)(images(), LABELS)
    assert torch.equal(target, LABELS)
    assert torch.equal(image, images())


def test_batches_of_an_odd_size_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"loader\.batch_size = 5 is odd"):
        mixer(mixup=0.2, batch_size=5)


def test_targets_that_cannot_be_mixed_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"cutmix = 1\.0 mix targets, .* toy \(images to images\)"
    ):
        mixer(classes=0, cutmix=1.0)


def test_weights_mix_as_the_labels_do() -> None:
    weights = torch.tensor([0.5, 1.0, 1.5, 1.0])
    for _ in range(3):
        image, _, mixed = mixer(mixup=1.0)(images(), LABELS, weights)
        share = (image[0, 0, 0, 0] / images()[3, 0, 0, 0]).item()
        assert torch.allclose(mixed, (1 - share) * weights + share * weights.flip(0))


@pytest.mark.parametrize("classes", [0, 3])
def test_without_mixing_weights_stay_as_they_are(classes: int) -> None:
    weights = torch.tensor([0.5, 1.0, 1.5, 1.0])
    assert mixer(classes=classes)(images(), LABELS, weights)[2] is weights
    assert mixer(classes=classes)(images(), LABELS)[2] is None


def on_device(augment: str, **loader: Any) -> tuple[Mixer, BatchPipeline | None]:
    section = {"on": augment, "brightness": 1.0, "contrast": 0.0, "rotate": 0, "shift": 0}
    layers = {"augment": section | {"scale": 0}, "loader": {"batch_size": 4} | loader}
    config = resolve("toy", [layers])
    competition = toy(
        classes=NAMES, pipeline=lambda config, train: classification_pipeline(config, train, 16)
    )
    return make_mixer(competition, config), batch_pipeline(competition, config)


def test_what_is_left_to_the_device_is_done_before_images_are_mixed() -> None:
    make, augment = on_device("device", mixup=1.0)
    assert augment is not None
    draws = torch.from_numpy(np.stack([augment.draw(seed) for seed in range(4)]))
    light, _ = augment(images(), None, draws)
    assert len(light[:, 0, 0, 0].unique()) > 2
    image, shares, _ = make(images(), LABELS, draws=draws)
    share = (shares[0] / (HOT[0] + HOT[3])).nan_to_num().max().item()
    assert 0 < share < 1
    mixed = [light * part + light.flip(0) * (1 - part) for part in (share, 1 - share)]
    assert any(torch.allclose(image, each, atol=1e-6) for each in mixed)


def test_a_batch_without_draws_is_not_augmented_on_the_device() -> None:
    make, _ = on_device("device")
    image, _, _ = make(images(), LABELS)
    assert torch.equal(image, images())
    plain, nothing = on_device("cpu")
    assert nothing is None
    with pytest.raises(TypeError, match="draws"):
        plain(images(), LABELS, draws=torch.zeros(4, 3))
