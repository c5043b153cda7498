"""A plugin that changes between a run and what follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from toys import toy

from comp.contract import registry
from comp.contract.competition import Competition
from comp.errors import RunError
from comp.pipeline.plugin_check import check_plugin, plugin_record

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
