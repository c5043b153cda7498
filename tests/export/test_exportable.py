"""Which runs are refused, and what others can do instead."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from comp.contract.task import Estimate
from comp.errors import ConfigError, RunError
from comp.export.exportable import check_exportable
from comp.pipeline.run_oof import RunOof
from comp.runs.folder import RunFolder


def of_models(run: RunOof, *models: str) -> RunOof:
    return replace(run, config=run.config.model_copy(update={"model": list(models)}))


def of_table(run: RunOof) -> RunOof:
    return replace(run, competition=replace(run.competition, inputs=(), columns=True))


@pytest.mark.parametrize(
    ("models", "words"),
    [
        (["lightgbm"], r"with lightgbm, .*only networks and gbdt .*'comp bundle --wheels'"),
        (["gbdt", "knn"], r"predicts with knn, and only networks and gbdt"),
        (["gbdt"], r"gbdt, and it learns from embeddings of images: .*model=network"),
        (["network", "mlp"], r"blends network, mlp of images with columns"),
    ],
)
def test_models_of_images_are_refused(exports: Any, models: list[str], words: str) -> None:
    with pytest.raises(RunError, match=words):
        check_exportable(of_models(exports.run, *models))


def test_trees_and_blends_of_a_table_are_onnx_alone(exports: Any) -> None:
    trees, two = of_table(of_models(exports.run, "gbdt")), of_models(exports.run, "mlp", "tabm")
    check_exportable(trees)
    check_exportable(of_table(two))
    with pytest.raises(RunError, match="trees are exported as ONNX alone: use --to onnx"):
        check_exportable(trees, "torchscript")
    with pytest.raises(RunError, match="blends mlp, tabm, which is exported as ONNX alone"):
        check_exportable(of_table(two), "safetensors")
    with pytest.raises(ConfigError, match=r"--int8 is for runs of one network, .* with gbdt"):
        check_exportable(trees, int8=True)


def test_an_estimate_of_its_own_is_refused(exports: Any) -> None:
    trees = of_table(of_models(exports.run, "gbdt"))
    own = Estimate(kind="values", learn=lambda numbers: numbers, predict=lambda numbers: numbers)
    task = replace(trees.competition.task, estimate=own)
    with pytest.raises(RunError, match="by a function of its own, which is not exported"):
        check_exportable(replace(trees, competition=replace(trees.competition, task=task)))


def test_a_blend_names_the_runs_to_export(exports: Any, tmp_path: Path) -> None:
    folder = tmp_path / "blend"
    folder.mkdir()
    record = exports.run.folder.record() | {"blend": {"runs": [{"run_id": "one"}]}}
    (folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match=r"is a blend .*export its runs .one."):
        check_exportable(replace(exports.run, folder=RunFolder(folder)))
