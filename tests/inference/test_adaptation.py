"""BatchNorm statistics of the images that are predicted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from torch import nn

from comp.contract.sample import Sample
from comp.errors import ConfigError, RunError
from comp.inference.adaptation import (
    Adaptation,
    adapt_batch_norms,
    adaptation_weight,
    batch_norms,
    check_batch_norms,
    check_image_count,
    reference_images,
)

COUNT, BATCH = 40, 16
GENERATOR = torch.Generator().manual_seed(0)
TRAIN = torch.rand(COUNT, 2, 6, 5, generator=GENERATOR) - 0.5
TEST = torch.rand(COUNT, 2, 6, 5, generator=GENERATOR) * 3 + 1
SAMPLES = [Sample(id=f"{index:02}") for index in range(COUNT)]
REFERENCE = [Sample(id=f"{index:02}") for index in range(COUNT, 2 * COUNT)]


def network() -> nn.Sequential:
    """Two BatchNorm layers, the first directly on the images, with statistics of the training
    images; evaluation mode."""
    torch.manual_seed(0)
    layers = [nn.BatchNorm2d(2), nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()]
    model = nn.Sequential(*layers).eval()
    for index in (0, 2):
        with torch.no_grad():
            values = model[:index](TRAIN)
        model[index].running_mean = values.mean((0, 2, 3))
        model[index].running_var = values.var((0, 2, 3), correction=0)
    return model


class Predicting:
    """Predicts samples in batches, in inference mode, as a run does."""

    def __init__(self, model: nn.Module, test: torch.Tensor = TEST) -> None:
        self.model, self.images = model, torch.cat([test, TRAIN])

    def __call__(self, samples: Sequence[Sample]) -> Iterator[torch.Tensor]:
        rows = [int(sample.id) for sample in samples]
        for start in range(0, len(rows), BATCH):
            with torch.inference_mode():
                yield from self.model(self.images[rows[start : start + BATCH]])


def adapt(
    model: nn.Module, weight: float = 1.0, test: torch.Tensor = TEST, reverse: bool = False
) -> Adaptation:
    samples = SAMPLES[::-1] if reverse else SAMPLES
    return adapt_batch_norms(model, Predicting(model, test), samples, REFERENCE, weight)


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def after(model: nn.Module, index: int, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance of each channel after a layer."""
    with torch.no_grad():
        values = model[: index + 1](images)
    return values.mean((0, 2, 3)), values.var((0, 2, 3), correction=0)


def test_trained_statistics_become_those_of_the_test() -> None:
    model = network()
    found = adapt(model)
    torch.testing.assert_close(model[0].running_mean, TEST.mean((0, 2, 3)))
    torch.testing.assert_close(model[0].running_var, TEST.var((0, 2, 3), correction=0))
    assert (found.layers, found.images, found.reference, found.weight) == (2, COUNT, COUNT, 1.0)


def test_the_test_looks_to_the_next_layer_as_the_training_images_did() -> None:
    model = network()
    wanted = [after(model, index, TRAIN) for index in (0, 2)]
    adapt(model)
    for index, (mean, variance) in zip((0, 2), wanted, strict=True):
        found = after(model, index, TEST)
        torch.testing.assert_close(found[0], mean, rtol=0, atol=0.05)
        torch.testing.assert_close(found[1], variance, rtol=0.06, atol=0)


def test_layers_with_statistics_of_other_images_are_moved_by_the_difference_only() -> None:
    """As frozen layers of a pretrained network."""
    model = network().requires_grad_(False)
    for index in (0, 2):
        model[index].running_mean += 0.7
        model[index].running_var *= 9
    mean, variance = after(model, 0, TRAIN)
    assert float(mean.abs().min()) > 0.5
    adapt(model)
    found = after(model, 0, TEST)
    torch.testing.assert_close(found[0], mean)
    torch.testing.assert_close(found[1], variance, rtol=1e-3, atol=0)
    assert not model[0].training


def test_images_that_do_not_differ_change_nothing() -> None:
    model = network()
    before = state(model)
    assert adapt(model, test=TRAIN).shift < 0.02
    for name, tensor in state(model).items():
        torch.testing.assert_close(tensor, before[name], rtol=0.02, atol=0.01)


def test_the_shift_is_in_trained_deviations() -> None:
    model = network()[:1]
    expected = (TEST.mean((0, 2, 3)) - TRAIN.mean((0, 2, 3))) / TRAIN.std((0, 2, 3), correction=0)
    assert adapt(model, 0.3).shift == pytest.approx(float(expected.mean()), rel=1e-3)


def test_the_weight_is_between_the_training_and_the_test_images() -> None:
    model = network()
    adapt(model, 0.25)
    for found, moment in ((model[0].running_mean, torch.mean), (model[0].running_var, torch.var)):
        one, other = (moment(images, (0, 2, 3)) for images in (TRAIN, TEST))
        torch.testing.assert_close(found, 0.75 * one + 0.25 * other, rtol=2e-3, atol=1e-4)


def test_weight_0_leaves_every_bit_and_the_weights_never_change() -> None:
    model, changed = network(), network()
    before = state(model)
    adapt(model, 0.0)
    adapt(changed, 1.0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in state(model).items())
    differ = {n for n, tensor in state(changed).items() if not torch.equal(tensor, before[n])}
    assert differ == {"0.running_mean", "0.running_var", "2.running_mean", "2.running_var"}


def test_the_order_of_the_samples_does_not_matter() -> None:
    models = [network(), network()]
    for model, reverse in zip(models, (False, True), strict=True):
        adapt(model, reverse=reverse)
    one, other = map(state, models)
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_sorted_classes_do_not_pull_the_statistics() -> None:
    """Images of one class after those of the other, as in a folder."""
    images = TEST.clone()
    images[COUNT // 2 :] += 4
    model = network()
    wanted = after(model, 2, TRAIN)
    adapt(model, test=images)
    found = after(model, 2, images)
    torch.testing.assert_close(found[1], wanted[1], rtol=0.15, atol=0)


def test_the_training_images_are_a_fixed_choice() -> None:
    train = [Sample(id=str(index)) for index in range(1500)]
    assert [len(reference_images(train, count)) for count in (32, 400, 9000)] == [256, 400, 1000]
    assert reference_images(train, 32) == reference_images(train[::-1], 300)[:256]
    assert len(reference_images(train[:90], 32)) == 90


def test_images_that_are_not_finite_are_refused() -> None:
    model = network()
    images = TEST.clone()
    images[3, 0, 0, 0] = np.inf
    with pytest.raises(RunError, match=r"are not finite: set predict\.adapt=none"):
        adapt(model, test=images)
    assert not model[0]._forward_pre_hooks


def test_networks_without_trained_statistics_are_refused() -> None:
    others = nn.Sequential(nn.GroupNorm(1, 2), nn.BatchNorm2d(2, track_running_stats=False))
    assert batch_norms(others) == []
    with pytest.raises(ConfigError, match=r"vit has no BatchNorm layers: .*predict\.adapt=none"):
        check_batch_norms(others, "vit")
    check_batch_norms(network(), "resnet")


@pytest.mark.parametrize(("count", "found"), [(1, "1 image is given"), (31, "31 images are given")])
def test_few_images_are_refused(count: int, found: str) -> None:
    check_image_count(32)
    with pytest.raises(ConfigError, match=f"needs 32 or more images .*{found}"):
        check_image_count(count)


def test_many_images_weigh_nearly_all() -> None:
    assert adaptation_weight(None, 32) == pytest.approx(2 / 3)
    assert adaptation_weight(None, 208) == pytest.approx(13 / 14)
    assert adaptation_weight(0.0, 208) == 0
