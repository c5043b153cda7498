"""Presets of augmentation among the layers of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from comp.config.augment import PRESETS, AugmentConfig
from comp.config.schema import resolve
from comp.errors import ConfigError

LIGHT, STRONG = PRESETS["light"], PRESETS["strong"]


def augment(*layers: Mapping[str, Any]) -> AugmentConfig:
    return resolve("x", [{"augment": layer} for layer in layers]).augment


def preset(name: str) -> dict[str, Any]:
    return {"preset": name}


def test_every_preset_sets_keys_that_exist_and_no_symmetry() -> None:
    for values in PRESETS.values():
        assert set(values) <= set(AugmentConfig.model_fields)
        assert not {"flip", "vertical", "quarter_turns", "preset"} & set(values)


def test_a_stronger_preset_is_stronger_in_every_key() -> None:
    light, medium, strong = (PRESETS[name] for name in ("light", "medium", "strong"))
    for weaker, stronger in ((light, medium), (medium, strong)):
        keys = set(weaker) - {"area"}
        assert all(weaker[key] <= stronger[key] for key in keys)
        assert weaker["area"] > stronger["area"]


def test_a_preset_wins_over_the_strengths_of_a_plugin() -> None:
    found = augment({"rotate": 1.0, "noise": 0.9}, preset("strong"))
    assert (found.rotate, found.noise) == (STRONG["rotate"], STRONG["noise"])
    assert found.preset == "strong"


@pytest.mark.parametrize("order", [0, 1])
def test_what_a_user_gives_wins_over_the_preset(order: int) -> None:
    given = [{"rotate": 1.0}, preset("strong")]
    found = augment({"rotate": 5.0}, *(given if order else given[::-1]))
    assert (found.rotate, found.shift) == (1.0, STRONG["shift"])


def test_no_preset_turns_on_what_a_plugin_turns_off() -> None:
    found = augment({"rotate": 0.0, "flip": False, "shift": 0.5}, preset("strong"))
    assert (found.rotate, found.flip, found.shift) == (0.0, False, STRONG["shift"])
    assert augment({"scale": 0.0}, preset("strong")).stretch == 0.0
    assert augment({"scale": 0.0, "stretch": 0.1}, preset("strong")).stretch == STRONG["stretch"]


def test_the_keys_of_a_plugin_win_over_its_own_preset() -> None:
    assert augment({"preset": "strong", "rotate": 3.0}).rotate == 3.0
    assert augment({"preset": "strong", "rotate": 3.0}, {}).shift == STRONG["shift"]
    changed = augment({"preset": "strong", "rotate": 3.0}, preset("light"))
    assert (changed.rotate, changed.shift) == (LIGHT["rotate"], LIGHT["shift"])
    assert augment({"preset": "strong", "rotate": 3.0}, preset("none")).shift == 0.05


def test_a_recorded_configuration_stays_as_it_is() -> None:
    first = augment({"rotate": 3.0}, {"preset": "strong", "noise": 0.7})
    record = first.model_dump(mode="json")
    assert augment(record) == first
    assert augment(record, preset("strong")) == first
    assert augment({"rotate": 3.0}, record, {}) == first


def test_another_preset_replaces_that_of_a_recorded_run() -> None:
    record = augment({"rotate": 3.0}, preset("strong")).model_dump(mode="json")
    found = augment({"rotate": 3.0}, record, {"preset": "light", "jpeg": 0.5})
    assert (found.rotate, found.brightness) == (LIGHT["rotate"], LIGHT["brightness"])
    assert found.jpeg == 0.5


@pytest.mark.parametrize("name", ["trivial", "rand"])
def test_a_policy_turns_the_strengths_off(name: str) -> None:
    found = augment({"rotate": 12.0}, {"preset": name, "erase": 0.5})
    strengths = found.model_dump(include=set(PRESETS["medium"]) - {"area", "erase"})
    assert set(strengths.values()) == {0.0}
    assert found.erase == 0.5


def test_a_policy_is_refused_if_the_plugin_keeps_images_in_place() -> None:
    with pytest.raises(ConfigError, match=r"trivial moves images.*augment\.shift"):
        augment({"shift": 0.0}, preset("trivial"))
    assert augment({"blur": 0.0}, preset("trivial")).preset == "trivial"


def test_an_unknown_preset_is_a_fault_of_the_key() -> None:
    with pytest.raises(ConfigError, match=r"augment\.preset"):
        augment({}, preset("extreme"))
    with pytest.raises(ConfigError, match="augment"):
        resolve("x", [{"augment": 3}])
