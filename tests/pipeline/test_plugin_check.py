"""A plugin that changes between a run and what follows."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
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


def first(function: Any, raw: Any) -> Any:
    return function(raw)


class Scaled:
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, raw: Any) -> Any:
        return raw * self.factor


def fresh() -> Any:
    """A function that has another address at each call."""
    return lambda raw: raw


def activated(function: Any) -> Competition:
    return toy(replace(NUMBER, activation=function))


def test_an_unchanged_argument_with_another_address_is_not_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, after = activated(partial(first, fresh())), activated(partial(first, fresh()))
    record = json.loads(json.dumps({"plugin": plugin_record(use(monkeypatch, before))}))

    assert check_plugin("r1", record, after) == []


def test_another_factor_of_an_activation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    message = changes(monkeypatch, activated(Scaled(1.0)), activated(Scaled(100.0)))

    assert "'factor': 1.0" in message
    assert "'factor': 100.0" in message


@pytest.mark.parametrize(
    ("function", "recorded"),
    [
        (partial(first, fresh()), "first 12345678 (<function fresh at 0x7f1234567890>,) []"),
        (Scaled(1.0), "Scaled"),
        (partial(first, np.float32(1)), f"first HASH ({np.float32(1)!r},) []"),
        (partial(first, {"b": 1, "a": 2}), "first HASH ({'b': 1, 'a': 2},) []"),
    ],
)
def test_the_description_of_an_earlier_version_is_not_refused(
    monkeypatch: pytest.MonkeyPatch, function: Any, recorded: str
) -> None:
    competition = use(monkeypatch, activated(function))
    plugin = plugin_record(competition)
    plugin["activation"] = recorded.replace("HASH", plugin["activation"].split()[1])

    assert check_plugin("r1", {"plugin": plugin}, competition) == []
    other = activated(partial(first, 2) if isinstance(function, partial) else negative)
    if " at 0x" not in recorded:
        with pytest.raises(RunError):
            check_plugin("r1", {"plugin": plugin}, other)


def test_options_of_any_type_can_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def optioned() -> Competition:
        options = {"fill": math.nan, "f": fresh(), "set": {0, 8}, (1, 2): 3}
        return toy(replace(NUMBER, options=options))

    record = {"plugin": plugin_record(use(monkeypatch, optioned()))}
    record = json.loads(json.dumps(record))
    assert check_plugin("r1", record, optioned()) == []
    record["plugin"]["options"]["f"] = "<function fresh at 0x7f1234567890>"  # earlier version
    assert check_plugin("r1", record, optioned()) == []


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
    path.write_text(f"{PLUGIN}\nfrom competitions._fern_helper import scale\n")
    (path.parent / "_fern_helper.py").write_text("scale = 1\n")
    first = registry.source_hash("ferns")
    (path.parent / "_fern_helper.py").write_text("scale = 1000\n")
    assert registry.source_hash("ferns") != first
    assert registry.source_hash("denoising") not in ("", first)
    assert registry.source_hash("nothing") == ""
