"""Commands of remedies: they can be parsed, and their keys do something."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from review_runs import ReviewRun, chances
from typer.main import get_command

from comp.cli.app import build_app
from comp.config.parsing import parse_sets
from comp.config.schema import resolve
from comp.page.words import say
from comp.review.commands import (
    READ,
    can_start_pretrained,
    change,
    command,
    first_that_works,
    longer,
    repeat,
    works,
)
from comp.workspace import Workspace

TRUTH = np.arange(30) % 2


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReviewRun:
    return ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH))


def check(line: str) -> None:
    """The command line parses, and its keys exist."""
    program, name, *words = shlex.split(line)
    assert program == "comp"
    parsed = get_command(build_app()).commands[name].make_context("comp", words)  # type: ignore[attr-defined]
    resolve("toy", [parse_sets(parsed.params.get("set_") or [])])


def test_commands_parse(run: ReviewRun) -> None:
    facts = run.facts()
    check(repeat(facts, "--pretrained"))
    check(change(facts, "augment.preset=strong", "optim.lr=1e-05"))
    check(longer(facts))
    check(longer(run.config(max_steps=10).facts()))
    check(longer(run.config(max_steps=None, budget=90.0).facts()))
    check(command(facts, "check", "toy"))
    check(command(facts, "resume", facts.run_id, "--folds", "rest"))
    check(command(facts, "predict", facts.run_id, "--set", "predict.adapt=batchnorm"))
    check(command(facts, "lr-find", "toy") + " --steps 300")
    check(command(facts, "race", "toy", writes=True))
    for name in ("suspects", "explain"):
        check(command(facts, name, facts.run_id))
    for name in ("download", "trust"):
        check(command(facts, name, "toy"))


def test_trees_are_not_trained_for_more_epochs(run: ReviewRun) -> None:
    assert longer(run.config(columns={}, model=["gbdt"]).facts()) == ""


def test_the_workspace_is_named_if_runs_are_elsewhere(run: ReviewRun, tmp_path: Path) -> None:
    facts = run.facts()
    elsewhere = replace(facts, workspace=Workspace.at(tmp_path, tmp_path / "my runs"))
    line = change(elsewhere, "epochs=3")
    check(line)
    assert shlex.split(line)[-2:] == ["--out", str(tmp_path / "my runs")]


def test_commands_that_read_runs_name_their_folder(run: ReviewRun, tmp_path: Path) -> None:
    facts = replace(run.facts(), workspace=Workspace.at(tmp_path, tmp_path / "far away"))
    line = command(facts, "resume", facts.run_id, "--folds", "rest")
    assert line.endswith(f"--folds rest --runs '{tmp_path / 'far away'}'")
    for word in READ:
        check(command(facts, word, facts.run_id))
    assert "--" not in command(facts, "check", "toy")


def test_a_blend_is_not_repeated(run: ReviewRun) -> None:
    facts = run.record(blend={"runs": [{"run_id": "a"}]}).facts()
    assert repeat(facts) == ""
    assert first_that_works(facts, [(say("x"), ["optim.lr=0.5"])]) is None


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("optim.lr=0.5", True),
        ("optim.lr=0.001", False),  # as it is
        ("optim.decay=0.5", False),  # of another schedule
        ("optim.lr=-1", False),
        ("no.key=1", False),
        ("gbdt.lr=0.5", False),  # of another model
    ],
)
def test_only_keys_that_change_the_run_work(
    run: ReviewRun, assignment: str, expected: bool
) -> None:
    assert works(run.facts(), [assignment]) == expected


def test_the_first_that_works(run: ReviewRun) -> None:
    tries = [(say("one"), ["optim.decay=0.5"]), (say("two"), ["optim.lr=0.5"])]
    found = first_that_works(run.facts(), tries)
    assert found
    assert str(found[0]) == "two"
    assert found[1].endswith("--set optim.lr=0.5")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"backbone": "resnet18"}, True),
        ({"backbone": "resnet18", "pretrained": True}, False),
        ({"backbone": "resnet18", "weights": "w.pth"}, False),
        ({"backbone": "resnet18", "model": ["gbdt"]}, False),
        ({"backbone": "a network of the plugin"}, False),
    ],
)
def test_only_backbones_of_timm_have_pretrained_weights(
    run: ReviewRun, config: dict[str, object], expected: bool
) -> None:
    facts = run.config(**{"model": ["network"], **config}).facts()
    assert can_start_pretrained(facts) == expected
