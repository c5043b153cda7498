"""Studies of trials: what they find, how they stop and continue, and what they refuse."""

from __future__ import annotations

import csv
import json
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from comp.config.schema import resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.errors import ConfigError, RunError, WeightsError
from comp.pipeline.request import RunRequest, new_request
from comp.pipeline.run_oof import read_run_oof
from comp.runs.catalog import list_runs
from comp.runs.folder import RunFolder
from comp.signals import Stopped
from comp.tasks.binary import DECIMALS, binary
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.tuning.outcome import Outcome, TrialProgress
from comp.tuning.progress import SilentStudy
from comp.tuning.result import TuneResult
from comp.tuning.settings import TuneOptions
from comp.workspace import Workspace

pytest.importorskip("optuna")

from comp.tuning import trial as trial_module
from comp.tuning.call import resumed
from comp.tuning.folder import StudyFolder
from comp.tuning.optuna_study import open_study
from comp.tuning.pruning import Scores
from comp.tuning.terminal import result_parts
from comp.tuning.tune import _seed, tune

SPACE = {"linear": {"strength": {"low": 0.01, "high": 1e4, "log": True}}}
KEYS: Mapping[str, Any] = {"folds": 2, "device": "cpu", "model": ["linear"]}
POOR: Mapping[str, Any] = {**KEYS, "linear": {"strength": 0.01}}
GRID = {"linear": {"strength": [0.01, 0.1, 1.0, 10.0, 100.0]}}
NETWORK: Mapping[str, Any] = {
    **{"folds": 2, "device": "cpu", "model": ["mlp"], "max_steps": 6, "validations": 3},
    "mlp": {"width": 8, "layers": 1},
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The study that all tests share has one: it is made before."""
    monkeypatch.setattr("comp.tuning.summary.draw_study", lambda *_: None)


@dataclass(frozen=True)
class Houses:
    """A drawn table, whose studies are in the workspace."""

    competition: Competition
    workspace: Workspace

    def request(self, keys: Mapping[str, Any] = KEYS, **more: Any) -> RunRequest:
        return new_request(self.competition, self.workspace, {**keys, **more})

    def tune(
        self, keys: Mapping[str, Any] = KEYS, reporter: Any = None, **options: Any
    ) -> TuneResult:
        given = {"space": SPACE, "trials": 6, "sampler": "random", "pruner": "folds"} | options
        began = time.perf_counter()
        return tune(
            self.request(keys), TuneOptions(**given), reporter or SilentStudy(), began=began
        )


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    task = regression(("price",), log=True)
    toy = table(name="toy", title="Toy", kaggle="competitions/toy", task=task)
    root = tmp_path_factory.mktemp("workspace")
    (root / "data" / "toy").mkdir(parents=True)
    toy.draw_synthetic(root / "data" / "toy", np.random.default_rng(0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": toy})
        yield Houses(toy, Workspace.at(root))


@pytest.fixture(scope="module")
def study(houses: Houses) -> TuneResult:
    return houses.tune(POOR, study="whole", sampler="grid", space=GRID)


def states(result: TuneResult) -> list[str]:
    return [row.outcome.state for row in result.trials]


def test_the_default_is_trial_0_and_is_never_pruned(study: TuneResult) -> None:
    first = study.trials[0]
    assert (first.number, first.is_default, first.outcome.state) == (0, True, "complete")
    assert first.values == {"linear.strength": 0.01}
    assert study.default_score == first.outcome.value
    assert len(study.trials) == 5
    assert study.unfinished == 0


def test_pruned_trials_train_fewer_folds(study: TuneResult) -> None:
    shares = {row.outcome.state: row.outcome.share for row in study.trials}
    assert shares["complete"] == 1
    assert "pruned" in shares
    for row in study.trials:
        assert row.outcome.share == pytest.approx(len(row.outcome.fold_scores) / 2)
    assert study.fold_fits == sum(len(row.outcome.fold_scores) for row in study.trials)
    assert study.share == pytest.approx(study.fold_fits / 10)


def test_the_best_configuration_runs_and_has_the_score_of_its_trial(
    houses: Houses, study: TuneResult
) -> None:
    from comp.runs.progress import Silent

    assert study.config is not None
    keys = tomllib.loads(study.config.read_text())
    assert keys["model"] == ["linear"]
    summary = houses.request(keys).run(Silent(), began=time.perf_counter())
    assert summary.cv_score == pytest.approx(study.best_score, rel=1e-9)


def test_trials_keep_predictions_and_no_weights_and_are_no_runs(
    houses: Houses, study: TuneResult
) -> None:
    names = {path.name for path in study.folder.glob("trial-*/**/*") if path.is_file()}
    assert "oof.safetensors" in names
    assert not names & {"model.safetensors", "estimator.zip", "resume.pt", "test.safetensors"}
    assert (study.folder / "study.png").stat().st_size > 10_000
    assert all("tuning" not in run.path.parts for run in list_runs(houses.workspace, ()))
    json.dumps(asdict(study), default=str)
    with (study.folder / "trials.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["state"] for row in rows] == states(study)


def test_the_comparison_with_the_default_is_paired_over_the_held_out_samples(
    study: TuneResult,
) -> None:
    assert study.best_score is not None
    assert study.default_score is not None
    assert study.difference is not None
    assert study.best != 0
    assert study.difference.value == pytest.approx(study.best_score - study.default_score)
    assert study.better == (study.difference.real and study.difference.value < 0)


def test_a_finished_study_runs_nothing_again(houses: Houses, study: TuneResult) -> None:
    options: dict[str, Any] = {"sampler": "grid", "space": GRID, "trials": 9}
    again = houses.tune(POOR, study="whole", reporter=Forbidden(), **options)
    assert again.best_score == study.best_score
    assert again.unfinished == 0


class Forbidden(SilentStudy):
    def trial_started(self, number: int) -> None:
        pytest.fail(f"trial {number} started")


def test_another_study_of_the_same_name_is_refused(houses: Houses, study: TuneResult) -> None:
    with pytest.raises(RunError, match=r"another one: folds is 2 in its configuration, not 4"):
        houses.tune({**POOR, "folds": 4}, study="whole", sampler="grid", space=GRID)
    other = {"linear": {"strength": [0.1, 1.0]}}
    with pytest.raises(RunError, match=r"another one: its space differs in linear\.strength"):
        houses.tune(POOR, study="whole", sampler="grid", space=other)
    assert len(StudyFolder(study.folder).record()["identity"]["fold_hash"]) == 64


def test_trials_of_another_plugin_or_with_other_files_are_refused(
    houses: Houses, study: TuneResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = StudyFolder(study.folder)
    known = folder.record()["identity"]
    folder.update_record(identity=known | {"files": {"drop": "0" * 64}})
    with pytest.raises(RunError, match="a file that its configuration names has changed; "):
        houses.tune(POOR, study="whole", sampler="grid", space=GRID)
    folder.update_record(identity={k: v for k, v in known.items() if k not in ("files", "plugin")})
    assert houses.tune(POOR, study="whole", sampler="grid", space=GRID).unfinished == 0
    folder.update_record(identity=known)
    monkeypatch.setattr(registry, "source_hash", lambda _: "edited")
    with pytest.raises(RunError, match="the code of its competition has changed"):
        houses.tune(POOR, study="whole", sampler="grid", space=GRID)


class StopAt(SilentStudy):
    """Stops a study as a signal does, in a fold of a trial."""

    def __init__(self, number: int, fold: int) -> None:
        self.number, self.fold = number, fold
        self.started: list[int] = []

    def trial_started(self, number: int) -> None:
        self.started.append(number)

    def trial_progress(self, progress: TrialProgress) -> None:
        if (progress.number, progress.fold) == (self.number, self.fold):
            raise Stopped(15)


def test_a_stopped_study_continues_with_the_trial_that_ran(houses: Houses) -> None:
    options: dict[str, Any] = {"pruner": "none", "trials": 4, "sampler": "grid"}
    options["space"] = {"linear": {"strength": [0.1, 1.0, 10.0]}}
    with pytest.raises(Stopped):
        houses.tune(reporter=StopAt(2, 1), **options)
    (folder,) = [
        path for path in (houses.workspace.out / "tuning" / "toy").glob("study-*") if path.is_dir()
    ]
    assert not (folder / "trial-0002").exists()
    found = TuneOptions(space=None, study=None)
    request, same = resumed(houses.competition, houses.workspace, found, None)
    assert (same.study, same.trials, same.sampler) == (folder.name, 4, "grid")
    watcher = StopAt(-1, -1)
    result = tune(request, same, watcher, began=time.perf_counter())
    assert states(result) == ["complete"] * 4
    tried = [row.values["linear.strength"] for row in result.trials]
    assert sorted(tried[1:]) == [0.1, 1.0, 10.0]
    assert len(watcher.started) == 2


def test_a_sampler_that_repeats_itself_is_asked_again(houses: Houses) -> None:
    space = {"linear": {"strength": ["none", 1.0, 100.0]}}
    result = houses.tune(space=space, trials=10, pruner="none", sampler="random")
    tried = [row.values["linear.strength"] for row in result.trials]
    assert sorted(tried, key=str) == [1.0, 100.0, None]


def test_a_trial_of_a_dead_process_runs_again(houses: Houses) -> None:
    houses.tune(study="dead", trials=2, pruner="none")
    folder = StudyFolder(houses.workspace.out / "tuning" / "toy" / "dead")
    optuna_study = open_study(folder, "min")
    lost = optuna_study.ask()
    value = lost.suggest_float("linear.strength", 0.01, 1e4, log=True)
    lost.set_user_attr("worker", "another-machine-1")
    folder.trial(lost.number).mkdir()
    result = houses.tune(study="dead", trials=3, pruner="none")
    assert states(result) == ["complete"] * 3
    assert [row.number for row in result.trials] == [0, 1, 3]
    assert result.trials[2].values["linear.strength"] == value
    assert not folder.trial(lost.number).exists()


def test_two_processes_share_the_trials(houses: Houses) -> None:
    class Second(SilentStudy):
        """Lets another process finish the study during the first trial."""

        done: TuneResult | None = None

        def trial_started(self, number: int) -> None:
            if number == 0:
                Second.done = houses.tune(study="shared", trials=2, pruner="none")

    result = houses.tune(study="shared", trials=2, pruner="none", reporter=Second())
    assert states(result) == ["complete"] * 2
    assert Second.done is not None
    assert [row.number for row in Second.done.trials] == [1]
    assert Second.done.unfinished == 1


def test_networks_are_pruned_between_validations_and_fail_by_their_values(houses: Houses) -> None:
    space = {"optim": {"lr": [1e-3, 1e30]}, "mlp": {"dropout": [0.1, 0.9]}}
    result = houses.tune(NETWORK, space=space, sampler="grid", pruner="asha", trials=4)
    default = result.trials[0]
    assert default.outcome.steps == 12
    assert sorted(default.curve) == [1, 2, 3, 4, 5, 6]
    failed = [row for row in result.trials if row.outcome.state == "failed"]
    assert {row.values["optim.lr"] for row in failed} <= {1e30}
    assert result.steps < result.steps_of_full == 12 * (4 - len(failed))
    for row in failed:
        assert "loss" in row.outcome.reason or "finite" in row.outcome.reason
    pruned = [row.outcome for row in result.trials if row.outcome.state == "pruned"]
    assert all(0 < outcome.share < 1 for outcome in pruned)
    assert failed or pruned


def test_a_fault_of_the_program_stops_the_study(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(trial_module, "fit_seeds", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        houses.tune(study="broken", trials=2, pruner="none")
    monkeypatch.undo()
    result = houses.tune(study="broken", trials=2, pruner="none")
    assert states(result) == ["complete"] * 2


def test_a_trial_that_fails_says_why_and_saves_nothing(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has no weights, another one other targets; the two that are left are not pruned."""
    fit_seeds = trial_module.fit_seeds

    def fit(config: Any, *more: Any) -> Any:
        if config.linear.strength == 1.0:
            raise WeightsError("no weights at lost.pth")
        return fit_seeds(config, *more)

    monkeypatch.setattr("comp.tuning.tune.targets_of", lambda *_: "those of the default")
    monkeypatch.setattr(
        trial_module,
        "target_hash",
        lambda inputs, _: f"those of {inputs.config.linear.strength or 'the default'}".replace(
            "1.0", "the default"
        ),
    )
    monkeypatch.setattr(trial_module, "fit_seeds", fit)
    space = {"linear": {"strength": ["none", 1.0, 2.0]}}
    result = houses.tune(study="fails", space=space, sampler="grid", trials=3, pruner="none")
    reasons = {row.values["linear.strength"]: row.outcome.reason for row in result.trials}
    assert (reasons[None], reasons[1.0]) == ("", "no weights at lost.pth")
    assert reasons[2.0].startswith("its values change the target images, so that its score cannot")
    assert (result.share, result.fold_fits) == (1, 2)
    shown = [part for part in result_parts(result) if isinstance(part, str)]
    assert any("100% of full trials, without the failed ones (0% saved)" in s for s in shown)
    assert any(s.endswith(": no weights at lost.pth") and "failed: trial" in s for s in shown)
    assert "no weights at lost.pth" in (result.folder / "trials.csv").read_text()


def rounded(share: Any) -> Any:
    return np.round(share.astype(np.float64), DECIMALS)


def largest(pairs: Any, _metric: Any, _seed: int) -> tuple[float, ...]:
    """A threshold that decides other samples in each fold than the thresholds of the others do."""
    return (float(rounded(np.array([prediction for _, prediction in pairs])).max()),)


def test_scores_of_folds_have_decisions_that_are_fitted_on_the_other_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = binary(("no", "yes"))
    assert task.decision
    task = replace(task, decision=replace(task.decision, fit=largest))
    toy = table(name="toy", title="Toy", kaggle="competitions/toy", task=task, metric="accuracy")
    (tmp_path / "data" / "toy").mkdir(parents=True)
    toy.draw_synthetic(tmp_path / "data" / "toy", np.random.default_rng(0))
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": toy})
    found = Houses(toy, Workspace.at(tmp_path))
    keys = {**KEYS, "folds": 3, "linear": {"strength": 1e4}}  # no two predictions are 1
    result = found.tune(keys, trials=2, pruner="none", study="decides")
    for row in result.trials:
        run = read_run_oof(RunFolder(StudyFolder(result.folder).trial(row.number)), found.workspace)
        of = np.array([run.fold_of[pair.id] for pair in run.pairs()])
        target, share = (np.array([pair[side][0] for pair in run.pairs()]) for side in (0, 1))
        for fold in range(3):
            own, others = of == fold, of != fold
            for scores, used in ((row.outcome.own_scores, own), (row.outcome.fold_scores, others)):
                right = (rounded(share[own]) >= rounded(share[used]).max()) == target[own]
                assert scores[fold] == pytest.approx(right.mean())
        assert row.outcome.own_scores != row.outcome.fold_scores
    assert result.left_out_score is not None


def test_a_score_that_a_fold_does_not_have_prunes_no_trial() -> None:
    class Reported:
        values: ClassVar[dict[int, float]] = {}

        def report(self, value: float, step: int) -> None:
            self.values[step] = value

        def should_prune(self) -> bool:
            return True

    scores = Scores(Reported(), 1, False, prunes=True)
    assert not scores.fold_done(0, 0, float("nan"))
    assert scores.fold_done(1, 1, 0.5)
    assert Reported.values == {2: 0.5}


def test_a_budget_ends_the_study_and_the_rest_waits(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each trial after the first takes as if 2,000 s: there is room for about five."""
    passed = [0.0]

    class Slow(SilentStudy):
        def trial_started(self, number: int) -> None:
            passed[0] += 2000.0 if number else 0.0

    clock = SimpleNamespace(time=lambda: time.time() + passed[0], perf_counter=time.perf_counter)
    monkeypatch.setattr("comp.tuning.work.time", clock)
    result = houses.tune(study="budget", trials=50, pruner="none", budget=9000.0, reporter=Slow())
    assert 5 <= len(result.trials) <= 7
    assert result.unfinished == 50 - len(result.trials)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 1}, "give 2 or more"),
        ({"sampler": "bayes"}, "use one of tpe, gp, random, grid"),
        ({"pruner": "half"}, "use one of asha, hyperband, median, folds, none"),
        ({"sampler": "grid"}, r"--sampler grid: linear\.strength is a range without steps"),
        ({"space": {"gbdt": {"lr": [0.1, 0.2]}}}, r"keys without an effect: gbdt\.lr: "),
    ],
)
def test_options_are_checked_first(houses: Houses, options: Any, message: str) -> None:
    before = set((houses.workspace.out / "tuning" / "toy").glob("*"))
    with pytest.raises(ConfigError, match=message):
        houses.tune(**options)
    assert set((houses.workspace.out / "tuning" / "toy").glob("*")) == before


def test_resume_needs_a_study_and_takes_no_other_settings(houses: Houses, tmp_path: Path) -> None:
    from comp.cli.tune import tune as command

    options: dict[str, Any] = {"seed": 0, "set_": ["folds=3"], "pretrained": False}
    with pytest.raises(ConfigError, match=r"leave out --fold, --seed, --no-pretrained, --set$"):
        command("toy", resume=True, fold=[1], out=tmp_path, **options)
    with pytest.raises(RunError, match=r"no unfinished study in .*: start one without"):
        command("toy", resume=True, out=tmp_path)
    with pytest.raises(RunError, match="no study lost in "):
        command("toy", resume=True, study="lost", out=tmp_path)
    with pytest.raises(ConfigError, match="budget = 'soon': write a duration"):
        command("toy", budget="soon", out=tmp_path)


def test_python_refuses_what_a_study_that_resumes_has_of_its_own(houses: Houses) -> None:
    from comp.tuning.call import tune as call

    with pytest.raises(ConfigError, match=r"own settings: leave out sampler, set, max_steps"):
        call("toy", resume=True, sampler="grid", set={"folds": 3}, max_steps=3)


def test_outcomes_are_json() -> None:
    outcome = Outcome(state="complete", value=0.5, fold_scores={0: 0.25, 1: 0.75}, share=1.0)
    assert Outcome.of(json.loads(json.dumps(outcome.record()))) == outcome


def test_without_optuna_the_command_says_what_to_install(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match="needs the package optuna: install it with 'pip install"):
        houses.tune()


def test_a_process_that_continues_a_study_samples_other_values(tmp_path: Path) -> None:
    """It may have the number of the process that began, as the first process of a container has."""
    config, folder = resolve("toy", []), StudyFolder(tmp_path)
    with folder.worker() as first:
        pass
    with folder.worker() as second:
        assert _seed(config, first) != _seed(config, second)
