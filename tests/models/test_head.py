"""The section `head`, on whole networks and in a whole run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn
from whole_run import competition_of, tiny_config, whole_run

from comp.config.schema import RunConfig, resolve
from comp.data.location import DataSource
from comp.errors import ConfigError
from comp.models.classifier import Classifier, build_classifier
from comp.models.head import check_head, check_head_is_used
from comp.models.segmenter import build_segmenter
from comp.pipeline.model_checks import check_training
from comp.pipeline.verify_resume import verify
from comp.runs.progress import Silent
from comp.training.freezing import FirstStepCheck, apply_freezing
from comp.training.optim import make_optimizer
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING

BOTH: dict[str, Any] = {"pool": "gem", "kind": "cosine"}
PLUGIN = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    name="fish", title="Fish", kaggle="competitions/fish", classes=("cod", "eel", "ray")
)
"""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def config(**settings: Any) -> RunConfig:
    return resolve("toy", [{"backbone": "test_resnet", "image": {"size": 32}}, settings])


def network(settings: RunConfig, outputs: int = 3) -> Classifier:
    torch.manual_seed(0)
    return build_classifier(settings, outputs)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("test_resnet", {"pool": "gem"}),
        ("test_resnet", {"kind": "cosine"}),
        ("test_efficientnet", BOTH),
        ("test_convnext", BOTH),
    ],
)
def test_a_frozen_backbone_trains_its_head_alone_and_at_the_full_rate(
    name: str, head: dict[str, Any]
) -> None:
    optim = {"layer_decay": 0.5, "lr": 0.01, "weight_decay": 0.1}
    settings = config(backbone=name, head=head, freeze="all", optim=optim)
    model = network(settings)
    apply_freezing(model, settings, 0.0)
    trained = {n: p for n, p in model.backbone.named_parameters() if p.requires_grad}
    assert set(trained) == set(model.stages[-1].parameters)
    powers = [parameter for n, parameter in trained.items() if n.endswith("global_pool.pool.p")]
    assert len(powers) == ("pool" in head)
    optimizer = make_optimizer(model, settings.optim)
    group = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    assert {group[id(parameter)]["lr_scale"] for parameter in trained.values()} == {1.0}
    assert [group[id(power)]["weight_decay"] for power in powers] == [0.0] * len(powers)
    check = FirstStepCheck(model)
    before = [parameter.detach().clone() for parameter in trained.values()]
    out = model.train()(torch.rand(4, 3, 64, 64))
    nn.functional.cross_entropy(out, torch.tensor([0, 1, 2, 0])).backward()
    optimizer.step()
    check.check(model)
    changed = [not torch.equal(a, b) for a, b in zip(before, trained.values(), strict=True)]
    assert all(changed)


def test_gradients_flow_under_autocast() -> None:
    model = network(config(head=BOTH)).train()
    with torch.autocast("cpu", torch.bfloat16):
        out = model(torch.rand(2, 3, 32, 32))
        assert out.dtype == torch.float32
        out.square().mean().backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


def test_a_file_of_weights_fits_a_network_with_another_head(tmp_path: Path) -> None:
    source = timm.create_model("test_resnet")
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    model = network(config(head=BOTH, weights=tmp_path / "weights.pth"))
    assert torch.equal(model.backbone.get_parameter("conv1.0.weight"), source.conv1[0].weight)
    assert model.backbone.get_parameter("fc.weight").shape == (3, source.num_features)
    other = network(config(head=BOTH | {"gem_p": 5.0}))
    other.load_state_dict(model.state_dict())
    image = torch.rand(2, 3, 32, 32)
    assert torch.equal(other.eval()(image), model.eval()(image))


def test_the_default_head_is_the_one_of_timm() -> None:
    model, plain = network(config()), timm.create_model("test_resnet", num_classes=3)
    assert list(model.backbone.state_dict()) == list(plain.state_dict())
    assert type(model.backbone.get_submodule("global_pool")) is type(plain.global_pool)


@pytest.mark.parametrize(
    ("settings", "scaled", "words"),
    [
        ({"head": {"pool": "gem"}, "backbone": "test_vit"}, False, "pooling of test_vit cannot be"),
        (
            {"head": {"pool": "max"}, "backbone_args": {"global_pool": "avg"}},
            False,
            r"backbone_args\.global_pool cannot be set: it follows from head\.pool",
        ),
        ({"head": {"kind": "cosine"}}, True, r"predicts numbers or grades: set head\.kind=linear"),
    ],
)
def test_heads_that_do_not_fit_are_refused(
    settings: dict[str, Any], scaled: bool, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        build_classifier(config(**settings), 3, scaled)


class Unpooled(nn.Module):
    """A network that does not call its pooling layer, and changes its cosines."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        inside: Any = self.inside
        return 2 * torch.as_tensor(inside.fc(inside.forward_features(image).mean((2, 3))))


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ({"pool": "gem"}, r"does not use its pooling layer once; set head\.pool=own"),
        ({"kind": "cosine"}, "does not end in one linear layer"),
    ],
)
def test_a_network_that_uses_its_head_otherwise_is_refused(
    head: dict[str, Any], words: str
) -> None:
    settings = config(head=head)
    model = network(settings)
    check_head_is_used(model, settings)
    model.backbone = Unpooled(model.backbone)
    with pytest.raises(ConfigError, match=words):
        check_head_is_used(model, settings)


def test_networks_that_are_not_classifiers_refuse_a_head() -> None:
    settings = config(head={"pool": "gem", "gem_p": 4.0})
    with pytest.raises(ConfigError, match=r"head\.pool = 'gem' needs a .* is Segmenter"):
        check_head(build_segmenter(settings, 1), settings)
    own = resolve("denoising", [DENOISING.defaults, {"head": BOTH}], DENOISING.options)
    with pytest.raises(ConfigError, match=r"head\.pool = 'gem' needs a .* on a timm backbone"):
        check_training(DENOISING, own, [])
    check_head(nn.Sequential(network(settings)), settings)
    check_head(nn.Linear(1, 1), config())


def test_a_run_with_all_of_it_resumes_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = competition_of(PLUGIN, monkeypatch)
    layer = {
        "head": BOTH,
        "loss": {"name": "arcface", "margin": 0.3, "scale": 16.0},
        "optim": {"layer_decay": 0.7, "ema": 0.5},
        "freeze": "all",
        "thaw": {"how": "staged", "after": 0.2, "every": 0.2},
        "predict": {"tta": "hflip"},
        "max_steps": 2,
    }
    done = whole_run(competition, tmp_path, layer)
    predictions, _ = done.stacked()
    np.testing.assert_allclose(predictions.sum(axis=1), 1, rtol=1e-5)
    settings, source = tiny_config(competition, layer), DataSource(tmp_path / "data", False)
    checked = verify(settings, source, Workspace.at(tmp_path), Silent())
    assert (checked.exact, checked.thawing) == (True, True)
