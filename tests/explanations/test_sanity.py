"""The sanity test fails for maps that are the same whatever a network has learned."""

from __future__ import annotations

import torch
from torch import nn

from comp.explanations.grad_cam import Explainer, Inputs
from comp.explanations.question import Question
from comp.explanations.sanity import Sanity, check_sanity
from comp.tasks.binary import binary

TASK = binary(("no", "yes"))
QUESTION = Question(column=1, name="yes")


class Bright(nn.Module):
    """Explains every answer by the brightness: its weights are all alike, so that none matters."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.AvgPool2d(8)
        self.head = nn.Linear(3, 1)
        nn.init.ones_(self.head.weight)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.cells(image).mean(dim=(2, 3)))
        return out


class Learned(nn.Module):
    """Features of random directions, of which the head uses one."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cells = nn.Conv2d(3, 32, 8, 8)
        self.head = nn.Linear(32, 1)
        nn.init.zeros_(self.head.weight)
        self.head.weight.data[0, 3] = 5.0

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.cells(image).mean(dim=(2, 3)))
        return out


def sanity_of(network: nn.Module) -> Sanity:
    explainer = Explainer(network=network.eval().requires_grad_(False), task=TASK)
    images = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    inputs = Inputs(images=images, others=(), image_at=0)
    layer = explainer.layer(inputs)
    assert layer is not None
    return check_sanity(explainer, layer, inputs, [QUESTION] * 6)


def test_maps_that_no_weight_changes_fail() -> None:
    found = sanity_of(Bright())
    assert found.all is not None
    assert found.all > 0.99
    assert found.verdict == "failed"
    assert "cannot be trusted" in found.words


def test_maps_of_learned_features_pass_and_the_network_stays_as_it_was() -> None:
    network = Learned()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    found = sanity_of(network)
    assert found.verdict == "passed"
    assert found.samples == 6
    assert "passed" in found.words
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name])


def test_three_verdicts() -> None:
    verdicts = [Sanity(after=a, all=b, samples=1).verdict for a, b in ((0.9, 0.1), (0.1, None))]
    assert verdicts == ["partly passed", "failed"]
    assert "more than what it takes it for" in Sanity(after=0.9, all=0.1, samples=1).words
