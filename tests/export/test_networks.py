"""Which networks of a run are exported, with which shares, and which runs are refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.errors import ConfigError, RunError
from comp.export.networks import RunReader, parts_of
from comp.inference.predictions import Predictions
from comp.pipeline.run_oof import RunOof
from comp.runs.folder import RunFolder


def with_config(run: RunOof, folder: Path | None = None, **keys: Any) -> RunOof:
    place = RunFolder(folder) if folder else run.folder
    return replace(run, config=run.config.model_copy(update=keys), folder=place)


def test_the_folds_share_equally_and_one_fold_is_alone(exports: Any) -> None:
    both = parts_of(exports.run)
    assert [(part.name, part.fold, part.weight) for part in both] == [
        ("fold-0", 0, 0.5),
        ("fold-1", 1, 0.5),
    ]
    (alone,) = parts_of(exports.run, 1)
    assert (alone.name, alone.weight) == ("fold-1", 1.0)
    with pytest.raises(ConfigError, match=r"--fold 2: .* has finished the folds 0, 1"):
        parts_of(exports.run, 2)


def test_seeds_share_the_part_of_their_fold(exports: Any) -> None:
    found = parts_of(with_config(exports.run, seeds=2))
    assert [part.name for part in found] == [
        "fold-0-seed-0",
        "fold-0-seed-1",
        "fold-1-seed-0",
        "fold-1-seed-1",
    ]
    assert [part.weight for part in found] == [0.25] * 4
    assert len({part.seed for part in found}) == 2


def test_the_full_model_counts_as_it_does_in_the_run(exports: Any, tmp_path: Path) -> None:
    folder = tmp_path / exports.run.run_id
    shutil.copytree(exports.run.folder.path, folder)
    shutil.copytree(folder / "fold-0", folder / "full")
    found = parts_of(with_config(exports.run, folder, full=2.0))
    assert [(part.name, part.weight, part.full) for part in found] == [
        ("fold-0", 0.25, False),
        ("fold-1", 0.25, False),
        ("full", 0.5, True),
    ]


def test_models_share_as_the_blend_of_each_fold_says(exports: Any, tmp_path: Path) -> None:
    folder = tmp_path / exports.run.run_id
    shutil.copytree(exports.run.folder.path, folder)
    run = with_config(exports.run, folder, model=["gbdt", "tabm"])
    with pytest.raises(RunError, match="does not have the weights of gbdt, tabm"):
        parts_of(run)
    for fold, weight in ((0, 0.25), (1, 1.0)):
        path = folder / f"fold-{fold}" / "meta.json"
        weights = {"gbdt": weight, "tabm": 1 - weight}
        members = [{"name": name, "weight": each} for name, each in weights.items()]
        path.write_text(json.dumps(json.loads(path.read_text()) | {"members": members}))
    found = parts_of(run)
    assert [(part.name, part.model, part.weight) for part in found] == [
        ("fold-0-gbdt", "gbdt", 0.125),
        ("fold-0-tabm", "tabm", 0.375),
        ("fold-1-gbdt", "gbdt", 0.5),
        ("fold-1-tabm", "tabm", 0.0),
    ]
    assert found[0].folder == folder / "fold-0" / "gbdt"
    assert [part.is_network for part in found[:2]] == [False, True]


def test_a_loaded_network_predicts_what_the_run_predicted_without_copies(exports: Any) -> None:
    (part, _), sample = parts_of(exports.run), exports.run.data.test[0]
    loaded = RunReader(exports.run).load(part)
    entries = loaded.read([sample])
    assert entries["image"].shape == (1, 64, 64, 3)
    assert entries["image"].dtype == np.uint8
    mirrored = {"image": np.ascontiguousarray(entries["image"][:, :, ::-1])}
    mean = (loaded.predict(entries) + loaded.predict(mirrored)) / 2
    recorded = Predictions(part.folder / "test.safetensors")[sample.id]
    assert np.allclose(mean[0], recorded, atol=1e-5)
