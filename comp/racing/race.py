"""A race of backbones, and the run of its winner."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from comp.config.durations import duration_key
from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.folds import split
from comp.data.location import DataSource
from comp.errors import ConfigError
from comp.pipeline.auto_values import auto_keys
from comp.pipeline.resume import source_of
from comp.pipeline.run_inputs import RunInputs, prepare_run
from comp.racing.candidates import check_can_race, config_of, make_candidates
from comp.racing.choice import Choice, choose, forget_others
from comp.racing.entrants import loadable_backbones
from comp.racing.folder import RaceFolder, Stopwatch, create_race
from comp.racing.heat import FOLD, Track, image_seconds, run_heat
from comp.racing.identity import check_same, identity
from comp.racing.least import TooShortError, check_budget, check_measured
from comp.racing.rounds import DEFAULT, affordable, next_round, race_share, round_counts
from comp.racing.winner import run_winner, winner_text
from comp.runs.progress import Reporter
from comp.runs.race import Candidate, RaceResult, RaceRound
from comp.runs.results import RunSummary
from comp.signals import Stopped
from comp.workspace import Workspace


def race(
    config: RunConfig,
    source: DataSource,
    workspace: Workspace,
    reporter: Reporter,
    *,
    weights: Sequence[Path] = (),
    began: float,
    skip_bad: bool = False,
) -> tuple[RaceResult, RunSummary | None]:
    """Compare backbones, sizes and learning rates on fold 0 in a part of the budget, and run the
    winner in the rest.

    Args:
        weights: files of pretrained weights, and folders of them, named as their backbones.
        began: `time.perf_counter()` when the command began.

    Returns:
        The result, and the summary of the run; None if the run was already finished.

    Raises:
        ConfigError: there is nothing to compare, no budget, or a very short one.
        WeightsError: the weights of the default cannot be loaded.
        CompError: the data or the configuration is wrong.
        Stopped: a signal came; the race can continue.
    """
    competition = registry.get(config.competition)
    check_race(competition, config)
    assert config.budget
    if source.synthetic:
        reporter.note("SYNTHETIC DATA: this race says nothing about the competition")
    backbones, left_out = loadable_backbones(config, weights)
    candidates = make_candidates(competition, config, backbones)
    inputs = _prepare(config, candidates[0], source, workspace, reporter, skip_bad)
    left_s = config.budget - (time.perf_counter() - began)
    race_s = race_share(config.budget) * left_s
    candidates = candidates[: affordable(len(candidates), race_s)]
    folder = create_race(workspace, config)
    folder.update_record(
        race_id=folder.race_id,
        state="running",
        competition=competition.name,
        config=config.model_dump(mode="json"),
        data=str(source.root),
        synthetic=source.synthetic,
        skip_bad=skip_bad,
        candidates=[asdict(candidate) for candidate in candidates],
        rounds=[],
        left_out=dict(left_out),
        identity=identity(inputs, workspace.cache),
        race_s=race_s,
        race_began_s=time.perf_counter() - began,
    )
    try:
        return _continue(folder, inputs, config, workspace, reporter, began)
    except TooShortError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


def resume_race(
    folder: RaceFolder, workspace: Workspace, reporter: Reporter, began: float
) -> tuple[RaceResult, RunSummary | None]:
    """Continue a race that was stopped; candidates that are done do not train again. The arguments
    and the result are those of `race`.

    Raises:
        CompError: the race is damaged, or its data is gone.
        Stopped: a signal came; the race can continue.
    """
    record = folder.record()
    competition = registry.get(record["competition"])
    config = resolve(competition.name, [record["config"]], competition.options)
    began -= float(record.get("spent_s", record["race_began_s"]))
    source, skip_bad = source_of(record, workspace), bool(record["skip_bad"])
    inputs = _prepare(config, folder.candidates()[0], source, workspace, reporter, skip_bad)
    check_same(folder, record.get("identity") or {}, inputs, workspace.cache)
    return _continue(folder, inputs, config, workspace, reporter, began)


def check_race(competition: Competition, config: RunConfig) -> None:
    """Check a configuration before any data is read.

    Raises:
        ConfigError: there is nothing to compare, no budget, or a very short one.
    """
    check_can_race(competition, config)
    if not config.budget:
        raise ConfigError(
            "comp race has no budget: give --budget 30m, which its run shares with the comparison"
        )
    check_budget(config)
    found = auto_keys(config)
    if found:
        raise ConfigError(
            f"comp race compares settings, but {found[0]} = auto is found once a run: set a number"
        )


def _prepare(
    config: RunConfig,
    default: Candidate,
    source: DataSource,
    workspace: Workspace,
    reporter: Reporter,
    skip_bad: bool,
) -> RunInputs:
    """The inputs of the default, without features, which each candidate computes of a part."""
    config = config_of(registry.get(config.competition), config, default)
    uncached = config.features.model_copy(update={"cache": False})
    plain = config.model_copy(update={"features": uncached})
    inputs = prepare_run(plain, source, workspace, [FOLD], reporter, skip_bad)
    return replace(inputs, config=config, validation=None)


def _continue(
    folder: RaceFolder,
    inputs: RunInputs,
    config: RunConfig,
    workspace: Workspace,
    reporter: Reporter,
    began: float,
) -> tuple[RaceResult, RunSummary | None]:
    """Make the rounds that are left, and the run of the winner."""
    with folder.running():
        try:
            track = replace(_track(folder, inputs, reporter), tick=Stopwatch(folder, began).tick)
            if "winner" not in folder.record():
                choice = _choose(track, _make_rounds(track, config, began))
                folder.update_record(**asdict(choice))
            folder.clean()
            result = _result(folder, inputs)
            reporter.note(winner_text(result))
            summary = run_winner(track, config, result, workspace, began)
        except Stopped as stopped:
            name = config.competition
            stopped.how = f"the race is saved; continue it with 'comp race {name} --resume'"
            raise
        finally:
            folder.update_record(spent_s=time.perf_counter() - began)
        run_folder = folder.run(workspace, config.competition)
        run_id = run_folder.run_id if run_folder else ""
        folder.update_record(state="finished", run_id=run_id)
    return replace(result, run_id=run_id), summary


def _track(folder: RaceFolder, inputs: RunInputs, reporter: Reporter) -> Track:
    """The samples of fold 0 in a random order that depends on the seed alone."""
    config = inputs.config
    train = inputs.training_part(FOLD)
    held_out = split(inputs.train, inputs.folds, FOLD, config.scheme)[1]
    generator = np.random.default_rng(config.seed)
    return Track(
        inputs=inputs,
        train=[train[i] for i in generator.permutation(len(train))],
        held_out=[held_out[i] for i in generator.permutation(len(held_out))],
        folder=folder,
        reporter=reporter,
    )


def _make_rounds(track: Track, config: RunConfig, began: float) -> list[RaceRound]:
    """Make the rounds of the race that are not finished."""
    folder, competition = track.folder, track.inputs.competition
    record, candidates, rounds = folder.record(), folder.candidates(), folder.rounds()
    counts, better = round_counts(len(candidates)), competition.metric.better
    until = float(record["race_began_s"]) + float(record["race_s"])
    full_s = (config.budget or 0.0) - until
    samples = len(track.train), len(track.held_out)
    if "image_s" not in record:
        default = config_of(competition, config, candidates[DEFAULT])
        image_s = record["image_s"] = image_seconds(track, default)
        images = len(track.inputs.train) + len(track.inputs.test)
        check_measured(config, time.perf_counter() - began, image_s, sum(samples), images)
        folder.update_record(image_s=record["image_s"], spent_s=time.perf_counter() - began)
    image_s = float(record["image_s"])
    while True:
        if not rounds or len(rounds[-1].results) == len(rounds[-1].candidates):
            left = max(0.0, until - (time.perf_counter() - began))
            following = next_round(rounds, counts, left, full_s, samples, image_s, better)
            if following is None:
                break
            rounds.append(following)
            track.reporter.note(_round_text(len(rounds), len(counts), following))
        _finish_round(track, config, candidates, rounds, began)
    return rounds


def _choose(track: Track, rounds: Sequence[RaceRound]) -> Choice:
    """The candidate that runs; the default if none has a score."""
    inputs = track.inputs
    choice = choose(track.folder, inputs.competition, rounds, track.held_out, inputs.config.seed)
    if choice is None:
        track.reporter.note(
            "NO CANDIDATE HAS A SCORE, so the default runs: give a larger --budget, or set a "
            "smaller image.size"
        )
    return choice or Choice()


def _finish_round(
    track: Track,
    config: RunConfig,
    candidates: Sequence[Candidate],
    rounds: list[RaceRound],
    began: float,
) -> None:
    """Train the candidates of the last round that are not done."""
    competition, current = track.inputs.competition, rounds[-1]
    for number in current.candidates:
        if number in current.results:
            continue
        candidate = candidates[number]
        result = run_heat(
            track, number, candidate, config_of(competition, config, candidate), current
        )
        current = replace(current, results={**current.results, number: result})
        rounds[-1] = current
        track.folder.update_record(
            rounds=[asdict(each) for each in rounds], spent_s=time.perf_counter() - began
        )
        forget_others(track.folder, competition, rounds)
        score = f"{competition.metric.name} {result.score or 0:.5f} after {result.steps:,} steps"
        track.reporter.note(f"  {candidate.name}: {result.problem or score}")


def _result(folder: RaceFolder, inputs: RunInputs) -> RaceResult:
    metric, record = inputs.competition.metric, folder.record()
    return RaceResult(
        race_id=folder.race_id,
        race_dir=folder.path,
        competition=inputs.competition.name,
        metric=metric.name,
        direction=metric.direction,
        candidates=folder.candidates(),
        rounds=folder.rounds(),
        winner=record["winner"],
        best=record.get("best", record["winner"]),
        comparison=record.get("comparison", ""),
        left_out=record.get("left_out", {}),
        run_id="",
    )


def _round_text(number: int, rounds: int, current: RaceRound) -> str:
    return (
        f"round {number} of {rounds}: {len(current.candidates)} candidates, "
        f"{duration_key(current.seconds)} each, {current.train:,} training and "
        f"{current.held_out:,} held-out samples of fold {FOLD}"
    )
