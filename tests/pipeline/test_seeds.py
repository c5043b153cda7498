"""The trainings of a fold: their seeds and their folders."""

from __future__ import annotations

from pathlib import Path

from comp.config.schema import RunConfig, resolve
from comp.pipeline.seeds import trainings


def config(**settings: object) -> RunConfig:
    return resolve("toy", [{"seed": 7, **settings}])


def test_one_seed_is_the_fold_itself() -> None:
    one = config()
    assert trainings(one, Path("fold-0")) == [(one, Path("fold-0"))]


def test_several_seeds_have_folders_and_keep_the_folds() -> None:
    found = trainings(config(seeds=20), Path("fold-0"))
    assert [place.as_posix() for _, place in found[:2]] == ["fold-0/seed-0", "fold-0/seed-1"]
    seeds = [one.seed for one, _ in found]
    assert seeds[0] == 7
    assert len(set(seeds)) == 20
    assert {(one.seeds, one.fold_seed) for one, _ in found} == {(1, 7)}
    fewer = trainings(config(seeds=3), Path("fold-0"))
    assert [one.seed for one, _ in fewer] == seeds[:3]
