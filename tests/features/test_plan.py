"""What decides whether cached features can be used again."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from toys import toy

from comp.config.schema import RunConfig, resolve
from comp.features.plan import backbone_facts, pipeline_texts
from comp.tasks.tabular import no_augmentation

PLUGIN = """
from comp.data.pipelines import Unchanged

class Blur(Unchanged):
    def describe(self):
        return "Blur"

def pipeline(config, train):
    return Blur()
"""


def config() -> RunConfig:
    return resolve("toy", [{"backbone": "resnet18"}])


def test_a_changed_transform_of_a_plugin_is_another_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    texts = []
    for source in (PLUGIN, PLUGIN + "\nSIZE = 5\n"):
        (tmp_path / "own_pipeline.py").write_text(source)
        module = importlib.import_module("own_pipeline")
        texts.append(pipeline_texts(toy(pipeline=module.pipeline), config(), (False, True)))
        monkeypatch.delitem(sys.modules, "own_pipeline")
    assert texts[0][:2] == texts[1][:2] == ["Blur", "Blur"]
    assert texts[0] != texts[1]


def test_a_pipeline_of_comp_is_its_text() -> None:
    assert len(pipeline_texts(toy(pipeline=no_augmentation), config(), (False,))) == 1


def test_the_arguments_of_a_backbone_decide_its_features() -> None:
    changed = resolve("toy", [{"backbone": "resnet18", "backbone_args": {"output_stride": 8}}])
    assert backbone_facts(config()) == {"backbone": "resnet18"}
    assert backbone_facts(changed) != backbone_facts(config())
