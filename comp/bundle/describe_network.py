"""The network of a run as plain data, from which a bundle builds it again."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NoReturn

import torch
from torch import nn

from comp.bundle.parts.networks import build_network
from comp.bundle.parts.own import OWN
from comp.bundle.refusal import WHEELS, refuse
from comp.config.image_size import height_and_width
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.errors import CompError, RunError
from comp.models.backbone import InputSpec, pretrained_cfg
from comp.models.classifier import Classifier
from comp.models.column_head import ClassifierWithColumns
from comp.models.encoder_decoder import EncoderDecoder
from comp.models.image_corrector import ImageCorrector
from comp.models.segmenter import Segmenter

SIDE = 64
"""Pixels of a side of the random image that compares networks of images of any size."""
CHANNELS = (3, 1, 2, 4)
"""Channels that are tried for the network of a plugin."""


def describe_network(
    model: nn.Module, config: RunConfig, competition: Competition | None = None
) -> dict[str, Any]:
    """The description of a network, for `build_network`.

    The network is built again from it: both must return the same numbers for a random image.

    Args:
        model: the network, with its weights or without.
        competition: for a network of its plugin.

    Raises:
        RunError: the network cannot be built without comp, or not in the same way.
    """
    spec = _of_comp(model, config)
    if spec is None:
        spec = _own(model, config, competition)
    _check_same(model, spec, config, competition)
    return spec


def own_network(model: nn.Module, competition: Competition | None) -> str | None:
    """ "module:name" of the function or class of the plugin that builds the network; None if it is
    one of comp's."""
    if _is_of_comp(model):
        return None
    portable = competition.portable if competition else None
    if portable and portable.network:
        return place_of(portable.network)
    return place_of(type(model))


def place_of(function: Any) -> str:
    """ "module:name" of a function or class at the top of a module.

    Raises:
        RunError: it is somewhere else, or something else has its name.
    """
    name, module = getattr(function, "__qualname__", ""), getattr(function, "__module__", "")
    if not name.isidentifier() or module in ("", "__main__"):
        raise RunError(
            f"{name or function!r:.60} is not at the top of a module, so a bundle cannot copy it: "
            f"move it there, or {WHEELS}"
        )
    if getattr(import_module(module), name, None) is not function:
        raise RunError(
            f"{name} of {module} is not the function that the plugin uses, which something wraps "
            f"or replaces; a bundle would copy another one: give it a name of its own, or {WHEELS}"
        )
    return f"{module}:{name}"


def _is_of_comp(model: nn.Module) -> bool:
    return type(model) in (Classifier, Segmenter, EncoderDecoder, ClassifierWithColumns) or (
        type(model) is ImageCorrector and _is_of_comp(model.network)
    )


def _of_comp(model: Any, config: RunConfig) -> dict[str, Any] | None:
    """The description of a network of `comp.models`, None for another one."""
    if type(model) is ClassifierWithColumns:
        refuse("the network takes columns beside the image")
    if type(model) is Classifier:
        return _classifier(model, config)
    if type(model) is Segmenter:
        outputs = int(model.backbone.head.out_channels)  # type: ignore[union-attr, arg-type]
        arguments = {"features_only": True, "in_chans": model.input_spec.channels}
        return _on_backbone("segmenter", model.input_spec, config, outputs, arguments)
    if type(model) is EncoderDecoder:
        stem: Any = model.stem[0]
        channels = {"channels": stem.in_channels, "outputs": model.head.out_channels}
        return {"kind": "encoder_decoder", "backbone": config.backbone, **channels}
    if type(model) is ImageCorrector and (inner := _of_comp(model.network, config)):
        return {"kind": "corrector", "network": inner}
    return None


def _classifier(model: Classifier, config: RunConfig) -> dict[str, Any]:
    backbone: Any = model.backbone
    spec = model.input_spec
    arguments: dict[str, Any] = {"num_classes": backbone.num_classes, "in_chans": spec.channels}
    if pretrained_cfg(config.backbone).fixed_input_size:
        arguments["img_size"] = list(height_and_width(spec.size))
    head = model.head_config
    cosine = config.loss.scale if head and head.kind == "cosine" else None
    return _on_backbone("classifier", spec, config, backbone.num_classes, arguments) | {
        "pool": head.pool if head else "own",
        "cosine": cosine,
        "scaled": model.scaled,
    }


def _on_backbone(
    kind: str, spec: InputSpec, config: RunConfig, outputs: int, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "kind": kind,
        "backbone": config.backbone,
        "arguments": {**arguments, **config.backbone_args},
        "outputs": outputs,
        "channels": spec.channels,
        "size": list(height_and_width(spec.size)),
        "mean": list(spec.mean),
        "std": list(spec.std),
    }


def _own(model: nn.Module, config: RunConfig, competition: Competition | None) -> dict[str, Any]:
    """The description of a network of the plugin."""
    portable = competition.portable if competition else None
    if portable and portable.network:
        return {"kind": "own", "arguments": [dict(portable.settings(config))]}
    place_of(type(model))
    if type(model).__module__.startswith(("torch.", "timm.")):
        _refuse(model, "needs arguments that are only in the code of the plugin")
    return {"kind": "own", "arguments": []}


def _check_same(
    model: nn.Module,
    spec: Mapping[str, Any],
    config: RunConfig,
    competition: Competition | None,
) -> None:
    """Check that the description builds the same network.

    Raises:
        RunError: it does not.
    """
    before = dict(OWN)
    if spec["kind"] == "own":
        portable = competition.portable if competition else None
        OWN["network"] = portable.network if portable and portable.network else type(model)
    training = model.training
    try:
        with torch.random.fork_rng(devices=[]):
            other = build_network(spec)
            other.load_state_dict(model.state_dict())
        with torch.no_grad():
            image = _random_image(model, spec, config)
            outputs = [network.eval().cpu()(image) for network in (model, other)]
    except CompError:
        raise
    except Exception as error:  # whatever the network of a plugin raises
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        _refuse(model, f"cannot be built again ({reason:.120})", error)
    finally:
        model.train(training)
        OWN.clear()
        OWN.update(before)
    if outputs[0].shape != outputs[1].shape or not torch.equal(outputs[0], outputs[1]):
        _refuse(model, "returns other numbers when it is built again")


def _random_image(model: nn.Module, spec: Mapping[str, Any], config: RunConfig) -> torch.Tensor:
    """A random image that the network accepts.

    Raises:
        RunError: it accepts none of the usual ones.
    """
    generator = torch.Generator().manual_seed(0)
    known = spec.get("channels") or spec.get("network", {}).get("channels")
    side = config.image.size or SIDE
    size = tuple(spec["size"]) if spec["kind"] == "classifier" else height_and_width(side)
    for channels in (known,) if known else CHANNELS:
        image = torch.rand(1, channels, *_padded(size, model), generator=generator)
        try:
            model.eval()(image)
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError):
            continue
        return image
    return _refuse(model, "does not take an image alone")


def _padded(size: tuple[int, ...], model: nn.Module) -> tuple[int, ...]:
    """The size with sides that are multiples of what the network needs."""
    multiple = int(getattr(model, "multiple", 1))
    return tuple(-(-side // multiple) * multiple for side in size)


def _refuse(model: nn.Module, reason: str, error: Exception | None = None) -> NoReturn:
    """Refuse a network.

    Raises:
        RunError: always.
    """
    raise RunError(
        f"the network {type(model).__name__} {reason}: give the plugin portable=Portable("
        f"network=...), which builds it from plain values, or {WHEELS}"
    ) from error
