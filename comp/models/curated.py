"""Backbones that are worth a try, and where their pretrained weights are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import timm

from comp.errors import ConfigError, WeightsError
from comp.models.hub import fetch_weights, find_weights

SMALL = (
    "tf_efficientnet_lite0",
    "mobilenetv2_100",
    "regnety_004",
    "tf_efficientnetv2_b0",
    "mobilenetv4_conv_small",
    "resnet18",
    "tf_mobilenetv3_small_100",
)
"""Backbones with 0.1 to 2 GMACs an image of 224 pixels, for CPUs and for short budgets."""
MEDIUM = (
    "convnext_tiny",
    "tf_efficientnetv2_s",
    "vit_small_patch16_224",
    "swinv2_tiny_window8_256",
    "regnety_032",
)
"""Backbones with 3 to 9 GMACs, for GPUs."""
LARGE = (
    "convnext_small",
    "tf_efficientnetv2_m",
    "vit_base_patch16_224",
    "swinv2_small_window8_256",
)
"""Backbones with 9 to 25 GMACs, for GPUs and hours."""
HOUR = 3600.0
SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
"""Endings of files with weights."""


def curated(device: str, budget_s: float) -> Sequence[str]:
    """The backbones that fit a device and a budget, the most promising first.

    Args:
        device: a description that starts with cpu, cuda or mps.
    """
    if device.startswith("cpu"):
        return (*SMALL, *MEDIUM[:1]) if budget_s >= 2 * HOUR else SMALL
    if budget_s < HOUR / 2:
        return (*SMALL[:4], *MEDIUM)
    return (*MEDIUM, *SMALL[:2]) if budget_s < 3 * HOUR else (*MEDIUM, *LARGE)


def architecture(backbone: str) -> str:
    """The name of a backbone without the tag of its weights."""
    return backbone.partition(".")[0]


def weights_files(paths: Sequence[Path]) -> Mapping[str, Path]:
    """Files of pretrained weights by the backbone that their names say, such as
    `convnext_tiny.safetensors`.

    Args:
        paths: files, and folders whose other files are left out.

    Raises:
        WeightsError: a path does not exist, a file is not named as a backbone, or a folder has no
            such file.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise WeightsError(f"no weights at {path}: name a file, or a folder of such files")
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        named = {file.stem: file for file in files if _names_backbone(file)}
        if not named:
            raise WeightsError(
                f"{path} is not named as a backbone, and contains no file that is: name the files "
                "as timm does, such as convnext_tiny.safetensors"
            )
        found = {name: file.absolute() for name, file in named.items()} | found
    return found


def _names_backbone(file: Path) -> bool:
    return file.suffix in SUFFIXES and file.is_file() and bool(timm.is_model(file.stem))


def fetched(names: Sequence[str], problems: dict[str, str]) -> Iterator[str]:
    """Yield the backbones whose weights are in the cache of the hub, then those that the hub gives;
    its first failure ends the search.

    Args:
        problems: gets why a backbone is left out, by name.
    """
    cached = [name for name in names if find_weights(name).cached]
    yield from cached
    rest = [name for name in names if name not in cached]
    for index, name in enumerate(rest):
        try:
            fetch_weights(name)
        except (WeightsError, ConfigError) as error:
            reason = str(error).partition("): ")[0]
            problems |= dict.fromkeys(rest[index:], f"{reason})")
            return
        yield name
