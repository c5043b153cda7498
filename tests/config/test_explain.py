"""Every key of a configuration, with the layer that it comes from."""

from __future__ import annotations

from itertools import pairwise

import pytest

from comp.config.augment import PRESETS
from comp.config.explain import ConfigEntry, explain, format_value
from comp.config.parsing import parse_sets
from comp.config.schema import RunConfig, keys, resolve
from comp.config.section import NoOptions
from comp.errors import ConfigError
from competitions.denoising import COMPETITION as DENOISING
from competitions.denoising import Options

LAYERS = [
    ("plugin", DENOISING.defaults),
    ("mine.toml", {"epochs": 3, "optim": {"lr": 0.5, "betas": [0.8, 0.9]}}),
    ("--set", {"optim": {"lr": 0.25}, "options": {"crop": 48}, "backbone_args": {"a": 1}}),
]


@pytest.fixture(scope="module")
def entries() -> dict[str, ConfigEntry]:
    found = explain("denoising", LAYERS, Options)
    by_key = {entry.key: entry for entry in found}
    assert len(by_key) == len(found)
    return by_key


def test_every_key_is_there_and_says_what_it_is(entries: dict[str, ConfigEntry]) -> None:
    known = {*keys(RunConfig), *(f"options.{key}" for key in keys(Options))}
    sections = {key.rpartition(".")[0] for key in known} | {"options"}
    assert set(entries) == known - sections
    assert [entry.key for entry in entries.values() if len(entry.description) < 8] == []


@pytest.mark.parametrize(
    ("key", "value", "source"),
    [
        ("folds", 5, "default"),
        ("epochs", 3, "mine.toml"),
        ("optim.name", "muon", "plugin"),
        ("optim.betas", [0.8, 0.9], "mine.toml"),
        ("optim.lr", 0.25, "--set"),
        ("optim.warmup", 0.05, "default"),
        ("options.crop", 48, "--set"),
        ("options.background", "recovered", "default"),
        ("backbone_args", {"a": 1}, "--set"),
        ("competition", "denoising", "command line"),
        ("weights", None, "default"),
    ],
)
def test_a_value_comes_from_the_last_layer_that_gives_it(
    entries: dict[str, ConfigEntry], key: str, value: object, source: str
) -> None:
    assert (entries[key].value, entries[key].source) == (value, source)


def test_sections_stand_together_and_plain_keys_first(entries: dict[str, ConfigEntry]) -> None:
    sections = [entry.section for entry in entries.values()]
    assert sections[0] == ""
    changes = sum(a != b for a, b in pairwise(sections))
    assert changes == len(set(sections)) - 1


def test_a_layer_that_says_the_default_is_still_the_source() -> None:
    found = explain("toy", [("a.toml", {"folds": 5})], NoOptions)
    assert next(e for e in found if e.key == "folds").source == "a.toml"


def test_mistakes_are_those_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'optim\.lrr'"):
        explain("toy", [("--set", {"optim": {"lrr": 1}})])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "true"),
        (0.001, "0.001"),
        ("adamw", "adamw"),
        ("", '""'),
        ("3", '"3"'),
        ([0.9, 0.99], "[0.9, 0.99]"),
        ({"pad_type": "same", "depth": 2}, '{pad_type = "same", depth = 2}'),
    ],
)
def test_a_value_is_shown_as_set_takes_it(value: object, text: str) -> None:
    assert format_value(value) == text
    assert parse_sets([f"key={text}"]) == {"key": value}


def test_what_is_shown_can_be_set(entries: dict[str, ConfigEntry]) -> None:
    told = ("plugin", "mine.toml", "--set")
    given = [f"{key}={format_value(e.value)}" for key, e in entries.items() if e.source in told]
    assert resolve("denoising", [parse_sets(given)], Options) == resolve(
        "denoising", [values for _, values in LAYERS], Options
    )


def test_a_preset_is_the_source_of_what_it_sets():
    layers = [
        ("plugin", {"augment": {"blur": 0.0, "noise": 0.9}}),
        ("run.toml", {"augment": {"rotate": 1.0}}),
    ]
    entries = explain("x", [*layers, ("--set", {"augment": {"preset": "strong"}})])
    found = {entry.key: (entry.value, entry.source) for entry in entries}

    assert found["augment.preset"] == ("strong", "--set")
    assert found["augment.rotate"] == (1.0, "run.toml")
    assert found["augment.blur"] == (0.0, "plugin")
    assert found["augment.noise"] == (PRESETS["strong"]["noise"], "preset strong")
    assert found["augment.flip"] == (True, "default")
