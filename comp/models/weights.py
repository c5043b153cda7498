"""Build a backbone with its weights: pretrained from the hub, from a local file, or random.

Pretrained weights are never replaced by random ones: weights that cannot be fetched or read, or
that do not fit, are an error.
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
from comp.models.hub import fetch_weights, find_weights, first_line

TIMM_ERRORS = (
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What timm raises for arguments or files that it cannot use."""

FILE_ERRORS = (*TIMM_ERRORS, EOFError, SafetensorError, pickle.UnpicklingError)


@dataclass(frozen=True)
class WeightsOrigin:
    """Where weights came from. `name` is the name of the file or the id on the hub, "" for random
    weights."""

    kind: Literal["hub", "file", "none"]
    name: str = ""
    sha256: str | None = None


def create_backbone(config: RunConfig, **arguments: Any) -> tuple[nn.Module, WeightsOrigin]:
    """Build `config.backbone` with timm and load the configured weights.

    A file in `config.weights` is loaded even if `config.pretrained` is false. It contains the
    tensors of this architecture: safetensors, or a torch state dict, also under the key
    "state_dict" or "model"; reading it runs no code. The classifier may have another size: timm
    drops it, and adapts the input convolution to the channels. Every other tensor must exist in the
    file. Only files from the hub may miss one-dimensional tensors, such as the norm before the
    head. Files from the hub, and all files for `features_only`, may contain more tensors.

    Args:
        arguments: passed to timm.create_model.

    Raises:
        ConfigError: the backbone is unknown.
        WeightsError: the weights cannot be fetched or read, or do not fit.
        Exception: one of `TIMM_ERRORS`: timm cannot build the backbone with these arguments.
    """
    name = config.backbone
    check_backbone(name)
    file, origin = _weights_file(config)
    if file is None:
        return timm.create_model(name, pretrained=False, **arguments), origin
    lenient = arguments.get("features_only", False)
    try:
        with (
            _strict_loading(f"{file} does not fit {name}", origin.kind == "hub", lenient),
            _quiet(),
        ):
            model: nn.Module = timm.create_model(
                name,
                pretrained=True,
                pretrained_cfg_overlay={"file": str(file)},
                **arguments,
            )
    except FILE_ERRORS as error:
        timm.create_model(name, pretrained=False, **arguments)  # raises if the file is not to blame
        if isinstance(error.__cause__, pickle.UnpicklingError):
            raise WeightsError(
                f"{file} does not contain plain weights, or contains objects that run code when "
                "opened: use a safetensors file or a torch state dict"
            ) from error
        raise WeightsError(
            f"{file} does not fit {name} ({first_line(error)}): use a file for this backbone"
        ) from error
    return model, origin


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide torch's warning about a pickle that it then refuses."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
        yield


def _weights_file(config: RunConfig) -> tuple[Path | None, WeightsOrigin]:
    if file := config.weights:
        if not file.is_file():
            raise WeightsError(f"no weights at {file}: name a file with backbone weights")
        return file, WeightsOrigin("file", file.name, sha256(file))
    if not config.pretrained:
        return None, WeightsOrigin("none")
    file = fetch_weights(config.backbone)
    hub_file = find_weights(config.backbone)
    return file, WeightsOrigin("hub", hub_file.hub_id or str(hub_file.url), sha256(file))


@contextmanager
def _strict_loading(refusal: str, from_hub: bool, lenient: bool) -> Iterator[None]:
    """Refuse state dicts that do not fit while timm builds a network.

    If the classifier has another size, timm loads a state dict with strict=False, after it has
    converted the keys, and does not report missing tensors. So `nn.Module.load_state_dict`, which
    every load calls, is replaced while timm builds.
    """
    load, loaded = nn.Module.load_state_dict, []

    def strict_load(module: nn.Module, state: Mapping[str, Any], *more: Any, **options: Any) -> Any:
        mismatches = _mismatches(module, state, from_hub, lenient)
        if mismatches:
            raise WeightsError(f"{refusal}: {mismatches}; use a file for this backbone")
        loaded.append(module)
        return load(module, state, *more, **options)

    nn.Module.load_state_dict = strict_load  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        nn.Module.load_state_dict = load  # type: ignore[method-assign]
    if not loaded:
        raise WeightsError(f"{refusal}: timm loaded no weights from it; use another file")


def _mismatches(module: nn.Module, state: Mapping[str, Any], from_hub: bool, lenient: bool) -> str:
    """A list of the tensors that do not fit, for a message; "" if all fit."""
    expected = module.state_dict()
    pretrained: Any = module.pretrained_cfg
    heads = pretrained.get("classifier") or ()
    heads = tuple(f"{head}." for head in ((heads,) if isinstance(heads, str) else heads))

    def counts(key: str) -> bool:
        return not key.startswith(heads) and not key.endswith("num_batches_tracked")

    absent = [key for key in expected if key not in state and counts(key)]
    unexpected = sorted(key for key in state if key not in expected and counts(key))
    common = [key for key in expected if key in state]
    kinds = {
        "missing": [key for key in absent if expected[key].ndim > 1 or not from_hub],
        "unexpected": [] if from_hub or lenient else unexpected,
        "of another shape": [
            key for key in common if getattr(state[key], "shape", None) != expected[key].shape
        ],
    }
    return ", ".join(
        f"{len(keys)} {kind} ({', '.join(keys[:2])}{', ...' if len(keys) > 2 else ''})"
        for kind, keys in kinds.items()
        if keys
    )
