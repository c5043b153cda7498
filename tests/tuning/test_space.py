"""Spaces of studies: what a file may say, and what is refused before anything runs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from comp.config.schema import resolve
from comp.contract.metrics import ACCURACY
from comp.errors import ConfigError
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.tuning.default_spaces import default_space
from comp.tuning.space import Space, make_space
from comp.tuning.toml import config_text, space_text

HOUSES = table(name="toy", title="Toy", kaggle="competitions/toy", task=regression(("price",)))


def space_of(text: str, **config: Any) -> Space:
    return make_space(
        tomllib.loads(text), "toy", [HOUSES.defaults, config], HOUSES.options, "f.toml"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[optim.lrr]\nlow=1\nhigh=2", "optim.lrr: unknown key (did you mean 'optim.lr'?)"),
        ("[optim]\nlow=1\nhigh=2", "optim: it is a section: name one of its keys"),
        ("[optim.lr]\nlow=0.1\nhigh=0.1", "optim.lr: low = 0.1 is not below high = 0.1"),
        ("[optim.lr]\nlow=0.1\nhigh=0.01", "optim.lr: low = 0.1 is not below high = 0.01"),
        ("[optim.lr]\nlow=-1\nhigh=1", "optim.lr: -1: input should be greater than 0"),
        ("[gbdt.lr]\nlow=0.1\nhigh=3.0", "gbdt.lr: 3.0: input should be less than or equal to 1"),
        ("[gbdt.leaves]\nlow=2.5\nhigh=9", "gbdt.leaves: low = 2.5: give a whole number"),
        ("[gbdt.leaves]\nlow='2'\nhigh=9", "gbdt.leaves: low = '2': give a whole number"),
        ("[gbdt.leaves]\nmin=2\nmax=9", "gbdt.leaves: 'min' is not one of low, high"),
        ("[gbdt.leaves]\nlow=2", "gbdt.leaves: high is missing"),
        ("[gbdt.leaves]\nlow=2\nhigh=9\nstep=8", "gbdt.leaves: step = 8 is not above 0 and up to"),
        ("[gbdt.l2]\nlow=0\nhigh=9\nlog=true", "gbdt.l2: log = true does not go with low = 0"),
        ("[loss.name]\nlow=1\nhigh=2", "loss.name: its values are not numbers"),
        ("loss.name=['mse','mes']", "loss.name: 'mes': did you mean 'mse'?"),
        ("loss.name=['mse']", "loss.name: choices = ['mse']: give a list of two or more"),
        ("loss.name=['mse','mse']", "loss.name: the choice mse is given twice"),
        ("optim.lr=['auto',0.1]", "optim.lr: auto is found before the study"),
        ("folds=[3,5]", "folds: it changes the data or the folds"),
        ("fold_seed=[3,5]", "fold_seed: it changes the data or the folds"),
        ("max_steps=[3,5]", "max_steps: it sets the length"),
        ("pseudo.weight=[0.5,1.0]", "pseudo.weight: it changes the data"),
        ("", "it names no key"),
    ],
)
def test_faults_are_refused_in_one_line_that_names_the_key(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        space_of(text)
    assert str(error.value).startswith(f"1 fault in f.toml: {message}")
    assert "\n" not in str(error.value)


def test_all_faults_are_named_together() -> None:
    with pytest.raises(ConfigError, match=r"3 faults in f\.toml: folds: .*; seed: .*; gbdt\.lr: "):
        space_of("folds=[1,2]\nseed=[1,2]\n[gbdt.lr]\nlow=1\nhigh=0.5")


def test_values_of_a_space_become_a_configuration_and_back() -> None:
    text = "gbdt.depth=['none',4]\nimage.size=[32,[32,64]]\n[gbdt.leaves]\nlow=7\nhigh=15\nstep=4"
    space = space_of(text)
    stored = {"gbdt.depth": "none", "image.size": "[32, 64]", "gbdt.leaves": 11}
    layer = space.layer(stored)
    assert layer == {"gbdt": {"depth": None, "leaves": 11}, "image": {"size": [32, 64]}}
    assert space.stored(resolve("toy", [HOUSES.defaults, layer])) == stored
    assert space.outside(resolve("toy", [layer, {"gbdt": {"leaves": 12}}])) == ["gbdt.leaves"]
    again = make_space(tomllib.loads(space_text(space)), "toy", [HOUSES.defaults], HOUSES.options)
    assert again == space
    assert [list(p.values()) for p in space.parameters][1] == [7, 11, 15]


def test_a_best_file_is_a_configuration() -> None:
    layers = {"folds": 3, "gbdt": {"lr": 0.1}}, {"gbdt": {"depth": None, "leaves": 9}}
    text = config_text(["best"], *layers, {"model": ["gbdt", "mlp"], "weights": "a\\b"})
    assert "# give --set gbdt.depth=none\n" in text
    assert tomllib.loads(text) == {
        "folds": 3,
        "gbdt": {"lr": 0.1, "leaves": 9},
        "model": ["gbdt", "mlp"],
        "weights": "a\\b",
    }


def test_edges_of_a_logarithmic_range() -> None:
    (parameter,) = space_of("[optim.lr]\nlow=1e-4\nhigh=1e-2\nlog=true").parameters
    assert [parameter.at_edge(v) for v in (1.1e-4, 2e-4, 5e-3, 9.5e-3)] == ["low", "", "", "high"]


@pytest.mark.parametrize("model", [["gbdt"], ["xgboost"], ["mlp", "tabm"], ["linear"], ["knn"]])
def test_the_default_space_of_a_table_contains_the_default(model: list[str]) -> None:
    layers = [HOUSES.defaults, {"model": model, "gbdt": {"leaves": 500}, "optim": {"lr": 0.5}}]
    config = resolve("toy", layers)
    space = make_space(default_space(HOUSES, config), "toy", layers, HOUSES.options)
    assert space.outside(config) == []
    sections = {p.key.partition(".")[0] for p in space.parameters}
    assert sections & {*model, "gbdt", "optim"}


def test_the_default_space_of_images_follows_the_task() -> None:
    from toys import toy

    classes = toy(classes=("cat", "dog"), metric=ACCURACY)
    images = toy()
    keys = {}
    for competition in (classes, images):
        config = resolve("toy", [{"pretrained": True}])
        space = make_space(default_space(competition, config), "toy", [{}], competition.options)
        keys[competition.task.output] = {parameter.key for parameter in space.parameters}
    assert {"augment.preset", "loss.smoothing", "optim.layer_decay"} <= keys["numbers"]
    assert "loss.smoothing" not in keys["image"]
    assert {"loss.name", "optim.lr"} <= keys["image"]
    cached = resolve("toy", [{"pretrained": True, "freeze": "all"}])
    assert "augment" not in default_space(classes, cached)
    assert "augment" in default_space(classes, resolve("toy", [{"pretrained": True, "freeze": 2}]))


def test_the_example_in_the_docs_is_a_space() -> None:
    page = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text(encoding="utf-8")
    example = page.split("```text\n")[1].split("```")[0]
    keys = [parameter.key for parameter in space_of(example).parameters]
    assert keys == ["optim.lr", "gbdt.leaves", "augment.preset"]


@pytest.mark.parametrize("text", ["data.path=['a','b']", "[optim.foo]\nlow=1\nhigh=2"])
def test_an_unknown_key_gets_no_guess_that_is_not_near(text: str) -> None:
    with pytest.raises(ConfigError, match=r"unknown key$"):
        space_of(text)
