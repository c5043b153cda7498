"""Where the weights of a backbone come from: the hub, a local file, or nowhere; and do they fit.

Random weights never take the place of pretrained ones in silence: what cannot be fetched, read or
fitted is refused.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import timm
from safetensors import SafetensorError
from torch import nn

from comp.config.schema import RunConfig
from comp.errors import WeightsError
from comp.files import sha256
from comp.models.backbone import check_backbone
from comp.models.hub import fetch, first_line, where

REFUSALS = (
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What timm raises for arguments or files that it cannot use."""

UNREADABLE = (*REFUSALS, EOFError, SafetensorError, pickle.UnpicklingError)


@dataclass(frozen=True)
class Origin:
    """Where weights came from: `name` is a file's name or an id of the hub, "" for none."""

    kind: Literal["hub", "file", "none"]
    name: str = ""
    sha256: str | None = None


def create(config: RunConfig, **arguments: Any) -> tuple[nn.Module, Origin]:
    """Build `config.backbone` with timm, with the weights that the configuration asks for.

    A file in `config.weights` counts as pretrained, whatever `config.pretrained` says. It holds
    the tensors of this architecture (safetensors, or a torch state dict, also under "state_dict" or
    "model"; opened without running code that it may hold). The classifier may be of another size;
    timm drops it, and adapts the input convolution to the channels. Every other tensor must be
    there. The hub's own files may lack one-dimensional tensors, such as the norm before the head,
    and hold more than is needed, as every file may for `features_only`.

    Args:
        arguments: passed to timm.create_model.

    Raises:
        ConfigError: an unknown backbone.
        WeightsError: weights that can be neither fetched nor read, or do not fit.
        Exception: one of `REFUSALS`, when timm cannot build the backbone with these arguments.
    """
    name = config.backbone
    check_backbone(name)
    file, origin = _source(config)
    if file is None:
        return timm.create_model(name, pretrained=False, **arguments), origin
    lenient = arguments.get("features_only", False)
    try:
        with _must_fit(f"{file} does not fit {name}", origin.kind == "hub", lenient), _quiet():
            model: nn.Module = timm.create_model(
                name,
                pretrained=True,
                pretrained_cfg_overlay={"file": str(file)},
                **arguments,
            )
    except UNREADABLE as error:
        timm.create_model(name, pretrained=False, **arguments)  # raises what is not the file's
        if isinstance(error.__cause__, pickle.UnpicklingError):
            raise WeightsError(
                f"{file} holds no plain weights, or objects that would run code when opened: give "
                "a safetensors file or a torch state dict"
            ) from error
        raise WeightsError(f"{file} does not fit {name}: {first_line(error)}") from error
    return model, origin


@contextmanager
def _quiet() -> Iterator[None]:
    """Within it, torch does not tell by a warning of a pickle that it then refuses."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
        yield


def _source(config: RunConfig) -> tuple[Path | None, Origin]:
    if file := config.weights:
        if not file.is_file():
            raise WeightsError(f"no weights at {file}: give a file of backbone weights")
        return file, Origin("file", file.name, sha256(file))
    if not config.pretrained:
        return None, Origin("none")
    file = fetch(config.backbone)
    place = where(config.backbone)
    return file, Origin("hub", place.hub_id or str(place.url), sha256(file))


@contextmanager
def _must_fit(refusal: str, from_hub: bool, lenient: bool) -> Iterator[None]:
    """Within it, a network takes no state dict that does not fit, however timm loads it.

    timm loads a state dict leniently where the classifier is of another size, after its own
    conversion of the keys, and says nothing of what was missing. So the one place through which
    all of them go is watched for as long as timm builds.
    """
    load, loaded = nn.Module.load_state_dict, []

    def strictly(module: nn.Module, state: Mapping[str, Any], *more: Any, **options: Any) -> Any:
        misfits = _misfits(module, state, from_hub, lenient)
        if misfits:
            raise WeightsError(f"{refusal}: {misfits}; give a file made for this backbone")
        loaded.append(module)
        return load(module, state, *more, **options)

    nn.Module.load_state_dict = strictly  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        nn.Module.load_state_dict = load  # type: ignore[method-assign]
    if not loaded:
        raise WeightsError(f"{refusal}: timm loaded nothing from it")


def _misfits(module: nn.Module, state: Mapping[str, Any], from_hub: bool, lenient: bool) -> str:
    """The tensors that do not fit, in words; empty if all do."""
    own = module.state_dict()
    known: Any = module.pretrained_cfg
    heads = known.get("classifier") or ()
    heads = tuple(f"{head}." for head in ((heads,) if isinstance(heads, str) else heads))

    def counts(key: str) -> bool:
        return not key.startswith(heads) and not key.endswith("num_batches_tracked")

    absent = [key for key in own if key not in state and counts(key)]
    missing = [key for key in absent if own[key].ndim > 1 or not from_hub]
    more = sorted(key for key in state if key not in own and counts(key))
    other = [k for k in own if k in state and getattr(state[k], "shape", None) != own[k].shape]
    kinds = {
        "missing": missing,
        "unexpected": [] if from_hub or lenient else more,
        "of another shape": other,
    }
    return ", ".join(
        f"{len(keys)} {kind} ({', '.join(keys[:2])}{', ...' if len(keys) > 2 else ''})"
        for kind, keys in kinds.items()
        if keys
    )
