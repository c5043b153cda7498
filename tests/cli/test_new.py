"""`comp new`, in this process: from a look at data to a plugin and a checked submission."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kaggle_server import Contest, KaggleServer, zipped

import comp
from comp.cli import main
from comp.config.nesting import merge
from comp.contract import registry
from comp.discovery import draft as drafting
from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.plugin_file import competition_of
from comp.discovery.plugin_text import plugin_text
from comp.discovery.trial import SHORT
from comp.errors import CompetitionError, DataError, NetworkError
from comp.kaggle.facts import CompetitionFacts

LEAVES = Conclusion(
    form="labels csv",
    factory="comp.tasks.classification.image_classification",
    arguments={
        "classes": ("healthy", "rust", "scab"),
        "id_column": "image_id",
        "submit": "label",
        "columns": ("label",),
    },
    metric="accuracy",
    findings=(
        Finding("the ids are in the column image_id", "all name a file of train"),
        Finding("the metric is accuracy", "the sample submission has one label each", "guess"),
    ),
)
UNKNOWN = Conclusion(
    missing=(Missing("Which column is predicted?", ("disease", "plant"), "two", "", "target"),)
)
NAMES = {"name": "leaves", "title": "Leaf diseases", "kaggle": "competitions/leaf-diseases"}
New = Callable[..., int]


@pytest.fixture(scope="module")
def leaves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("leaves")
    competition = competition_of(plugin_text(LEAVES, **NAMES))
    competition.draw_synthetic(root, np.random.default_rng(0))
    return root


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What `look` is called with; it concludes LEAVES, or UNKNOWN without the answer "target" if
    the list has been given the text "unknown"."""
    calls: list[Any] = []

    def look(
        data: Path,
        slug: str | None,
        *,
        metric_name: str | None = None,
        answers: Any = None,
        workspace: Any = None,
    ) -> Conclusion:
        unknown = "unknown" in calls and "target" not in (answers or {})
        calls.append({"data": data, "slug": slug, "metric_name": metric_name, "answers": answers})
        return UNKNOWN if unknown else LEAVES

    monkeypatch.setattr(drafting, "look", look)
    return calls


@pytest.fixture
def new(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> New:
    """Call `comp new` in an empty folder; returns the exit code."""
    monkeypatch.chdir(tmp_path)
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def call(*args: str) -> int:
        monkeypatch.setattr(sys, "argv", ["comp", "new", *args])
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0)

    return call


def test_it_ends_with_a_checked_submission(
    new: New,
    leaves: Path,
    looked: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = merge(SHORT, {"max_steps": 2, "image": {"size": 32}, "device": "cpu"})
    monkeypatch.setattr("comp.discovery.trial.SHORT", small)
    assert new("leaves", "--data", str(leaves), "--yes", "--json") == 0
    captured = capsys.readouterr()
    said = json.loads(captured.out.splitlines()[-1])
    assert said["plugin"] == str(tmp_path / "competitions" / "leaves.py")
    assert (said["form"], said["metric"], said["missing"]) == ("labels csv", "accuracy", [])
    assert said["check"]["ok"] is True
    assert said["run"]["n_rows"] == said["check"]["test"]
    assert Path(said["run"]["submission"]).is_file()
    assert said["run"]["fold_scores"].keys() == {"0"}
    assert captured.err.count("a short run of one fold follows") == 1
    assert "all name a file of train" in captured.err
    plugin = registry.get("leaves")
    assert plugin.task.labels == ("healthy", "rust", "scab")
    assert plugin.kaggle == "competitions/leaves"
    steps = " ".join(said["next"])
    assert f"comp run leaves --budget 1h --data {leaves}" in steps
    assert "correct what was guessed: the metric is accuracy" in steps
    assert "kaggle='competitions/<slug>'" in steps


def test_missing_is_one_line_and_nothing_is_written(
    new: New,
    leaves: Path,
    looked: list[Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    looked.append("unknown")
    assert new("leaves", "--data", str(leaves), "--yes", "--json") == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["missing"][0]["argument"] == "target"
    assert captured.err.splitlines()[-1] == (
        "comp: nothing is written: Which column is predicted? Found two: give --answer "
        "target=VALUE, one of disease, plant"
    )
    assert not (tmp_path / "competitions").exists()


def test_an_answer_fills_what_is_missing(new: New, leaves: Path, looked: list[Any]) -> None:
    looked.append("unknown")
    answers = ("--answer", "target=disease", "--answer", "metric=f1-macro", "--answer", "title=Hi")
    assert new("leaves", "--data", str(leaves), "--no-run", *answers) == 0
    assert looked[-1]["answers"]["target"] == "disease"
    plugin = registry.get("leaves")
    assert (plugin.metric.name, plugin.title) == ("F1 macro", "Hi")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("metric=rmse", "does not fit"),
        ("colour=3", "has no argument 'colour'"),
        ("metric", "--answer needs key=value"),
        ("submit=sums", "submit = 'sums' is unknown"),
    ],
)
def test_an_answer_that_does_not_fit_is_one_line(
    new: New,
    leaves: Path,
    looked: list[Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    words: str,
) -> None:
    assert new("leaves", "--data", str(leaves), "--yes", "--answer", answer) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert not (tmp_path / "competitions").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("salt", "the name 'salt' is taken by"),
        ("cats_dogs", "the name 'cats_dogs' is taken by"),
        ("Leaves", "write 'leaves'"),
        ("2020-leaves", "write 'comp-2020-leaves'"),
        ("class", "is a word of Python"),
        ("../leaves", "write 'leaves'"),
    ],
)
def test_a_name_is_refused_before_anything_is_looked_at(
    new: New, looked: list[Any], capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    assert new(name, "--yes") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert looked == []


def test_a_file_is_replaced_only_with_force(
    new: New,
    leaves: Path,
    looked: list[Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "competitions" / "leaves.py"
    path.parent.mkdir()
    path.write_text("broken(")
    args = ("leaves", "--data", str(leaves), "--yes", "--no-run")
    assert new(*args) == 2
    assert "add --force to replace it" in capsys.readouterr().err
    assert path.read_text() == "broken("
    assert new(*args, "--force") == 0
    assert registry.get("leaves").title == "Leaves"


def test_without_data_it_says_what_to_give(
    new: New, looked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert new("leaves", "--yes") == 2
    assert "give --data with a folder" in capsys.readouterr().err
    assert new("leaves", "--yes", "--kaggle", "leaf-diseases") == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "there are no Kaggle credentials: download it in a browser and give --data" in line
    assert new("leaves", "--yes", "--kaggle", "https://www.kaggle.com/") == 2


def test_the_plugin_stays_if_the_check_fails(
    new: New,
    leaves: Path,
    looked: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = replace(LEAVES, arguments={**LEAVES.arguments, "classes": ("healthy", "rust")})
    monkeypatch.setattr(drafting, "look", lambda *_args, **_keys: wrong)
    assert new("leaves", "--data", str(leaves), "--yes") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("comp: competitions/leaves.py is written, but 'comp check' failed: ")
    assert line.endswith("edit competitions/leaves.py, then try 'comp check leaves'")
    assert (tmp_path / "competitions" / "leaves.py").is_file()


FACTS = CompetitionFacts(
    reference="competitions/leaf-diseases",
    title="Leaf Diseases",
    metric="LogLoss",
    deadline="2026-12-01",
    code_only=True,
)


def test_kaggle_says_title_and_metric(
    new: New, leaves: Path, looked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comp.discovery.sources.competition_facts", lambda *_: FACTS)
    answers = ("--answer", "submit=none", "--answer", "columns=none")
    asked = ("--kaggle", "https://www.kaggle.com/c/leaf-diseases/overview", *answers)
    assert new("leaves", "--data", str(leaves), "--yes", "--no-run", *asked) == 2  # columns
    text = Path("competitions/leaves.py").read_text(encoding="utf-8")
    assert "- sure: submissions are notebooks, not files" in text
    assert looked[-1]["slug"] == "leaf-diseases"
    plugin = registry.get("leaves")
    assert (plugin.title, plugin.metric.name) == ("Leaf Diseases", "log loss")
    assert plugin.kaggle == "competitions/leaf-diseases"


def test_the_data_is_downloaded(
    new: New,
    leaves: Path,
    looked: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = {p.relative_to(leaves).as_posix(): p.read_bytes() for p in leaves.rglob("*.*")}
    record = {"title": "Leaf Diseases", "evaluationMetric": "Macro F-Score"}
    with KaggleServer() as server:
        server.contests["leaf-diseases"] = Contest(archive=zipped(files), record=record)
        for variable in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(variable, raising=False)
        for variable, value in server.environment(tmp_path / "home").items():
            monkeypatch.setenv(variable, value)
        assert new("leaves", "--kaggle", "leaf-diseases", "--yes", "--no-run") == 0
        assert f"downloaded {len(files)} files" in capsys.readouterr().out
        assert new("leaves", "--yes", "--no-run", "--force") == 0  # the folder knows its address
    plugin = registry.get("leaves")
    assert (plugin.title, plugin.metric.name) == ("Leaf Diseases", "F1 macro")
    assert plugin.kaggle == "competitions/leaf-diseases"
    assert "comp run leaves --budget 1h: train" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("Strange Metric", "which comp does not know"),
        ("Root Mean Squared Error", "does not fit 3 classes"),
    ],
)
def test_a_metric_of_kaggle_that_does_not_fit_is_not_silent(
    new: New,
    leaves: Path,
    looked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    metric: str,
    words: str,
) -> None:
    facts = replace(FACTS, metric=metric)
    monkeypatch.setattr("comp.discovery.sources.competition_facts", lambda *_: facts)
    code = new("leaves", "--data", str(leaves), "--yes", "--no-run", "--kaggle", "leaf-diseases")
    assert code == (0 if "Strange" in metric else 2)
    captured = capsys.readouterr()
    assert words in captured.out
    assert Path("competitions/leaves.py").is_file() == (code == 0)


def test_without_a_network_the_data_alone_must_do(
    new: New,
    leaves: Path,
    looked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise NetworkError("asking: no connection")

    monkeypatch.setattr("comp.discovery.sources.competition_facts", fail)
    args = ("--yes", "--no-run", "--kaggle", "leaf-diseases")
    assert new("leaves", "--data", str(leaves), *args) == 0
    assert "Kaggle cannot be reached; the data alone must do" in capsys.readouterr().out


def test_questions_are_asked_on_a_terminal(
    new: New,
    leaves: Path,
    looked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    looked.append("unknown")
    typed = iter(["1", "metric=balanced-accuracy", ""])
    monkeypatch.setattr("comp.streams.can_ask", lambda _stream: True)
    monkeypatch.setattr("typer.prompt", lambda *_args, **_keys: next(typed))
    assert new("leaves", "--data", str(leaves), "--no-run") == 0
    shown = capsys.readouterr().out
    assert "Which column is predicted? (found two)\n  1  disease\n  2  plant" in shown
    assert looked[-1]["answers"] == {"target": "disease"}
    assert registry.get("leaves").metric.name == "balanced accuracy"


def test_the_same_in_python(
    leaves: Path, looked: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    looked.append("unknown")
    with pytest.raises(DataError, match="Which column is predicted"):
        comp.new("leaves", data=leaves, quiet=True)
    made = comp.new("leaves", data=leaves, answers={"target": "x"}, run=False, quiet=True)
    assert (made.path, made.run) == (tmp_path / "competitions" / "leaves.py", None)
    assert comp.competitions()["leaves"] == "Leaves"
    with pytest.raises(CompetitionError, match="add --force"):
        comp.new("leaves", data=leaves)
