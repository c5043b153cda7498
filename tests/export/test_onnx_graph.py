"""Every task's network and four families of timm as ONNX: equal to torch to 1e-4."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from toys import toy

from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition
from comp.contract.task import Task
from comp.errors import RunError
from comp.export.graph import Prediction
from comp.export.networks import Entries
from comp.export.onnx_graph import OUTPUT, Graphs, averaged, opset_of, save_graph
from comp.export.session import open_session
from comp.models.classifier import build_classifier
from comp.models.column_networks import ColumnSpec, build_column_network
from comp.models.image_corrector import build_corrector
from comp.models.segmenter import build_segmenter
from comp.pipeline.fold_columns import on_columns
from comp.tasks.binary import binary
from comp.tasks.image_to_image import image_to_image
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression
from comp.tasks.segmentation import segmentation
from competitions.denoising import COMPETITION as DENOISING
from competitions.denoising.network import OnPaper, PageNet

Made = tuple[Competition, nn.Module, Entries]
"""A competition, its network with random weights, and inputs of two samples."""


def config_of(**keys: Any) -> RunConfig:
    return resolve("toy", [{"pretrained": False, **keys}])


def shaken(network: nn.Module) -> nn.Module:
    """The network with other weights, so that no output is constant."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in network.parameters():
            value += torch.randn(value.shape, generator=generator) * 0.02
    return network.eval()


def pixels(*shape: int) -> Entries:
    rng = np.random.default_rng(0)
    return {"image": rng.integers(0, 256, shape).astype(np.uint8)}


def classifier(task: Task, backbone: str, blocks: int = 0, size: int = 64) -> Made:
    """A classifier; with only so many blocks, if it is a vision transformer."""
    outputs = task.head_outputs(task.losses[0]) if task.head_outputs else task.outputs
    config = config_of(backbone=backbone, image={"size": size})
    network = build_classifier(config, outputs, scaled=task.prepare is not None)
    if blocks:
        every: Any = network.backbone.blocks
        network.backbone.blocks = every[:blocks]
    if network.scaled:
        network.target_mean += 2  # else logarithms may all be of values below 0, which are cut
    return toy(task), shaken(network), pixels(2, size, size, 3)


def masks() -> Made:
    network = build_segmenter(config_of(backbone="test_efficientnet"), 1)
    return toy(segmentation()), shaken(network), pixels(2, 64, 96, 3)


def corrected() -> Made:
    network = build_corrector(config_of(backbone="test_resnet"), 3)
    return toy(image_to_image()), shaken(network), pixels(2, 64, 96, 3)


def pages() -> Made:
    network = OnPaper(PageNet(4, widths=(8, 12)))  # a level less than it has: half the time
    assert isinstance(DENOISING.model(resolve("denoising", [], DENOISING.options)), OnPaper)
    return DENOISING, shaken(network), pixels(2, 64, 96, 2)


def columns(name: str) -> Made:
    from comp.data.columns.treatment import Treatment
    from comp.pipeline.fold_columns import FoldColumns

    spec = ColumnSpec(edges=((0.0, 0.5, 1.0), (-1.0, 1.0)), cardinalities=(3,))
    small = {"members": 2, "width": 8, "layers": 1} if name == "tabm" else {"width": 8, "layers": 2}
    config = config_of(model=[name], **{name: small})
    treatment: Any = object.__new__(Treatment)
    fold = FoldColumns(treatment=treatment, spec=spec)
    competition = on_columns(toy(regression()), config, fold)
    network = build_column_network(name, config, spec, 1, scaled=True)
    rng = np.random.default_rng(0)
    numbers = rng.uniform(-1, 1, (2, 2)).astype(np.float32)
    return competition, shaken(network), {"numbers": numbers, "categories": np.array([[0], [2]])}


MAKE: dict[str, Callable[[], Made]] = {
    "binary, resnet": partial(classifier, binary(("a", "b")), "test_resnet"),
    "multiclass, efficientnet": partial(
        classifier, multiclass(("a", "b", "c")), "test_efficientnet"
    ),
    "multilabel, convnext": partial(classifier, multilabel(("a", "b")), "test_convnext"),
    "ordinal, vit": partial(classifier, ordinal(4), "test_vit", 2, 160),
    "regression": partial(classifier, regression(log=True), "test_vit", 1, 160),
    "segmentation": masks,
    "image to image": corrected,
    "denoising": pages,
    "mlp": partial(columns, "mlp"),
    "tabm": partial(columns, "tabm"),
}
LONG = {"image to image", "segmentation"}


@cache
def exported(name: str) -> tuple[Made, Prediction, Graphs, Any]:
    """A network, as it is and with the steps around it, and its graph; no test may change them."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        competition, network, example = made = MAKE[name]()
    graphs, module = Graphs(None), Prediction(copy.deepcopy(network), competition).eval()
    return made, module, graphs, graphs.of(module, example)


def predicted(module: nn.Module, entries: Entries) -> np.ndarray:
    with torch.inference_mode():
        out: np.ndarray = module(*(torch.from_numpy(v) for v in entries.values())).numpy()
    return out


def batch_of(entries: Entries, count: int) -> Entries:
    return {name: np.concatenate([v] * count)[:count] for name, v in entries.items()}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in LONG else ()) for n in MAKE]
)
def test_equal_to_torch_for_other_batches_and_sizes(name: str, tmp_path: Path) -> None:
    (competition, _, example), module, graphs, graph = exported(name)
    save_graph(graph, tmp_path / "a.onnx")
    assert graphs.exporter == "torch.export"
    predict = open_session(tmp_path / "a.onnx")
    tried = [example, batch_of(example, 1), batch_of(example, 3)]
    if competition.task.output == "image":
        tried.append(pixels(1, 71, 45, example["image"].shape[3]))
    assert np.ptp(predicted(module, example)) > 0
    for entries in tried:
        expected = predicted(module, entries)
        assert float(np.abs(predict(entries) - expected).max()) < 1e-4


def test_the_second_network_gets_its_own_weights_in_the_first_graph(tmp_path: Path) -> None:
    (competition, first, example), module, graphs, graph = exported("binary, resnet")
    second = Prediction(shaken(copy.deepcopy(first)), competition).eval()
    made = [graph, graphs.of(second, example)]
    one, two = predicted(module, example), predicted(second, example)
    assert float(np.abs(one - two).max()) > 1e-3
    save_graph(averaged(made, [0.25, 0.75], ["fold-0", "fold-1"]), tmp_path / "mean.onnx")
    found = open_session(tmp_path / "mean.onnx")(example)
    assert float(np.abs(found - (one * 0.25 + two * 0.75)).max()) < 1e-5
    assert [each.name for each in made[0].graph.output] == [OUTPUT]


class OwnChoice(nn.Module):
    """A network that torch.export refuses: what it does depends on a value of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 1, 3)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layer(image).mean((2, 3))
        return out * 2 if bool(image.max() > 2) else out


@pytest.mark.filterwarnings("ignore")
def test_a_network_that_torch_export_refuses_is_traced(tmp_path: Path) -> None:
    competition = toy(binary(("a", "b")))
    module = Prediction(OwnChoice(), competition).eval()
    graphs, example = Graphs(None), pixels(2, 16, 16, 3)
    save_graph(graphs.of(module, example), tmp_path / "a.onnx")
    assert graphs.exporter == "tracing"
    found = open_session(tmp_path / "a.onnx")(batch_of(example, 3))
    assert np.allclose(found, predicted(module, batch_of(example, 3)), atol=1e-5)


class Sorted(nn.Module):
    """A network of an operation that ONNX does not have."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.linalg.eigvals(image[:, 0]).real[:, :1]


def test_a_network_that_cannot_be_exported_says_so() -> None:
    module = Prediction(Sorted(), toy(binary(("a", "b")))).eval()
    with pytest.raises(RunError, match=r"torch cannot export this network to ONNX .*safetensors"):
        Graphs(None).of(module, pixels(2, 8, 8, 3))


class Plain(nn.Module):
    """A network without layers."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.mean((1, 2, 3))[:, None]


def test_the_opset_is_that_which_was_asked_for() -> None:
    module = Prediction(Plain(), toy(binary(("a", "b")))).eval()
    assert opset_of(Graphs(18).of(module, pixels(2, 8, 8, 3))) == 18
