"""comp in Python: what it exports, what it costs to import, and whole runs in this process."""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import forked_comp
import numpy as np
import pandas as pd
import pytest
from kaggle_server import Contest, KaggleServer

import comp
from comp import api, errors
from comp.config.placement import Placement
from comp.contract import registry
from comp.errors import CompetitionError, ConfigError, RunError, SubmissionError
from comp.pipeline.request import RunRequest, config_keys
from comp.workspace import Workspace

CONFIG = {
    "validations": 1,
    "loader": {"batch_size": 2, "repeats": 1},
    "predict": {"tta": "none"},
    "options": {"crop": 64},
}
HEAVY = {"torch", "timm", "pandas", "sklearn", "kaggle", "kagglesdk", "numpy", "rich", "pydantic"}
RUN = "20260101-000000-aaaaaa"


def python(code: str, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )


@pytest.fixture(scope="module")
def finished(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> comp.Run:
    """A run of two folds and two steps."""
    return comp.run(
        "denoising",
        data=pages,
        folds=2,
        max_steps=2,
        device="cpu",
        config=CONFIG,
        set={"options.crop": 32},
        out=tmp_path_factory.mktemp("api"),
    )


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[RunRequest]:
    """The requests that `comp.run` makes in an empty folder; each ends in a RunError."""
    made: list[RunRequest] = []

    def keep(request: RunRequest, *_rest: object) -> None:
        made.append(request)
        raise RunError("not run")

    monkeypatch.setattr(RunRequest, "run", keep)
    monkeypatch.chdir(tmp_path)
    return made


def request(requests: list[RunRequest], **arguments: Any) -> RunRequest:
    with pytest.raises(RunError, match="not run"):
        comp.run("denoising", **arguments)
    return requests.pop()


def test_all_is_what_is_exported() -> None:
    assert sorted(comp.__all__) == sorted([*api.__all__, "__version__", "errors"])
    for name in api.__all__:
        assert getattr(comp, name) is getattr(api, name)
    assert comp.errors is errors
    assert dir(comp) == sorted(comp.__all__)
    with pytest.raises(AttributeError, match="module 'comp' has no attribute 'fly'"):
        comp.fly  # noqa: B018


def test_type_checkers_use_the_types_of_the_package() -> None:
    assert (Path(comp.__file__).parent / "py.typed").is_file()


def test_no_exported_name_is_that_of_a_module() -> None:
    folder = Path(comp.__file__).parent
    modules = {path.stem for path in folder.iterdir()} - {"errors"}
    assert set(comp.__all__) & modules == set()


def test_the_import_loads_one_module_and_some_of_python(tmp_path: Path) -> None:
    code = "import sys; before = {*sys.modules}; import comp; print(*{*sys.modules} - before)"
    loaded = set(python(code, cwd=tmp_path).stdout.split())
    foreign = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    assert foreign == {"comp"}
    assert len(loaded) < 60  # 30


def test_the_competitions_need_no_heavy_library(tmp_path: Path) -> None:
    code = "import sys, comp; print(comp.competitions()['denoising']); print(*sys.modules)"
    title, modules = python(code, cwd=tmp_path).stdout.splitlines()
    assert title == "Denoising Dirty Documents"
    assert (HEAVY - {"pydantic"}) & set(modules.split()) == set()


def test_a_run_is_what_its_files_say(finished: comp.Run) -> None:
    scores = json.loads((finished.folder / "scores.json").read_text())
    assert finished.scores() == scores
    assert finished.cv_score == scores["cv_score"]
    assert finished.fold_scores == {int(k): v for k, v in scores["fold_scores"].items()}
    assert list(finished.fold_scores) == [0, 1]
    assert finished.submission.read_text().startswith("id,value\n")
    assert (finished.competition, finished.state) == ("denoising", "finished")
    assert finished.run_id == finished.folder.name
    assert finished.folder.is_absolute()
    assert (finished.config["options"]["crop"], finished.config["max_steps"]) == (32, 2)
    assert finished.run_id in repr(finished)
    assert f"OOF RMSE {finished.cv_score:.5f}" in repr(finished)
    assert f"<td>{finished.cv_score:.5f}</td>" in finished._repr_html_()


def test_out_of_fold_images_are_read_one_by_one(finished: comp.Run) -> None:
    oof = finished.oof()
    ids = [line.split(",")[0] for line in (finished.folder / "folds.csv").read_text().split()[1:]]
    assert sorted(oof) == sorted(ids)
    assert {oof[sample_id].dtype for sample_id in ids} == {np.dtype(np.float32)}
    assert {oof[sample_id].ndim for sample_id in ids} == {3}


def test_a_run_writes_the_same_bytes_as_the_command(
    finished: comp.Run, pages: Path, tmp_path: Path
) -> None:
    words = ["run", "denoising", "--data", str(pages), "--folds", "2", "--max-steps", "2"]
    words += ["--device", "cpu", "--set", "validations=1", "--set", "options.crop=32"]
    words += ["--set", "loader={batch_size=2, repeats=1}", "--set", "predict.tta=none"]
    done = forked_comp.run(*words, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert Path(summary["submission"]).read_bytes() == finished.submission.read_bytes()
    record = json.loads((Path(summary["run_dir"]) / "run.json").read_text())
    assert record["config"] == finished.config


def test_a_run_is_found_by_the_beginning_of_its_id(finished: comp.Run, tmp_path: Path) -> None:
    out = finished.folder.parents[2]
    assert comp.load_run(finished.run_id[:15], runs=out) == finished
    with pytest.raises(RunError, match="no run '1999'"):
        comp.load_run("1999", runs=out)


def test_predictions_of_a_run_are_its_own_again(finished: comp.Run, tmp_path: Path) -> None:
    result = comp.predict(finished, out=tmp_path / "new")
    assert result.samples == 2
    assert result.submission is not None
    assert result.submission.read_bytes() == finished.submission.read_bytes()


def test_a_finished_run_is_not_resumed(finished: comp.Run) -> None:
    with pytest.raises(RunError, match=finished.run_id):
        comp.resume(finished)


def test_arguments_win_over_set_and_set_over_config(
    requests: list[RunRequest], tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text("seed = 1\nepochs = 2\n[optim]\nlr = 0.1\nwarmup = 0.2\n")
    made = request(
        requests, config="c.toml", set={"optim.lr": 0.3, "seed": 4}, seed=5, fold=1, budget="2m"
    )
    config = made.config(synthetic=False)
    assert (config.seed, config.epochs, config.optim.lr, config.optim.warmup) == (5, 2, 0.3, 0.2)
    assert (list(made.folds), config.budget) == ([1], 120.0)
    assert (made.data, made.synthetic) == (None, False)


def test_one_length_replaces_the_other(requests: list[RunRequest]) -> None:
    config = request(requests, config={"budget": "1m"}, max_steps=3).config(synthetic=False)
    assert (config.budget, config.max_steps) == (None, 3)
    config = request(requests, config={"max_steps": 3}, budget=90).config(synthetic=False)
    assert (config.budget, config.max_steps) == (90.0, None)


def test_nodes_get_the_data_as_asked(requests: list[RunRequest]) -> None:
    made = request(requests, on="ray", node_data="copy")
    assert made.placement == Placement(on="ray", node_data="copy")


def test_weights_are_found_from_any_folder(requests: list[RunRequest], tmp_path: Path) -> None:
    for arguments in ({"weights": "w.pt"}, {"set": {"weights": "w.pt"}}):
        made = request(requests, **arguments)
        assert made.config(synthetic=False).weights == tmp_path / "w.pt"


def test_a_run_can_be_repeated(finished: comp.Run, requests: list[RunRequest], pages: Path) -> None:
    made = request(requests, repeat=finished, out=finished.folder.parents[2])
    assert made.config(synthetic=False).model_dump(mode="json") == finished.config
    assert (made.data, made.plan) == (pages, {0: 2, 1: 2})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"set": {"optim.lrr": 1}}, ConfigError, "unknown key 'optim.lrr'"),
        ({"set": {3: 1}}, ConfigError, "configuration key 3 is not text"),
        ({"config": "gone.toml"}, ConfigError, "cannot read the config file gone.toml"),
        ({"weights": "w.pt", "pretrained": False}, ConfigError, "exclude each other"),
        ({"data": "gone"}, errors.DataError, "gone"),
        ({"repeat": "1999"}, RunError, "no run '1999'"),
        ({"node_data": "copy"}, ConfigError, "only a cluster has nodes"),
    ],
)
def test_a_mistake_is_an_exception(
    arguments: dict[str, Any],
    error: type[Exception],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        comp.run("denoising", **arguments)
    assert not (tmp_path / "runs").exists()


def test_an_unknown_competition_is_an_exception() -> None:
    with pytest.raises(CompetitionError, match="unknown competition 'denoisng'"):
        comp.run("denoisng")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("started", [True, False])
def test_a_stop_says_how_to_resume_and_restores_the_handlers(
    number: int, started: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs" / "denoising" / "r1"

    def stop(*_: object) -> None:
        try:
            signal.raise_signal(number)
        except comp.Stopped as stopped:
            stopped.run = folder if started else None
            raise

    monkeypatch.setattr(RunRequest, "run", stop)
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt) as caught:
        comp.run("denoising")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert isinstance(caught.value, comp.Stopped)
    assert caught.value.__context__ is None
    name = signal.Signals(number).name
    how = (
        "the run is saved; continue it with comp.resume('r1')"
        if started
        else "nothing was saved; start again with the same call"
    )
    assert str(caught.value) == f"stopped by {name}: {how}"
    monkeypatch.chdir(tmp_path.parent)
    if started:
        with pytest.raises(KeyboardInterrupt, match=rf"resume\('r1', runs='{tmp_path}'\)"):
            comp.run("denoising")


def test_a_thread_may_run_and_leaves_the_signals_alone(
    pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results: list[Any] = []
    handlers: list[Any] = []

    def work() -> None:
        try:
            run = comp.run(
                "denoising",
                data=pages,
                fold=0,
                max_steps=1,
                device="cpu",
                config=CONFIG | {"folds": 2},
                out=tmp_path,
                quiet=True,
            )
            results.append(run)
        except BaseException as error:
            results.append(error)

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        handlers.append(signal.getsignal(signal.SIGINT))
        thread.join(0.05)
    assert isinstance(results[0], comp.Run), results
    assert list(results[0].fold_scores) == [0]
    assert set(handlers) == {before}
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    """A Kaggle of our own, for this process."""
    home = tmp_path / "home"
    home.mkdir()
    with KaggleServer() as server:
        server.contests["denoising-dirty-documents"] = Contest(
            polls=0, leaderboard=[("a", "0.01"), ("b", "0.5")]
        )
        variables = server.environment(home)
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield server


def test_a_submission_is_sent_once_without_a_question(
    finished: comp.Run, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asks"))
    monkeypatch.setattr("comp.streams.ask", lambda *_: pytest.fail("it asks"))
    result = comp.submit(finished, message="from a notebook")
    assert (result.state, result.public, result.run_id) == ("scored", "0.01234", finished.run_id)
    assert result.standing is not None
    assert result.standing.rank == 2
    (sent,) = server.contests["denoising-dirty-documents"].submissions
    assert "from a notebook" in str(sent)
    ledger = finished.folder.parents[2] / "submissions" / "ledger.jsonl"
    assert '"event": "scored"' in ledger.read_text()
    for again in (finished.run_id, finished.submission):
        with pytest.raises(SubmissionError, match="--force"):
            comp.submit(again, runs=finished.folder.parents[2])
    assert len(server.contests["denoising-dirty-documents"].submissions) == 1


PAGE = Path(__file__).parents[1] / "docs" / "notebooks.md"


@pytest.fixture
def example_door(
    finished: comp.Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, list[Any]]:
    """The functions of comp without training and Kaggle: calls are checked and kept by name."""
    calls: dict[str, list[Any]] = {}
    table = pd.DataFrame({"id": ["a"], "fold": [0], "target": [1], "prediction": [0.2]})

    def stand_in(name: str, result: Any) -> None:
        signature = inspect.signature(getattr(api, name))

        def call(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs).arguments
            calls.setdefault(name, []).append(given)
            competition = registry.get(given.get("competition", "denoising"))
            keys = config_keys(given.get("config"), given.get("set"))
            RunRequest(competition=competition, workspace=Workspace.at(tmp_path), keys=keys).check()
            images = competition.task.output == "image"
            return result if images else types.SimpleNamespace(oof=lambda: table)

        monkeypatch.setattr(api, name, call)

    monkeypatch.chdir(finished.folder.parents[2])
    stand_in("run", finished)
    stand_in("resume", finished)
    stand_in("submit", types.SimpleNamespace(state="scored", public="0.1", standing=None))
    return calls


def test_the_examples_of_the_page_run(
    example_door: dict[str, list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.M)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert {name: len(calls) for name, calls in example_door.items()} == {
        "run": 8,
        "resume": 1,
        "submit": 1,
    }
    assert len(names["scores"]) == 3
    assert list(names["mistakes"]["id"]) == ["a"]
    assert names["p"].samples == 2
    assert "did you mean 'optim.lr'?" in capsys.readouterr().out
