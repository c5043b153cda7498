"""Options of a plugin that change the targets are noticed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from comp.config.schema import resolve
from comp.config.section import Section
from comp.contract.sample import Reader, Sample
from comp.runs.folder import RunFolder
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.tuning.space import make_space
from comp.tuning.targets import target_hash, targets_of


class Options(Section):
    shift: int = 0
    gain: int = 1


def reader(_samples: Sequence[Sample], config: Any, _folder: Path) -> Reader:
    """The targets depend on `shift`, the images on `gain`."""
    options = config.options
    image = np.full((2, 2, 1), options.gain, np.uint8)
    return lambda _: {"image": image, "target": np.full((2, 2, 1), options.shift, np.uint8)}


def inputs_of(target: Any, folds: Sequence[int] = (0, 1), **options: int) -> Any:
    toy = table(name="toy", title="Toy", kaggle="competitions/toy", task=regression(("price",)))
    return SimpleNamespace(
        competition=replace(toy, reader=reader, options=Options),
        config=resolve("toy", [toy.defaults, {"options": options}], Options),
        train=[Sample(id=f"s{n}", image=Path("x.png"), target=target) for n in range(4)],
        test=[],
        folds={f"s{n}": n % 2 for n in range(4)},
        folds_to_train=folds,
        images=SimpleNamespace(skipped={}),
    )


def test_only_what_is_scored_counts(tmp_path: Path) -> None:
    path, folder = Path("target.png"), RunFolder(tmp_path)
    default = target_hash(inputs_of(path), folder)
    assert default == target_hash(inputs_of(path, gain=3), folder)
    assert default != target_hash(inputs_of(path, shift=3), folder)
    assert default != target_hash(inputs_of(path, (0,)), folder)
    assert target_hash(inputs_of(1.5), folder) == ""


@pytest.mark.parametrize(("key", "reads"), [("options.shift", True), ("gbdt.leaves", False)])
def test_targets_are_read_only_for_keys_that_can_change_them(
    key: str, reads: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section, _, name = key.partition(".")
    space = make_space({section: {name: [3, 5]}}, "toy", [], Options)
    scratch: list[Any] = []

    class Scratch:
        def __init__(self, inputs: Any) -> None:
            scratch.append(inputs)

        def __enter__(self) -> RunFolder:
            return RunFolder(tmp_path)

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("comp.tuning.targets.scratch_run", Scratch)
    found = targets_of(inputs_of(Path("target.png")), space)
    assert (bool(found), bool(scratch)) == (reads, reads)
