"""Weights from files: those that fit are taken, and random ones never take their place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from torch import nn

from comp.config.schema import RunConfig
from comp.errors import ConfigError, WeightsError
from comp.files import sha256
from comp.models.classifier import Classifier, build_classifier
from comp.models.weights import WeightsOrigin, create_backbone

State = dict[str, torch.Tensor]


def build(file: Path | None, backbone: str = "test_resnet", **values: Any) -> Classifier:
    config = RunConfig(competition="toy", backbone=backbone, weights=file, **values)
    return build_classifier(config, 1)


@pytest.fixture
def state() -> State:
    """A state dict of test_resnet that no other network has, BatchNorm statistics included."""
    torch.manual_seed(7)
    state = timm.create_model("test_resnet").state_dict()
    return {k: torch.rand_like(v) if v.is_floating_point() else v + 5 for k, v in state.items()}


@pytest.fixture
def file(state: State, tmp_path: Path) -> Path:
    """The state dict as a safetensors file."""
    save_file(state, tmp_path / "made.safetensors")
    return tmp_path / "made.safetensors"


def plain(state: State) -> object:
    return state


def under_state_dict(state: State) -> object:
    return {"state_dict": state, "epoch": 3}


def under_model(state: State) -> object:
    return {"model": state, "epoch": 3}


def of_parallel_training(state: State) -> object:
    return {"state_dict": {f"module.{key}": tensor for key, tensor in state.items()}}


def loaded(model: Classifier, state: State, besides: tuple[str, ...] = ("fc.",)) -> bool:
    own = model.backbone.state_dict()
    return all(torch.equal(own[k], v) for k, v in state.items() if not k.startswith(besides))


def test_every_tensor_but_the_classifier_comes_from_the_file(file: Path, state: State) -> None:
    model = build(file)
    assert loaded(model, state)
    assert model.backbone.get_parameter("fc.weight").shape == (1, 96)
    assert model.origin == WeightsOrigin("file", "made.safetensors", sha256(file))


@pytest.mark.parametrize("shape", [plain, under_state_dict, under_model, of_parallel_training])
def test_a_torch_file_may_hold_the_state_dict_in_the_usual_ways(
    shape: Callable[[State], object], state: State, tmp_path: Path
) -> None:
    torch.save(shape(state), tmp_path / "made.pth")
    model = build(tmp_path / "made.pth")
    assert loaded(model, state)
    assert (model.origin.kind, model.origin.name) == ("file", "made.pth")


def test_a_file_counts_as_pretrained_whatever_pretrained_says(file: Path, state: State) -> None:
    assert loaded(build(file, pretrained=False), state)
    assert loaded(build(file, pretrained=True), state)


def test_grey_input_takes_the_sum_of_the_channels(file: Path, state: State) -> None:
    model = build(file, image={"channels": 1})
    first = model.backbone.get_parameter("conv1.0.weight")
    assert torch.allclose(first, state["conv1.0.weight"].sum(1, keepdim=True), atol=1e-6)
    assert loaded(model, state, besides=("fc.", "conv1.0."))


def test_another_size_takes_the_position_embedding_along(tmp_path: Path) -> None:
    state = timm.create_model("test_vit").state_dict()
    save_file(state, tmp_path / "vit.safetensors")
    model = build(tmp_path / "vit.safetensors", "test_vit", image={"size": 96})
    assert loaded(model, state, besides=("head.", "pos_embed"))
    assert torch.equal(model.backbone.get_parameter("pos_embed")[:, 0], state["pos_embed"][:, 0])


def test_without_pretrained_weights_the_file_system_is_left_alone() -> None:
    assert build(None).origin == WeightsOrigin("none")


def without(key: str) -> Callable[[State], State]:
    return lambda state: {k: v for k, v in state.items() if not k.startswith(key)}


def with_more(state: State) -> State:
    return state | {"layer5.0.conv1.weight": torch.zeros(3), "layer5.0.bn1.weight": torch.zeros(3)}


def with_another_shape(state: State) -> State:
    return state | {"layer2.0.conv1.weight": torch.zeros(8, 8, 3, 3)}


def with_other_names(state: State) -> State:
    return {f"encoder.{key}": tensor for key, tensor in state.items()}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without("layer3.0.bn1.running_mean"), "1 missing (layer3.0.bn1.running_mean)"),
        (without("layer3.0.bn1.bias"), "1 missing (layer3.0.bn1.bias)"),
        (
            without("layer2.0.conv"),
            "2 missing (layer2.0.conv1.weight, layer2.0.conv2.weight)",
        ),
        (with_more, "2 unexpected (layer5.0.bn1.weight, layer5.0.conv1.weight)"),
        (with_another_shape, "1 of another shape (layer2.0.conv1.weight)"),
        (with_other_names, "missing (conv1.0.weight, conv1.1.weight, ...), "),
    ],
    ids=["statistics", "bias", "layer", "more", "shape", "names"],
)
def test_keys_that_do_not_fit_are_counted_and_named(
    spoil: Callable[[State], State], words: str, state: State, tmp_path: Path
) -> None:
    path = tmp_path / "spoiled.safetensors"
    save_file(spoil(state), path)
    with pytest.raises(WeightsError) as refused:
        build(path)
    line = str(refused.value)
    assert line.startswith(f"{path} does not fit test_resnet: ")
    assert words in line
    assert "\n" not in line


def test_a_count_of_batches_may_be_missing_as_in_old_files(state: State, tmp_path: Path) -> None:
    path = tmp_path / "old.safetensors"
    save_file({k: v for k, v in state.items() if "num_batches" not in k}, path)
    assert loaded(build(path), {k: v for k, v in state.items() if "num_batches" not in k})


def test_the_classifier_may_be_missing_or_of_any_size(state: State, tmp_path: Path) -> None:
    path = tmp_path / "headless.safetensors"
    save_file(without("fc.")(state), path)
    assert loaded(build(path), state)
    save_file(state | {"fc.weight": torch.rand(7, 96), "fc.bias": torch.rand(7)}, path)
    assert loaded(build(path), state)


def test_a_deeper_relative_with_the_same_shapes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "resnet34.safetensors"
    with torch.device("meta"):
        keys = timm.create_model("resnet34").state_dict()
    save_file({k: torch.zeros(v.shape, dtype=v.dtype) for k, v in keys.items()}, path)
    with pytest.raises(WeightsError, match=r"resnet18: \d+ unexpected \(layer1\.2\.bn1\.bias"):
        build(path, "resnet18")


def test_what_comes_after_a_refusal_loads_as_ever(state: State, tmp_path: Path) -> None:
    save_file(with_more(state), tmp_path / "spoiled.safetensors")
    with pytest.raises(WeightsError):
        build(tmp_path / "spoiled.safetensors")
    linear = nn.Linear(2, 2)
    assert linear.load_state_dict({"weight": torch.ones(2, 2)}, strict=False).missing_keys


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("junk.safetensors", b"hello, these are no weights"),
        ("junk.pth", b"hello, these are no weights"),
        ("empty.safetensors", b""),
        ("empty.pth", b""),
    ],
)
def test_a_file_that_holds_no_weights_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError) as refused:
        build(tmp_path / name)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("held", [[1, 2], {"state_dict": 3}, {"epoch": 1}])
def test_a_torch_file_of_something_else_is_named(tmp_path: Path, held: object) -> None:
    torch.save(held, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"other\.pth does not fit test_resnet"):
        build(tmp_path / "other.pth")


class Bomb:
    """A pickle that leaves a file behind when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return (Path.touch, (self.path,))


def test_a_pickle_that_would_run_code_is_not_opened(tmp_path: Path) -> None:
    trap, path = tmp_path / "sprung", tmp_path / "bad.pth"
    torch.save({"state_dict": Bomb(trap)}, path)
    with pytest.raises(WeightsError, match=r"bad\.pth does not contain plain weights, or"):
        build(path)
    assert not trap.exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no weights at .*none\.safetensors: name a file"):
        build(tmp_path / "none.safetensors")


def test_a_fault_of_the_arguments_is_not_blamed_on_the_file(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"backbone_args\.pad_typ"):
        build(file, backbone_args={"pad_typ": "same"})


def test_weights_of_the_local_copy_of_the_hub_are_taken(
    file: Path, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "cache" / "models--timm--test_resnet.r160_in1k"
    copy = place / "snapshots" / "c0ffee" / "model.safetensors"
    copy.parent.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("c0ffee")
    shutil.copyfile(file, copy)
    model = build(None, pretrained=True)
    assert loaded(model, state)
    assert model.origin == WeightsOrigin("hub", "timm/test_resnet.r160_in1k", sha256(file))


def test_the_hubs_files_may_lack_a_norm_and_no_weight(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hub.safetensors"
    monkeypatch.setattr("comp.models.weights.fetch_weights", lambda name: path)
    save_file(without("bn1.")(with_more(state)), path)
    assert build(None, pretrained=True).origin.kind == "hub"
    save_file(without("layer2.0.conv1.")(state), path)
    with pytest.raises(WeightsError, match=r"1 missing \(layer2\.0\.conv1\.weight\)"):
        build(None, pretrained=True)


def test_an_encoder_takes_what_it_needs_of_a_file(file: Path, state: State) -> None:
    config = RunConfig(competition="toy", backbone="test_resnet", weights=file)
    encoder, origin = create_backbone(config, features_only=True, in_chans=3)
    assert torch.equal(
        encoder.state_dict()["layer4.0.conv1.weight"], state["layer4.0.conv1.weight"]
    )
    assert origin.name == "made.safetensors"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("tf_mobilenetv3_small_100", {}), ("mobilenetv2_100", {"pad_type": "same"})],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_real_weights_fit_their_backbone(
    name: str, arguments: dict[str, object], channels: int
) -> None:
    file = Path(os.environ.get("COMP_WEIGHTS", "nowhere")) / f"{name}.safetensors"
    if not file.is_file():
        pytest.skip("COMP_WEIGHTS names no folder with these weights")
    model = build(file, name, backbone_args=arguments, image={"channels": channels}).eval()
    assert model.origin.name == file.name
    with torch.inference_mode():
        features: Any = model.backbone.forward_features(torch.zeros(1, channels, 224, 224))  # type: ignore[operator]
    assert 0 < features.std() < 100
