"""Which flipped and turned copies are predicted, and that they are undone exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import albumentations as A
import pytest
import torch

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition, ImageSpec
from comp.data.pipelines import as_pipeline
from comp.errors import ConfigError
from comp.inference.tta import (
    SYMMETRIES,
    check_turns,
    resolve_tta,
    trained_symmetries,
    tta_note,
)


def competition(*steps: Any) -> Competition:
    return replace(registry.get("chest-xray"), pipeline=lambda *_: A.Compose(list(steps)))


def config(tta: str = "auto", **values: Any) -> RunConfig:
    return resolve("chest-xray", [{"backbone": "test_resnet", "predict": {"tta": tta}}, values])


@pytest.mark.parametrize("tta", SYMMETRIES)
def test_every_copy_is_undone_exactly_also_if_it_is_not_square(tta: str) -> None:
    image = torch.arange(2 * 3 * 4 * 7.0).view(2, 3, 4, 7)
    for symmetry in SYMMETRIES[tta]:
        assert torch.equal(symmetry.undo(symmetry.apply(image)), image)


@pytest.mark.parametrize(
    ("tta", "count"),
    [("none", 1), ("hflip", 2), ("vflip", 2), ("flips", 4), ("turns", 4), ("dihedral", 8)],
)
def test_the_copies_differ_and_form_a_group(tta: str, count: int) -> None:
    image = torch.arange(9.0).view(1, 1, 3, 3)
    copies = {tuple(s.apply(image).ravel().tolist()) for s in SYMMETRIES[tta]}
    twice = {
        tuple(s.apply(t.apply(image)).ravel().tolist())
        for s in SYMMETRIES[tta]
        for t in SYMMETRIES[tta]
    }
    assert len(copies) == len(SYMMETRIES[tta]) == count
    assert twice == copies


def test_turns_are_rotations() -> None:
    image = torch.arange(9.0).view(1, 1, 3, 3)
    copies = {tuple(s.apply(image).ravel().tolist()) for s in SYMMETRIES["turns"]}
    assert copies == {tuple(torch.rot90(image, k, (2, 3)).ravel().tolist()) for k in range(4)}


@pytest.mark.parametrize(
    ("augment", "expected"),
    [
        ({}, "hflip"),
        ({"flip": False}, "none"),
        ({"vertical": True}, "flips"),
        ({"flip": False, "vertical": True}, "vflip"),
        ({"flip": False, "quarter_turns": True}, "turns"),
        ({"quarter_turns": True}, "dihedral"),
        ({"flip": False, "vertical": True, "quarter_turns": True}, "dihedral"),
    ],
)
def test_auto_makes_the_copies_that_training_shows(augment: dict, expected: str) -> None:
    settings = config(augment=augment)
    assert resolve_tta(registry.get("chest-xray"), settings) == expected
    assert tta_note(registry.get("chest-xray"), settings) == ""


def test_auto_makes_no_copies_without_augmentation() -> None:
    settings = config(loader={"augment": False})
    assert resolve_tta(registry.get("chest-xray"), settings) == "none"


def test_auto_looks_at_the_pipeline_that_a_plugin_has_itself() -> None:
    """Its pipeline does not read augment.flip, which is true."""
    assert resolve_tta(competition(A.RandomCrop(8, 8)), config()) == "none"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([A.OneOf([A.HorizontalFlip(), A.Blur()])], "hflip"),
        ([A.HorizontalFlip(p=0)], "none"),
        ([A.Sequential([A.VerticalFlip()], p=0)], "none"),
        ([A.D4()], "dihedral"),
        ([A.SquareSymmetry()], "dihedral"),
        ([A.Transpose()], "none"),
        ([A.Transpose(), A.HorizontalFlip()], "dihedral"),
        ([A.Transpose(), A.RandomRotate90()], "dihedral"),
        ([A.Rotate(180)], "none"),
        ([A.ColorJitter(), A.HorizontalFlip()], "hflip"),  # its `transforms` are functions
    ],
)
def test_the_symmetries_of_a_pipeline(steps: list, expected: str) -> None:
    assert trained_symmetries(as_pipeline(A.Compose(steps))) == expected


def test_an_explicit_value_stays_and_is_noted_if_training_does_not_show_it() -> None:
    settings = config("hflip", augment={"flip": False})
    assert resolve_tta(registry.get("chest-xray"), settings) == "hflip"
    note = tta_note(registry.get("chest-xray"), settings)
    assert "predict.tta = hflip" in note
    assert "only 'none'" in note
    assert "set predict.tta=auto" in note


@pytest.mark.parametrize(
    ("tta", "augment"),
    [
        ("none", {"flip": False}),
        ("hflip", {"vertical": True}),
        ("flips", {"vertical": True}),
        ("dihedral", {"flip": True, "rotate": 180.0}),
    ],
)
def test_values_that_training_shows_are_not_noted(tta: str, augment: dict) -> None:
    assert tta_note(registry.get("chest-xray"), config(tta, augment=augment)) == ""


def test_the_defaults_of_denoising_are_what_it_trains_with() -> None:
    denoising = registry.get("denoising")
    settings = resolve("denoising", [denoising.defaults], denoising.options)
    assert tta_note(denoising, settings) == ""


WIDE = {"size": [32, 80]}
CHEST = registry.get("chest-xray")
SALT = registry.get("salt")


@pytest.mark.parametrize(
    ("competition", "values", "words"),
    [
        (CHEST, {"predict": {"tta": "turns"}}, "predict.tta = turns turns images by 90 degrees"),
        (CHEST, {"predict": {"tta": "dihedral"}}, "predict.tta = dihedral"),
        (CHEST, {"augment": {"quarter_turns": True}}, "augment.quarter_turns = true"),
        (SALT, {"augment": {"quarter_turns": True}}, "augment.quarter_turns = true"),
    ],
)
def test_quarter_turns_of_an_input_that_is_not_square_are_refused(
    competition: Competition, values: dict, words: str
) -> None:
    base = {"backbone": "test_resnet"}
    check_turns(competition, resolve(competition.name, [base, values, {"image": {"size": 80}}]))
    wide = resolve(competition.name, [base, values, {"image": WIDE}])
    for refuse in (check_turns, resolve_tta):
        with pytest.raises(ConfigError) as refused:
            refuse(competition, wide)
        assert str(refused.value).startswith(words)
        assert "needs a square input, but the size is [32, 80]: set it to" in str(refused.value)


def test_masks_of_any_size_are_predicted_from_turned_copies() -> None:
    wide = resolve("salt", [{"predict": {"tta": "dihedral"}, "image": WIDE}])
    assert resolve_tta(SALT, wide) == "dihedral"


def test_turns_that_are_turned_off_are_not_refused() -> None:
    off = config(image=WIDE, augment={"quarter_turns": True}, loader={"augment": False})
    assert resolve_tta(CHEST, off) == "none"


@pytest.mark.parametrize(
    ("step", "expected"),
    [(A.D4(), "flips"), (A.RandomRotate90(), "none"), (A.HorizontalFlip(), "hflip")],
)
def test_auto_turns_nothing_that_a_plugin_turned_before_it_got_its_size(
    step: Any, expected: str
) -> None:
    plugin = competition(step, A.Resize(32, 80))
    assert resolve_tta(plugin, config(image=WIDE)) == expected
    fixed = replace(plugin, image_spec=lambda _config: ImageSpec(size=(32, 80)))
    assert resolve_tta(fixed, config()) == expected
    with pytest.raises(ConfigError, match=r"predict\.tta = turns"):
        check_turns(fixed, config("turns"))
