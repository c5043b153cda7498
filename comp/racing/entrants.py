"""Which backbones can start in a race: those whose pretrained weights can be loaded here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from comp.config.schema import RunConfig
from comp.errors import WeightsError
from comp.models.curated import architecture, curated, fetched, weights_files
from comp.training.device import choose_device, describe


def loadable_backbones(
    config: RunConfig, weights: Sequence[Path]
) -> tuple[Mapping[str, Path | None], Mapping[str, str]]:
    """The backbones to try with their files of weights (None: the hub has them), and why others
    are left out, by name. The user's files come first, then the curated backbones.

    Args:
        weights: files of pretrained weights, and folders of them.

    Raises:
        WeightsError: a path does not exist, or is not named as a backbone.
    """
    files: dict[str, Path | None] = {}
    files |= {**_beside(config.weights), **weights_files(weights)}
    known = {architecture(name) for name in (*files, config.backbone)}
    device = describe(choose_device(config.device))
    names = [n for n in curated(device, config.budget or 0.0) if architecture(n) not in known]
    left_out: dict[str, str] = {}
    return {**files, **dict.fromkeys(fetched(names, left_out))}, left_out


def _beside(weights: Path | None) -> Mapping[str, Path]:
    """The files of weights in the folder of a configured one."""
    try:
        return weights_files([weights.parent]) if weights else {}
    except WeightsError:
        return {}
