"""The candidates of a race: which there are, in which order, and what their runs would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toys import toy_photos

from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition
from comp.errors import ConfigError
from comp.racing import candidates
from comp.racing.candidates import check_can_race, config_of, make_candidates
from comp.runs.race import Candidate
from competitions.denoising import COMPETITION as DENOISING
from competitions.housing import COMPETITION as HOUSING

FILES = {"test_efficientnet": Path("/w/test_efficientnet.safetensors"), "test_vit": None}


@pytest.fixture(scope="module")
def photos() -> Competition:
    return toy_photos()


def config_for(photos: Competition, **keys: Any) -> RunConfig:
    own = {"backbone": "test_convnext", "pretrained": True, "image": {"size": 160}, "budget": 900.0}
    return resolve("toy", [photos.defaults, own, keys])


def found(photos: Competition, **keys: Any) -> list[Candidate]:
    return make_candidates(photos, config_for(photos, **keys), FILES)


def default_of(photos: Competition, config: RunConfig) -> RunConfig:
    (default,) = make_candidates(photos, config, FILES)
    return config_of(photos, config, default)


@pytest.fixture(scope="module")
def usual(photos: Competition) -> list[Candidate]:
    return found(photos)


def test_the_default_is_the_first_and_stays_as_it_is(
    photos: Competition, usual: list[Candidate]
) -> None:
    assert usual[0].name == "test_convnext, 160, as set"
    assert config_of(photos, config_for(photos), usual[0]) == config_for(photos)


@pytest.mark.parametrize(
    ("keys", "file"),
    [
        ({}, FILES["test_efficientnet"]),
        ({"weights": "/w/own.pth"}, Path("/w/own.pth")),
        ({"pretrained": False}, None),
    ],
)
def test_the_weights_of_the_default_come_from_its_file_if_it_has_one(
    keys: dict[str, Any],
    file: Path | None,
    photos: Competition,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidates, "MOST", 1)
    assert (
        default_of(photos, config_for(photos, backbone="test_efficientnet", **keys)).weights == file
    )


def test_one_thing_differs_before_two_do_and_the_axes_take_turns(
    usual: list[Candidate],
) -> None:
    names = [candidate.name for candidate in usual]
    assert names[:4] == [
        "test_convnext, 160, as set",
        "test_efficientnet, 160, as set",
        "test_convnext, 128, as set",
        "test_convnext, 160, frozen",
    ]
    assert names.index("test_convnext, 224, as set") < names.index("test_efficientnet, 128, as set")
    assert len(set(names)) == len(names) == candidates.MOST


def test_others_are_never_random_and_have_their_own_weights(
    photos: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_for(photos, pretrained=False, backbone_args={"ls_init_value": 1e-3})
    monkeypatch.setattr(candidates, "MOST", 12)
    for candidate in make_candidates(photos, config, FILES):
        changed = config_of(photos, config, candidate)
        if candidate.backbone == "test_convnext":
            assert not changed.pretrained
            assert changed.freeze == "none"  # frozen random weights learn nothing
            continue
        assert changed.pretrained
        assert changed.weights == FILES[candidate.backbone]
        assert changed.backbone_args == {}


def test_a_backbone_of_one_size_has_no_other(usual: list[Candidate]) -> None:
    sizes = {c.size for c in usual if c.backbone == "test_vit"}
    assert sizes == {"160"}
    assert {c.size for c in usual if c.backbone == "test_efficientnet"} == {"128", "160", "224"}


def test_ways_to_train_that_are_the_same_are_one_candidate(
    photos: Competition, usual: list[Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "MOST", 10)
    frozen = {"freeze": "all", "features": {"cache": "auto", "views": 0}}
    hows = [c.how for c in found(photos, **frozen) if c.backbone == "test_convnext"]
    assert "frozen" not in hows
    assert "frozen" in [c.how for c in usual if c.backbone == "test_convnext"]


@pytest.mark.parametrize(
    ("competition", "keys", "words"),
    [
        (HOUSING, {}, "but model = .*gbdt.*: give several models"),
        (DENOISING, {}, "the network of denoising is"),
        (None, {"pseudo": {"run": "x"}}, "does not train on pseudo-labels"),
    ],
)
def test_where_nothing_can_be_compared_one_line_says_why(
    competition: Competition | None, keys: dict[str, Any], words: str, photos: Competition
) -> None:
    chosen = competition or photos
    config = (
        resolve(chosen.name, [chosen.defaults, keys], chosen.options)
        if competition
        else config_for(photos, **keys)
    )
    with pytest.raises(ConfigError, match=words):
        check_can_race(chosen, config)
