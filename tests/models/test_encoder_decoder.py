"""Encoder-decoders on small timm backbones of different kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from torch import nn

from comp.config.schema import RunConfig
from comp.errors import ConfigError, WeightsError
from comp.models.encoder_decoder import EncoderDecoder, encoder_decoder

BACKBONES = ["resnet10t", "convnext_atto", "tf_mobilenetv3_small_100"]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def config(backbone: str = "resnet10t", **values: object) -> RunConfig:
    return RunConfig(competition="toy", backbone=backbone, **values)


def build(backbone: str = "resnet10t", in_chans: int = 1, **values: object) -> EncoderDecoder:
    return encoder_decoder(config(backbone, **values), in_chans, 1)


@pytest.fixture(scope="module", params=BACKBONES)
def network(request: pytest.FixtureRequest) -> EncoderDecoder:
    torch.manual_seed(0)
    return build(request.param).eval()


@pytest.mark.parametrize(("height", "width"), [(64, 32), (45, 71), (5, 7), (1, 33)])
def test_the_output_has_the_size_of_the_input_whatever_it_is(
    network: EncoderDecoder, height: int, width: int
) -> None:
    with torch.inference_mode():
        assert network(torch.rand(2, 1, height, width)).shape == (2, 1, height, width)


@pytest.mark.parametrize("in_chans", [1, 2, 4])
def test_any_number_of_channels_goes_in(in_chans: int) -> None:
    model = encoder_decoder(config("resnet10t"), in_chans, 3).eval()
    with torch.inference_mode():
        assert model(torch.rand(1, in_chans, 33, 40)).shape == (1, 3, 33, 40)


def test_the_first_output_is_zero(network: EncoderDecoder) -> None:
    with torch.inference_mode():
        out = network(torch.rand(1, 1, 40, 50))
    assert torch.equal(out, torch.zeros(1, 1, 40, 50))


def test_the_gradient_reaches_the_stem_and_every_part_of_the_backbone(
    network: EncoderDecoder,
) -> None:
    nn.init.ones_(network.head.weight)
    network.zero_grad()
    network(torch.rand(2, 1, 64, 64)).square().sum().backward()
    nn.init.zeros_(network.head.weight)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    own = [
        m for part in (network.stem, network.decoder) for m in part.modules() if m in convolutions
    ]
    first = next(m for m in network.encoder.modules() if m in convolutions)
    assert len(own) >= 10
    assert all(m.weight.grad.abs().sum() > 0 for m in [*own, first])


def test_the_stem_works_at_full_resolution(network: EncoderDecoder) -> None:
    seen = []
    hook = network.stem.register_forward_hook(lambda _module, _given, out: seen.append(out.shape))
    with torch.inference_mode():
        network(torch.rand(1, 1, 45, 71))
    hook.remove()
    assert [shape[-2:] for shape in seen] == [(64, 96)]


def test_padding_is_below_and_to_the_right(network: EncoderDecoder) -> None:
    torch.manual_seed(1)
    nn.init.normal_(network.head.weight)
    image = torch.rand(1, 1, 40, 70)
    padded = torch.cat([image, image[..., -1:, :].expand(1, 1, 24, 70)], dim=2)
    padded = torch.cat([padded, padded[..., -1:].expand(1, 1, 64, 26)], dim=3)
    with torch.inference_mode():
        out, whole = network(image), network(padded)
    nn.init.zeros_(network.head.weight)
    assert out.abs().sum() > 0
    assert torch.allclose(out, whole[..., :40, :70], atol=1e-5)


@pytest.mark.parametrize("name", ["xyzzy", "resnet_of_nobody"])
def test_an_unknown_backbone_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown backbone '{name}'"):
        build(name)


def test_an_unknown_backbone_comes_with_names_of_its_family() -> None:
    with pytest.raises(ConfigError, match=r"'convnext_attoo'.*did you mean convnext_atto"):
        build("convnext_attoo")


@pytest.mark.parametrize(("name", "near"), [("reznet18", "resnet18"), ("resnet19", "resnet1")])
def test_a_misspelt_backbone_comes_with_the_one_that_was_meant(name: str, near: str) -> None:
    with pytest.raises(ConfigError, match=rf"did you mean {near}"):
        build(name)


def test_no_backbone_has_nothing_near_it() -> None:
    with pytest.raises(ConfigError, match="list_models"):
        build("")


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "mixer_s16_224"])
def test_a_backbone_that_takes_one_size_of_image_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} cannot be an encoder"):
        build(name)


def test_weights_that_cannot_be_fetched_are_never_replaced_by_random_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(WeightsError) as caught:
        build("resnet10t", pretrained=True)
    words = str(caught.value)
    assert words.startswith("cannot fetch pretrained weights of resnet10t (")
    assert "--set weights=FILE" in words
    assert "--set pretrained=false" in words
    assert len(words.splitlines()) == 1


def test_a_missing_weights_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no weights at .*none\.safetensors: name a file"):
        build(weights=tmp_path / "none.safetensors")


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_weights_come_from_a_local_file_for_any_number_of_channels(
    tmp_path: Path, suffix: str
) -> None:
    torch.manual_seed(5)
    state = timm.create_model("resnet10t").state_dict()
    path = tmp_path / f"weights.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    model = build(in_chans=2, weights=path)
    loaded = model.encoder.state_dict()
    name = "layer2.0.conv1.weight"
    assert torch.equal(loaded[name], state[name])
    assert loaded["conv1.0.weight"].shape[1] == 2


def test_weights_of_a_larger_relative_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(timm.create_model("resnet18").state_dict(), path)
    with pytest.raises(WeightsError, match=r"other\.safetensors does not fit resnet10t: "):
        build(weights=path)


@pytest.mark.filterwarnings("ignore")
def test_weights_of_another_kind_of_network_are_never_replaced_by_random_ones(
    tmp_path: Path,
) -> None:
    path = tmp_path / "convnext.safetensors"
    save_file({"stages.0.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(
        WeightsError,
        match=r"convnext\.safetensors does not fit resnet10t: \d+ missing \(conv1\.0\.weight, ",
    ):
        build(weights=path)


@pytest.mark.parametrize("name", ["junk.safetensors", "junk.pth"])
def test_a_file_that_holds_no_weights_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"hello, these are no weights")
    with pytest.raises(WeightsError, match=name):
        build(weights=path)


def test_a_pickle_that_would_run_code_is_not_opened(tmp_path: Path) -> None:
    trap, path = tmp_path / "sprung", tmp_path / "bad.pth"

    torch.save(Bomb(trap), path)
    with pytest.raises(Exception, match=r"(?i)weights|unsupported"):
        build(weights=path)
    assert not trap.exists()


class Bomb:
    """A pickle that leaves a file behind when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return (Path.touch, (self.path,))
