"""The section `augment`, and its presets: strengths that belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from comp.config.section import Section
from comp.errors import ConfigError

Preset = Literal["none", "light", "medium", "strong", "trivial", "rand"]


class AugmentConfig(Section):
    """Random changes of the training images of a classifier; 0 turns one off."""

    preset: Annotated[Preset, BeforeValidator(lambda value: value or "none")] = Field(
        "none",
        description="sets the keys of this section that you do not give: light, medium, strong; "
        "trivial and rand: TrivialAugment and RandAugment instead of them",
    )
    on: Literal["cpu", "device"] = Field(
        "cpu",
        description="cpu: image by image in the loader; device: batch by batch on the device that "
        "trains, such as a GPU",
    )
    flip: bool = Field(True, description="random horizontal flip")
    vertical: bool = Field(False, description="random vertical flip")
    quarter_turns: bool = Field(False, description="random rotation by 0, 90, 180 or 270 degrees")
    rotate: float = Field(10.0, ge=0, le=180, description="largest rotation in degrees")
    shift: float = Field(0.05, ge=0, le=0.5, description="largest shift as a fraction of the side")
    scale: float = Field(0.1, ge=0, lt=1, description="largest relative change of size")
    stretch: float = Field(
        0.0, ge=0, lt=1, description="largest relative change of the width against the height"
    )
    area: float = Field(
        0.5, gt=0, le=1, description="smallest fraction of the area that a partial crop keeps"
    )
    brightness: float = Field(0.2, ge=0, le=1, description="largest relative change of brightness")
    contrast: float = Field(0.2, ge=0, le=1, description="largest relative change of contrast")
    gamma: float = Field(0.0, ge=0, lt=1, description="largest relative change of gamma")
    color: float = Field(
        0.0, ge=0, le=1, description="largest relative change of saturation and hue"
    )
    clahe: float = Field(
        0.0, ge=0, le=1, description="fraction of images whose contrast is equalised by region"
    )
    equalize: float = Field(
        0.0, ge=0, le=1, description="fraction of images whose histogram is equalised"
    )
    blur: float = Field(
        0.0, ge=0, le=1, description="fraction of images that are blurred or downscaled"
    )
    sharpen: float = Field(0.0, ge=0, le=1, description="fraction of images that are sharpened")
    noise: float = Field(0.0, ge=0, le=1, description="fraction of images with noise")
    resample: float = Field(
        0.0, ge=0, le=1, description="fraction of images that are made smaller and larger again"
    )
    jpeg: float = Field(
        0.0, ge=0, le=1, description="fraction of images with the traces of JPEG compression"
    )
    erase: float = Field(0.0, ge=0, le=1, description="fraction of images with erased rectangles")


POLICIES = ("trivial", "rand")
"""Presets that are a policy of torchvision; it moves images, but no masks."""
PLACED = ("rotate", "shift", "scale", "stretch")
"""Keys that move the content of an image. What a competition turns off, no preset turns on."""
_STRENGTHS = (
    *(*PLACED, "brightness", "contrast", "gamma", "color", "clahe", "equalize"),
    *("blur", "sharpen", "noise", "resample", "jpeg", "erase"),
)
_MEDIUM = {
    **{"rotate": 10.0, "shift": 0.05, "scale": 0.1, "stretch": 0.1, "area": 0.5},
    **{"brightness": 0.2, "contrast": 0.2, "gamma": 0.2, "color": 0.1},
    **{"blur": 0.1, "noise": 0.1, "resample": 0.1, "jpeg": 0.1, "erase": 0.1},
}
_STRONG = {
    **{"rotate": 15.0, "shift": 0.1, "scale": 0.25, "stretch": 0.25, "area": 0.35},
    **{"brightness": 0.3, "contrast": 0.5, "gamma": 0.4, "color": 0.3},
    **{"clahe": 0.15, "equalize": 0.15, "blur": 0.35, "sharpen": 0.15, "noise": 0.3},
    **{"resample": 0.5, "jpeg": 0.4, "erase": 0.3},
}
_LIGHT = {
    **{"rotate": 5.0, "shift": 0.03, "scale": 0.05, "area": 0.7},
    **{"brightness": 0.1, "contrast": 0.1},
}
_OFF = dict.fromkeys(_STRENGTHS, 0.0)
PRESETS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "light": _OFF | _LIGHT,
        "medium": _OFF | _MEDIUM,
        "strong": _OFF | _STRONG,
        "trivial": _OFF,
        "rand": _OFF,
    }
)
"""What each preset sets. Flips and quarter turns depend on the data, so no preset sets them."""


def preset_layer(layers: Sequence[Mapping[str, Any]]) -> tuple[int, dict[str, Any]]:
    """(index in `layers`, values) of a further layer with what `augment.preset` sets.

    The first of the layers is that of the competition, and a later one wins. The preset wins over
    the competition's strengths, except those that it turns off, and over a layer that has another
    preset, such as that of an earlier run. All other keys win over the preset.

    Raises:
        ConfigError: TrivialAugment and RandAugment move images, which the competition turns off.
    """
    names = [_augment(layer).get("preset", "") for layer in layers]
    given = [index for index, name in enumerate(names) if name != ""]
    name = names[given[-1]] if given else None
    if not isinstance(name, str) or name not in PRESETS:
        return 0, {}
    others = [index for index in given if names[index] != name]
    position = max([1 - (names[0] == name), *(index + 1 for index in others)])
    competition = _augment(layers[0]) if position else {}
    off = [key for key, value in competition.items() if value in (0, False)]
    off += ["stretch"] * ("scale" in off and "stretch" not in competition)
    still = [f"augment.{key}" for key in PLACED if key in off]
    if name in POLICIES and still:
        raise ConfigError(
            f"augment.preset = {name} moves images, and this competition turns {still[0]} off: "
            "use light, medium or strong"
        )
    values = {key: value for key, value in PRESETS[name].items() if key not in off}
    return position, {"augment": values}


def _augment(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    section = layer.get("augment")
    return section if isinstance(section, Mapping) else {}
