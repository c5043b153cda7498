"""The networks of a bundle, built from plain data; `comp.bundle.describe_network` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
from torch import nn

from comp.bundle.parts.own import OWN
from comp.models.backbone import InputSpec
from comp.models.classifier import Classifier
from comp.models.cosine_head import use_cosine_head
from comp.models.encoder_decoder import plain_encoder_decoder
from comp.models.image_corrector import ImageCorrector
from comp.models.pooling import replace_pool
from comp.models.segmenter import MaskNetwork, Segmenter
from comp.models.weights import WeightsOrigin


def build_network(spec: Mapping[str, Any]) -> nn.Module:
    """The network of a description, with random weights, for a strict `load_state_dict`."""
    kind = spec["kind"]
    if kind == "classifier":
        return _classifier(spec)
    if kind == "segmenter":
        network = MaskNetwork(_backbone(spec), spec["outputs"])
        return Segmenter(network, _input_of(spec), WeightsOrigin("none"), ())
    if kind == "encoder_decoder":
        return plain_encoder_decoder(spec["backbone"], spec["channels"], spec["outputs"])
    if kind == "corrector":
        return ImageCorrector(build_network(spec["network"]))
    network = OWN["network"](*spec["arguments"])
    assert isinstance(network, nn.Module)
    return network


def _classifier(spec: Mapping[str, Any]) -> Classifier:
    backbone, name = _backbone(spec), spec["backbone"]
    replace_pool(backbone, spec["pool"], name)
    if spec["cosine"] is not None:
        use_cosine_head(backbone, spec["cosine"], name)
    scaled = spec["outputs"] if spec["scaled"] else 0
    return Classifier(backbone, _input_of(spec), WeightsOrigin("none"), (), scaled)


def _backbone(spec: Mapping[str, Any]) -> nn.Module:
    """The timm backbone; pairs in JSON are lists, and timm expects tuples."""
    arguments = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in spec["arguments"].items()
    }
    backbone: nn.Module = timm.create_model(spec["backbone"], pretrained=False, **arguments)
    return backbone


def _input_of(spec: Mapping[str, Any]) -> InputSpec:
    mean, std = tuple(spec["mean"]), tuple(spec["std"])
    return InputSpec(tuple(spec["size"]), spec["channels"], mean, std, "bilinear", 1.0)
