"""The networks of a bundle, built from plain data; `comp.bundle.describe_network` makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import timm
from torch import nn

from comp.bundle.parts.kinds import of_kind
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
    return of_kind(NETWORKS, spec["kind"], "network")(spec)


def _classifier(spec: Mapping[str, Any]) -> nn.Module:
    backbone, name = _backbone(spec), spec["backbone"]
    if spec["pool"] != "own":
        of_kind(HEADS, "pool", "head")(backbone, spec["pool"], name)
    if spec["cosine"] is not None:
        of_kind(HEADS, "cosine", "head")(backbone, spec["cosine"], name)
    scaled = spec["outputs"] if spec["scaled"] else 0
    return Classifier(backbone, _input_of(spec), WeightsOrigin("none"), (), scaled)


def _segmenter(spec: Mapping[str, Any]) -> nn.Module:
    network = MaskNetwork(_backbone(spec), spec["outputs"])
    return Segmenter(network, _input_of(spec), WeightsOrigin("none"), ())


def _encoder_decoder(spec: Mapping[str, Any]) -> nn.Module:
    return plain_encoder_decoder(spec["backbone"], spec["channels"], spec["outputs"])


def _corrector(spec: Mapping[str, Any]) -> nn.Module:
    return ImageCorrector(build_network(spec["network"]))


def _own(spec: Mapping[str, Any]) -> nn.Module:
    network = OWN["network"](*spec["arguments"])
    assert isinstance(network, nn.Module)
    return network


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


HEADS: dict[str, Callable[..., None]] = {
    "pool": replace_pool,
    "cosine": use_cosine_head,
}
"""Part of a head -> what changes a backbone, (backbone, value, name of the backbone)."""
NETWORKS: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "classifier": _classifier,
    "segmenter": _segmenter,
    "encoder_decoder": _encoder_decoder,
    "corrector": _corrector,
    "own": _own,
}
"""Kind of a description -> what builds its network."""
