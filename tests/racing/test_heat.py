"""One candidate in one round: what it sees, when it ends, and that it continues."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from short_limits import FakeClock
from toys import toy_photos

from comp.config.schema import resolve
from comp.contract import registry
from comp.data.location import DataSource
from comp.files import write_json
from comp.inference.predictions import Predictions
from comp.pipeline.fold_context import FoldContext
from comp.pipeline.pace import Pace, quick_pace
from comp.racing import choice, heat
from comp.racing.candidates import make_candidates
from comp.racing.folder import RaceFolder
from comp.racing.heat import Track, run_heat
from comp.racing.heat_reporter import HeatReporter, TooSlowError
from comp.racing.race import _prepare, _track
from comp.runs.progress import Silent, Step
from comp.runs.race import Candidate, RaceRound
from comp.training.budget import MIN_STEPS
from comp.workspace import Workspace

ROUND = RaceRound(candidates=[0, 1], seconds=60.0, train=20, held_out=10)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Track, list[Candidate]]]:
    """Drawn photographs of 32 pixels, and a tiny network with random weights."""
    toy = toy_photos()
    data, here = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("here")
    toy.draw_synthetic(data, np.random.default_rng(0))
    own = {"folds": 2, "device": "cpu", "image": {"size": 32}, "budget": 900.0}
    own |= {"loader": {"batch_size": 4}, "checkpoint_every": "1"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": toy})
        config = resolve("toy", [toy.defaults, toy.synthetic_defaults, own])
        candidates = make_candidates(toy, config, {})
        source, workspace = DataSource(data, False), Workspace.at(here)
        inputs = _prepare(config, candidates[0], source, workspace, Silent(), skip_bad=False)
        yield _track(RaceFolder(here), inputs, Silent()), candidates


def planned(track: Track, number: int, steps: int) -> None:
    """A plan that was made before the training was stopped."""
    folder = track.folder.candidate(number)
    folder.mkdir(parents=True, exist_ok=True)
    plan = {"seconds": ROUND.seconds, "steps": steps, "step_s": 0.1}
    write_json(folder / heat.PLAN, plan)


class Killer(Silent):
    """Kills a training in its third step, and records the steps."""

    def __init__(self, deadly: bool) -> None:
        self.deadly, self.steps = deadly, list[int]()

    def step(self, step: Step) -> None:
        self.steps.append(step.step)
        assert step.part == "test_resnet, 32, as set"
        if self.deadly and step.step >= 3:
            raise KeyboardInterrupt


def test_a_candidate_trains_on_a_part_of_fold_0_and_is_scored_on_another(
    prepared: tuple[Track, list[Candidate]], monkeypatch: pytest.MonkeyPatch
) -> None:
    track, candidates = prepared
    seen: list[Any] = []
    train = vars(heat)["train"]

    def watched(context: Any, steps: int, *args: Any, **how: Any) -> Any:
        seen.append(context)
        return train(context, min(steps, 6), *args, **how)

    monkeypatch.setattr(heat, "train", watched)
    monkeypatch.setattr(heat, "PACE_S", 0.01)
    result = run_heat(track, 0, candidates[0], track.inputs.config, ROUND)
    assert result.score is not None
    assert (result.problem, result.steps) == ("", 6)
    assert result.step_s > 0
    assert result.seconds > 0
    (context,) = seen
    assert len(context.train) == ROUND.train
    assert len(context.held_out) == ROUND.held_out
    assert context.test == ()
    folds = track.inputs.folds
    assert {folds[sample.id] for sample in context.train} == {1}
    assert {folds[sample.id] for sample in context.held_out} == {0}
    assert context.config.validations == context.config.seeds == 1
    assert not track.folder.candidate(0).exists()
    kept = Predictions(track.folder.held_out / "0" / choice.PREDICTED)
    assert set(kept) == {sample.id for sample in context.held_out}
    pair = (0, 0)
    same = choice.difference_of(track.folder, context.competition, pair, track.held_out, 0)
    assert (same.first, same.value, same.real) == (pytest.approx(result.score), 0.0, False)


def test_a_training_that_was_killed_continues_to_the_same_score(
    prepared: tuple[Track, list[Candidate]], monkeypatch: pytest.MonkeyPatch
) -> None:
    track, candidates = prepared
    monkeypatch.setattr("comp.training.fit.WARM_STEPS", 0)
    monkeypatch.setattr("comp.training.meter.Meter.due", lambda _self: True)
    config, whole = track.inputs.config, Killer(False)
    planned(track, 0, 8)
    expected = run_heat(replace(track, reporter=whole), 0, candidates[0], config, ROUND)
    planned(track, 0, 8)
    with pytest.raises(KeyboardInterrupt):
        run_heat(replace(track, reporter=Killer(True)), 0, candidates[0], config, ROUND)
    counted = Killer(False)
    result = run_heat(replace(track, reporter=counted), 0, candidates[0], config, ROUND)
    assert (whole.steps[0], counted.steps[0] > 1) == (1, True)
    assert (result.score, result.steps) == (expected.score, expected.steps) == (result.score, 8)


def test_the_steps_of_another_round_are_not_continued(
    prepared: tuple[Track, list[Candidate]],
) -> None:
    track, _ = prepared
    planned(track, 1, 8)
    folder = track.folder.candidate(1)
    assert heat._read_plan(folder, ROUND)["steps"] == 8
    assert heat._read_plan(folder, replace(ROUND, seconds=61.0)) == {}
    assert not folder.exists()


def test_a_candidate_that_is_too_slow_is_out_and_the_default_makes_a_few_steps(
    prepared: tuple[Track, list[Candidate]], monkeypatch: pytest.MonkeyPatch
) -> None:
    track, candidates = prepared
    short = replace(ROUND, seconds=0.01)
    monkeypatch.setattr(heat, "PREPARE_SHARE", 1e9)
    monkeypatch.setattr(heat, "DEFAULT_SHARE", 1e9)
    result = run_heat(track, 1, candidates[1], track.inputs.config, short)
    assert result.score is None
    assert result.problem.startswith("too slow: 0 steps in 0 s")
    default = run_heat(track, 0, candidates[0], track.inputs.config, short)
    assert (default.steps, default.problem) == (MIN_STEPS, "")


def test_the_images_of_the_default_are_measured(
    prepared: tuple[Track, list[Candidate]], monkeypatch: pytest.MonkeyPatch
) -> None:
    track, _ = prepared

    def paced(context: FoldContext, trial_s: float) -> Pace:
        found = quick_pace(context, trial_s)
        assert found.predict_s > 0
        return replace(found, predict_s=3.0 * len(context.held_out))

    monkeypatch.setattr(heat, "quick_pace", paced)
    assert heat.image_seconds(track, track.inputs.config) == pytest.approx(3.0)
    assert not track.folder.candidate(heat.PROBE).exists()
    clock = iter([10.0, 12.0, 20.0])
    fake = SimpleNamespace(perf_counter=lambda: next(clock))
    monkeypatch.setattr("comp.racing.heat_reporter.time", fake)
    reporter = HeatReporter(Silent(), "x", 0.0, float("inf"))
    for done in (64, 128, 384):  # two copies of each of 192 images
        reporter.images_decoded(done, 384, heat.FEATURES)
    assert reporter.image_s(heat.FEATURES, 192) == pytest.approx(2 * 10 / 320)
    assert reporter.image_s("decoding", 192) == 0.0


def test_images_that_take_too_long_stop_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    monkeypatch.setattr("comp.racing.heat_reporter.time", clock)
    shown: list[int] = []
    listener: Any = Silent()
    listener.images_decoded = lambda done, *_: shown.append(done)
    reporter = HeatReporter(listener, "x", clock.now - 5.0, limit_s=6.0)
    reporter.images_decoded(10, 1000, "features")
    clock.sleep(0.02)
    with pytest.raises(TooSlowError, match=r"too slow: features 1,000 images takes \d+ s"):
        reporter.images_decoded(11, 1000, "features")
    assert shown == [10, 11]


def test_images_and_features_of_two_candidates_count_for_both(
    prepared: tuple[Track, list[Candidate]],
) -> None:
    folder = prepared[0].folder
    assert heat._shared_s(folder, "features", 8.0) == 0.0  # the first has paid
    assert heat._shared_s(folder, "others", 3.0) == 0.0
    assert heat._shared_s(folder, "features", 0.5) == 7.5
    assert heat._shared_s(folder, "features", 9.0) == 0.0


def test_what_a_candidate_lacks_is_its_problem(
    prepared: tuple[Track, list[Candidate]], tmp_path: Path
) -> None:
    track, candidates = prepared
    update = {"weights": tmp_path / "gone.pth", "pretrained": True}
    gone = track.inputs.config.model_copy(update=update)
    assert "no weights at" in run_heat(track, 1, candidates[1], gone, ROUND).problem
