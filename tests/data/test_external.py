"""External data trains in every fold and is never held out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.external import (
    copies_of_scored,
    open_external,
    read_pointer,
    read_train,
    write_pointer,
)
from comp.data.folds import NEVER, folds_of, split
from comp.errors import DataError, RunError
from comp.workspace import Workspace
from competitions.chest_xray import COMPETITION as CHEST


@pytest.fixture(scope="module")
def roots(
    drawn: Callable[[Competition], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    own, other = drawn(CHEST), tmp_path_factory.mktemp("other")
    CHEST.draw_synthetic(other, np.random.default_rng(1))
    return own, other


def settings(*external: Path | str) -> RunConfig:
    keys = {"external": [str(path) for path in external]}
    return resolve(CHEST.name, [CHEST.defaults, keys], CHEST.options)


def test_external_samples_train_and_are_never_held_out(roots: tuple[Path, Path]) -> None:
    own, other = roots
    samples = read_train(CHEST, own, [other, other])
    alone, added = CHEST.samples(own, "train"), CHEST.samples(other, "train")
    ids = [*(f"external-1/{s.id}" for s in added), *(f"external-2/{s.id}" for s in added)]
    assert [s.id for s in samples] == [*(s.id for s in alone), *ids]
    assert [s.group for s in samples] == [s.group for s in [*alone, *added, *added]]

    folds = folds_of(settings(), CHEST, samples)
    assert {s.id: folds[s.id] for s in alone} == folds_of(settings(), CHEST, alone)
    assert {folds[name] for name in ids} == {NEVER}
    for fold in range(5):
        train, held_out = split(samples, folds, fold, "auto")
        assert not {s.id for s in held_out} & set(ids)
        held_groups = {s.group for s in held_out} - {None}
        expected = {s.id for s in samples if s.train_only and s.group not in held_groups}
        assert {s.id for s in train if s.train_only} == expected


def test_without_external_folders_the_samples_are_those_of_the_data(
    roots: tuple[Path, Path],
) -> None:
    assert list(read_train(CHEST, roots[0])) == list(CHEST.samples(roots[0], "train"))


def test_folders_and_zips_are_opened(roots: tuple[Path, Path], tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "more"), "zip", roots[1])
    folder = Path(shutil.copytree(roots[0], tmp_path / "folder" / "inner")).parent
    opened = open_external(CHEST, settings(archive, folder), Workspace.at(tmp_path))
    assert [len(CHEST.samples(path, "train")) for path in opened] == [128, 128]
    assert opened[1] == folder / "inner"

    write_pointer(tmp_path, opened)
    assert read_pointer(tmp_path) == opened


def test_a_folder_that_is_no_data_is_named(roots: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"external = .*nothing: no data at"):
        open_external(CHEST, settings(tmp_path / "nothing"), Workspace.at(tmp_path))
    with pytest.raises(DataError, match=r"external = .* is not the data of chest-xray"):
        open_external(CHEST, settings(tmp_path), Workspace.at(tmp_path))
    broken = Path(shutil.copytree(roots[0], tmp_path / "broken"))
    shutil.rmtree(broken / "train" / "NORMAL")
    (broken / "train" / "NORMAL").mkdir()
    with pytest.raises(DataError, match=r"external = .*broken: "):
        read_train(CHEST, roots[0], [broken])


def test_a_run_without_external_folders_has_no_pointer(tmp_path: Path) -> None:
    write_pointer(tmp_path, [])
    assert list(tmp_path.iterdir()) == []
    assert read_pointer(tmp_path) == []
    (tmp_path / "external.json").write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        read_pointer(tmp_path)


def test_one_path_is_enough_and_is_found_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = resolve("x", [{"external": "extra.zip", "folds_csv": "folds.csv"}])
    assert config.external == [tmp_path / "extra.zip"]
    assert config.folds_csv == tmp_path / "folds.csv"
    again = resolve("x", [config.model_dump(mode="json")])
    assert again == config


def test_rows_that_another_program_wrote_again_are_copies() -> None:
    """pandas writes whole numbers as 1.0 if the column has a gap; no copy was found then."""
    scored = Sample(id="1", features={"a": "5.1", "b": "1", "c": None})
    others = [
        Sample(id="external-1/1", features={"a": "5.1", "b": "1.0", "c": ""}, train_only=True),
        Sample(id="external-1/2", features={"a": "5.1", "b": "2", "c": ""}, train_only=True),
    ]
    assert list(copies_of_scored([scored, *others])) == ["external-1/1"]
