"""A plugin that changes between a run and what follows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toys import toy

from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.task import Task
from comp.errors import RunError
from comp.pipeline.plugin_check import check_plugin, plugin_record
from comp.tasks.binary import binary
from comp.tasks.image_to_image import image_to_image
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression

CLASSES = ("healthy", "ill", "unknown")
PLUGIN = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    name="ferns", title="Ferns", kaggle="competitions/ferns", classes=("a", "b")
)
"""


def use(
    monkeypatch: pytest.MonkeyPatch, competition: Competition, source: str = "1"
) -> Competition:
    monkeypatch.setattr(registry, "source_hash", lambda _name: source)
    return competition


def test_an_unchanged_plugin_needs_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    competition = use(monkeypatch, toy(classes=CLASSES))
    record = {"plugin": plugin_record(competition)}
    assert check_plugin("r1", record, competition) == []
    assert check_plugin("r1", {}, competition) == []  # a run of an earlier version


def test_an_edited_source_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    record = {"plugin": plugin_record(use(monkeypatch, toy(classes=CLASSES)))}
    competition = use(monkeypatch, toy(classes=CLASSES), source="2")
    (note,) = check_plugin("r1", record, competition)
    assert note.startswith("the plugin of toy changed since run r1 started")


@pytest.mark.parametrize("classes", [CLASSES[::-1], CLASSES[:2], (*CLASSES, "more")])
def test_other_classes_are_refused(
    monkeypatch: pytest.MonkeyPatch, classes: tuple[str, ...]
) -> None:
    record = {"plugin": plugin_record(use(monkeypatch, toy(classes=CLASSES)))}
    with pytest.raises(RunError, match=r"plugin of toy changed since run r1 started: .* was "):
        check_plugin("r1", record, use(monkeypatch, toy(classes=classes)))


def changes(monkeypatch: pytest.MonkeyPatch, before: Competition, after: Competition) -> str:
    """The refusal, after the record went through run.json."""
    record = json.loads(json.dumps({"plugin": plugin_record(use(monkeypatch, before))}))
    assert check_plugin("r1", record, before) == []
    with pytest.raises(RunError) as caught:
        check_plugin("r1", record, use(monkeypatch, after, source="2"))
    return str(caught.value)


def negative(raw: Any) -> Any:
    return -raw


NUMBER = regression(("age",))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (NUMBER, regression(("age",), log=True), "log was False, is True"),
        (NUMBER, regression(("age",), limits=(0, 9)), "limits was None, is 0.0, 9.0"),
        (NUMBER, replace(NUMBER, activation=negative), "activation was , is negative "),
        (ordinal(3), replace(ordinal(3), losses=("corn",)), "outputs of the network was 1, is 2"),
        (
            binary(("a", "b")),
            replace(binary(("a", "b")), decision=None),
            "decision was threshold, is none",
        ),
        (image_to_image(), image_to_image(limits=None), "limits was 0.0, 1.0, is None"),
    ],
)
def test_a_change_of_what_the_outputs_mean_is_refused(
    monkeypatch: pytest.MonkeyPatch, before: Task, after: Task, words: str
) -> None:
    message = changes(monkeypatch, toy(before), toy(after))

    assert f"changed since run r1 started: {words}" in message
    assert message.endswith(": restore it, or start a new run")


def test_another_pool_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "pool was None, is max" in changes(monkeypatch, toy(NUMBER), toy(NUMBER, pool="max"))


def test_a_record_of_an_earlier_version_is_compared_by_what_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = {"sha256": "1", "task": "a number", "labels": ["age"], "outputs": 1}
    competition = use(monkeypatch, toy(regression(("age",), log=True)))

    assert check_plugin("r1", {"plugin": old}, competition) == []


def test_the_hash_is_that_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "competitions").mkdir()
    path = tmp_path / "competitions" / "ferns.py"
    path.write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    first = registry.source_hash("ferns")
    assert len(first) == 64
    path.write_text(PLUGIN.replace('"b")', '"c")'))
    assert registry.source_hash("ferns") != first
    assert registry.source_hash("denoising") not in ("", first)
    assert registry.source_hash("nothing") == ""
