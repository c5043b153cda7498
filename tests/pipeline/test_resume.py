"""Runs that resume in this process, runs that cannot, bad losses and full disks."""

from __future__ import annotations

import os
import pickle
import re
import resource
import shutil
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol
from zipfile import ZipFile

import cv2
import numpy as np
import pytest
import torch
from filelock import FileLock

from comp.config.nesting import merge
from comp.config.schema import RunConfig, resolve
from comp.data.location import DataSource, locate_data
from comp.errors import ConfigError, DataError, DeviceError, DiskError, RunError
from comp.files import read_json, write_bytes, write_json
from comp.pipeline.members import read_result
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.pipeline.verify_resume import verify
from comp.runs.folder import RunFolder
from comp.runs.newest import newest_unfinished
from comp.runs.progress import Silent, Step
from comp.runs.results import RunSummary
from comp.signals import Stopped, defer_signals, handle_signals, stop_requested
from comp.training import device
from comp.training.generators import generator_states, set_generator_states
from comp.training.state import read_checkpoint
from comp.workspace import Workspace
from competitions.cats_dogs import COMPETITION as CATS
from competitions.denoising import COMPETITION as DENOISING
from competitions.denoising import network

ARRAYS = ("model.safetensors", "oof.safetensors", "test.safetensors")


class Stop(Protocol):
    def __call__(self, config: RunConfig, data: Path, place: Path, fold: int = 0) -> RunFolder: ...


@contextmanager
def single_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with single_thread():
        yield


@pytest.fixture(scope="module", autouse=True)
def small_network() -> Iterator[None]:
    """What resumes is not a question of the widths of the network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "PageNet", partial(network.PageNet, widths=(8, 8, 8)))
        yield


@pytest.fixture(scope="module")
def config(tiny: RunConfig) -> RunConfig:
    changes = {"max_steps": 4, "validations": 2, "checkpoint_every": "1"}
    return resolve("denoising", [merge(tiny.model_dump(), changes)], DENOISING.options)


@pytest.fixture
def data(pages: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pages, tmp_path / "data"))


@pytest.fixture(scope="module")
def whole(config: RunConfig, pages: Path, tmp_path_factory: pytest.TempPathFactory) -> RunSummary:
    """An uninterrupted run of `config`, which no test may change."""
    with single_thread():
        workspace = Workspace.at(tmp_path_factory.mktemp("whole"))
        return run(config, DataSource(pages, False), workspace, Silent())


class Killer(Silent):
    """Sends this process a signal when a fold reports a step."""

    def __init__(self, fold: int, step: int, number: int = signal.SIGTERM) -> None:
        self.fold, self.at, self.number = fold, step, number

    def step(self, step: Step) -> None:
        if (step.fold, step.step) == (self.fold, self.at):
            os.kill(os.getpid(), self.number)


class Notes(Silent):
    """Keeps the notes, and the number of threads of the steps."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.threads: set[int] = set()

    def note(self, words: str) -> None:
        self.notes.append(words)

    def step(self, step: Step) -> None:
        self.threads.add(torch.get_num_threads())


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stop:
    """Makes a workspace with a run that a signal stopped in the middle of a fold.

    The first one of a configuration is trained on the spot, the others are copies of it.
    """
    trained: dict[tuple[str, int], Path] = {}

    def stop(config: RunConfig, data: Path, place: Path, fold: int = 0) -> RunFolder:
        key = (config.model_dump_json(), fold)
        if key not in trained:
            folder = train(config, data, place, fold)
            trained[key] = tmp_path_factory.mktemp("stopped") / "runs"
            shutil.copytree(place / "runs", trained[key])
            return folder
        shutil.copytree(trained[key], place / "runs")
        folder = newest_unfinished(Workspace.at(place))
        folder.update_record(data=str(data))
        return folder

    return stop


def train(config: RunConfig, data: Path, place: Path, fold: int) -> RunFolder:
    workspace = Workspace.at(place)
    with pytest.raises(Stopped) as caught, handle_signals():
        run(config, DataSource(data, False), workspace, Killer(fold, 2))
    folder = newest_unfinished(workspace)
    assert caught.value.run == folder.path
    assert folder.record()["state"] == "interrupted"
    return folder


def test_a_resumed_run_is_identical_to_the_byte(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop, whole: RunSummary
) -> None:
    folder = stopped(config, data, tmp_path / "b", fold=1)
    kept = (folder.fold(0) / "model.safetensors").stat().st_mtime_ns
    again = resume(folder, Workspace.at(tmp_path / "b"), Silent())
    assert again.submission.read_bytes() == whole.submission.read_bytes()
    assert folder.oof.read_bytes() == (whole.run_dir / "oof.safetensors").read_bytes()
    assert again.cv_score == whole.cv_score
    assert (folder.fold(0) / "model.safetensors").stat().st_mtime_ns == kept
    assert not (folder.fold(1) / "resume.pt").exists()
    history = (folder.fold(1) / "history.jsonl").read_text().splitlines()
    steps = [line.split(",")[0] for line in history]
    assert steps == ['{"step": 2', '{"step": 4']
    with pytest.raises(RunError, match="is already finished: nothing to resume"):
        resume(folder, Workspace.at(tmp_path / "b"), Silent())


class Unlucky:
    """A signal comes while it is collected, where Python drops what the handler raises."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("place", "left"),
    [
        (
            "comp.pipeline.fold.load_weights",
            {"batches.json", "history.jsonl", "model.safetensors", "resume.pt"},
        ),
        ("comp.pipeline.fold.save_meta", {"history.jsonl", "meta.json", *ARRAYS}),
    ],
)
def test_a_signal_that_python_drops_stops_the_run_all_the_same(
    config: RunConfig,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    left: set[str],
) -> None:
    module, _, name = place.rpartition(".")
    real = getattr(sys.modules[module], name)

    def unlucky(*given: Any) -> Any:
        Unlucky()
        return real(*given)

    workspace = Workspace.at(tmp_path)
    monkeypatch.setattr(place, unlucky)
    with pytest.raises(Stopped), handle_signals():
        run(config, DataSource(data, False), workspace, Silent(), only=[0])
    monkeypatch.undo()
    folder = newest_unfinished(workspace)
    assert {path.name for path in folder.fold(0).iterdir()} == left
    assert resume(folder, workspace, Silent()).fold_scores.keys() == {0}


def test_a_signal_after_the_last_validation_stops_before_predicting(
    config: RunConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.training import fit

    real = fit._validate

    def late(job: Any, parts: Any, step: int) -> None:
        real(job, parts, step)
        if step == job.steps:
            signal.raise_signal(signal.SIGTERM)

    workspace = Workspace.at(tmp_path)
    monkeypatch.setattr(fit, "_validate", late)
    with pytest.raises(Stopped), handle_signals():
        run(config, DataSource(data, False), workspace, Silent(), only=[0])
    monkeypatch.undo()
    folder = newest_unfinished(workspace)
    names = {path.name for path in folder.fold(0).iterdir()}
    assert names == {"batches.json", "history.jsonl", "resume.pt"}
    assert resume(folder, workspace, Silent()).fold_scores.keys() == {0}


def test_a_signal_before_the_first_fold_names_the_run(
    config: RunConfig, data: Path, tmp_path: Path
) -> None:
    """In a new run, and in a run that resumes, before its data is read."""

    class Early(Silent):
        def run_started(self, _opening: Any) -> None:
            signal.raise_signal(signal.SIGINT)

    workspace = Workspace.at(tmp_path)
    with pytest.raises(Stopped) as caught, handle_signals():
        run(config, DataSource(data, False), workspace, Early(), only=[0])
    folder = newest_unfinished(workspace)
    assert (caught.value.run, folder.record()["state"]) == (folder.path, "interrupted")
    folder.update_record(state="running")
    with pytest.raises(Stopped) as caught, handle_signals():
        resume(folder, workspace, Early())
    assert (caught.value.run, folder.record()["state"]) == (folder.path, "interrupted")


def test_others_are_kept_out_while_the_data_is_looked_at(
    config: RunConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: Stop
) -> None:
    from comp.pipeline import resume as resumption

    real, seen = resumption.prepare_run, []

    def watched(*given: Any, **named: Any) -> Any:
        seen.append(folder.alive())
        return real(*given, **named)

    folder = stopped(config, data, tmp_path, fold=1)
    monkeypatch.setattr(resumption, "prepare_run", watched)
    resume(folder, Workspace.at(tmp_path), Silent())
    assert seen == [True]
    assert not folder.alive()


def test_another_configuration_is_refused_with_the_difference(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop
) -> None:
    folder = stopped(config, data, tmp_path, fold=1)
    workspace = Workspace.at(tmp_path)
    with pytest.raises(ConfigError, match=r"optim\.lr was .*, is 0\.5; omit these"):
        resume(folder, workspace, Silent(), given={"optim": {"lr": 0.5}})
    assert folder.record()["state"] == "interrupted"
    assert resume(folder, workspace, Silent(), given={"max_steps": 4}).fold_scores.keys() == {0, 1}


def test_what_changes_nothing_that_is_learnt_may_differ(
    config: RunConfig,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stopped: Stop,
    whole: RunSummary,
) -> None:
    folder, workspace = stopped(config, data, tmp_path / "b"), Workspace.at(tmp_path / "b")
    own, notes, reporter = folder.record()["config"], [], Silent()
    folder.update_record(config=own | {"device": "auto"})
    monkeypatch.setattr(reporter, "note", notes.append)
    others = {
        "predict": {"batch_size": 1},
        "loader": {"workers": 1},
        "checkpoint_every": "2",
        "device": "cpu",
        "track": {"project": "pages"},
    }
    again = resume(folder, workspace, reporter, given=others)
    for weights in ("fold-0/model.safetensors", "fold-1/model.safetensors"):
        assert (folder.path / weights).read_bytes() == (whole.run_dir / weights).read_bytes()
    assert again.cv_score == pytest.approx(whole.cv_score, abs=1e-6)
    record = folder.record()
    assert record["config"]["predict"]["batch_size"] == 1
    assert record["changed"] == {
        "checkpoint_every": ["1", "2"],
        "device": ["auto", "cpu"],
        "loader.workers": [None, 1],
        "predict.batch_size": [4, 1],
        "track.project": [None, "pages"],
    }
    assert any(
        "predict.batch_size was 4, is 1; track.project was None, is pages; predictions may differ"
        in words
        for words in notes
    )


def test_a_device_of_another_kind_is_refused(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop
) -> None:
    folder = stopped(config, data, tmp_path)
    folder.update_record(
        config=folder.record()["config"] | {"device": "auto"}, device="cuda (a GPU)"
    )
    with pytest.raises(ConfigError, match="device was auto, is cpu"):
        resume(folder, Workspace.at(tmp_path), Silent(), given={"device": "cpu"})


@pytest.mark.parametrize(
    ("change", "words"),
    [("bytes", "the bytes of images"), ("gone", "training samples are missing, the first is")],
)
def test_other_data_are_refused_with_the_difference(
    config: RunConfig, data: Path, tmp_path: Path, change: str, words: str, stopped: Stop
) -> None:
    folder = stopped(config, data, tmp_path)
    page = sorted((data / "train").glob("*.png"))[0]
    if change == "gone":
        (data / "train_cleaned" / page.name).unlink()
        page.unlink()
    else:
        cv2.imwrite(str(page), 255 - cv2.imread(str(page), cv2.IMREAD_UNCHANGED))
    with pytest.raises(DataError, match=words):
        resume(folder, Workspace.at(tmp_path), Silent())
    shutil.rmtree(data)
    with pytest.raises(
        DataError, match=r"is no longer in .*: put it back, or give its new path with --data"
    ):
        resume(folder, Workspace.at(tmp_path), Silent())


@pytest.mark.parametrize("zipped", [False, True])
def test_data_that_moved_are_named(
    config: RunConfig, data: Path, pages: Path, tmp_path: Path, zipped: bool, stopped: Stop
) -> None:
    folder, workspace = stopped(config, data, tmp_path, fold=1), Workspace.at(tmp_path)
    other = Path(shutil.copytree(pages, tmp_path / "other"))
    page = sorted((other / "train").glob("*.png"))[0]
    cv2.imwrite(str(page), 255 - cv2.imread(str(page), cv2.IMREAD_UNCHANGED))
    shutil.rmtree(data)
    with pytest.raises(DataError, match="the bytes of images"):
        resume(folder, workspace, Silent(), data=other)
    place = tmp_path / "moved"
    shutil.copytree(pages, place)
    if zipped:
        place = Path(shutil.make_archive(str(place), "zip", place))
    assert resume(folder, workspace, Silent(), data=place).fold_scores.keys() == {0, 1}
    root = Path(folder.record()["data"])
    assert root.is_dir()
    assert (root == place) is not zipped


def test_a_sample_is_drawn_again_where_it_is_gone(
    config: RunConfig, pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "comp.data.location._draw", lambda _, to: to.exists() or shutil.copytree(pages, to)
    )
    before = Workspace.at(tmp_path / "before")
    with pytest.raises(Stopped), handle_signals():
        run(config, locate_data(DENOISING, before, None, True), before, Killer(0, 2))
    after = Workspace.at(tmp_path / "after")
    before.root.rename(after.root)
    shutil.rmtree(after.cache)
    folder = newest_unfinished(after)
    assert resume(folder, after, Silent()).synthetic
    assert Path(folder.record()["data"]).is_relative_to(after.cache)


def test_a_run_that_somebody_works_on_is_left_alone(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop
) -> None:
    folder = stopped(config, data, tmp_path)
    with FileLock(folder.lock):
        with pytest.raises(RunError, match="another process is working on run"):
            resume(folder, Workspace.at(tmp_path), Silent())
        with pytest.raises(RunError, match="no unfinished run of denoising"):
            newest_unfinished(Workspace.at(tmp_path), "denoising")
    assert not folder.alive()


def test_a_state_that_is_code_is_refused(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop
) -> None:
    folder = stopped(config, data, tmp_path)
    trap = tmp_path / "trap"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (trap,)

    state = folder.fold(0) / "resume.pt"
    for evil in (pickle.dumps(Evil()), b"", b"PK\3\4nonsense", state.read_bytes()[:-100]):
        state.write_bytes(evil)
        with pytest.raises(RunError, match="cannot resume from"):
            resume(folder, Workspace.at(tmp_path), Silent())
    torch.save({"format": 1, "evil": Evil()}, state)
    with pytest.raises(RunError, match="cannot resume from"):
        resume(folder, Workspace.at(tmp_path), Silent())
    assert not trap.exists()


def test_a_state_with_one_wrong_bit_is_refused(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop
) -> None:
    folder = stopped(config, data, tmp_path, fold=1)
    state = folder.fold(1) / "resume.pt"
    whole = state.read_bytes()
    with ZipFile(state) as archive:
        parts = sorted(archive.infolist(), key=lambda part: part.file_size)
    for part in (*parts[-4:], *(p for p in parts if p.filename.endswith("data.pkl"))):
        name, extra = struct.unpack_from("<HH", whole, part.header_offset + 26)
        damaged = bytearray(whole)
        damaged[part.header_offset + 30 + name + extra + part.file_size // 2] ^= 0x40
        state.write_bytes(damaged)
        with pytest.raises(
            RunError, match=r"cannot resume .*\(it is damaged: .* wrong\): delete it"
        ):
            resume(folder, Workspace.at(tmp_path), Silent())
    state.write_bytes(whole)
    assert resume(folder, Workspace.at(tmp_path), Silent()).fold_scores.keys() == {0, 1}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parts": {}}, "it does not contain 'meter'"),
        ({"generators": {}}, "it does not contain 'torch'"),
        ({"step": "x"}, "not supported between"),
        ({"step": 9}, "step 9 of 4"),
        ({"model": {}}, "Missing key"),
    ],
    ids=["no parts", "no generators", "a step of text", "a step too far", "other weights"],
)
def test_a_state_that_fits_nothing_is_refused(
    config: RunConfig, data: Path, tmp_path: Path, change: dict[str, Any], words: str, stopped: Stop
) -> None:
    folder = stopped(config, data, tmp_path)
    path = folder.fold(0) / "resume.pt"
    state = torch.load(path, weights_only=True)
    if "model" in change:
        change = {"parts": state["parts"] | change}
    torch.save(state | change, path)
    with pytest.raises(RunError, match=rf"cannot resume from .*\(.*{words}.*\): delete it"):
        resume(folder, Workspace.at(tmp_path), Silent())


def test_a_damaged_history_loses_its_damaged_lines(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop
) -> None:
    folder = stopped(config, data, tmp_path, fold=1)
    history = folder.fold(1) / "history.jsonl"
    history.write_bytes(b"{\n{}\n\xff\xfe\n[1]\n")
    resume(folder, Workspace.at(tmp_path), Silent())
    assert [line[:10] for line in history.read_text().splitlines()] == ['{"step": 2', '{"step": 4']


def test_a_fold_with_a_damaged_meta_restarts(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop
) -> None:
    folder = stopped(config, data, tmp_path, fold=1)
    weights, meta = (folder.fold(0) / name for name in ("model.safetensors", "meta.json"))
    before, at = weights.read_bytes(), weights.stat().st_mtime_ns
    whole = read_json(meta)
    for damaged in ("", "{", "[]", "{}", '{"fold": 0, "score": "x"}'):
        meta.write_text(damaged)
        assert read_result(folder.fold(0), config) is None
    write_json(meta, whole | {"later": 1})
    assert read_result(folder.fold(0), config)
    meta.write_text("{")
    resume(folder, Workspace.at(tmp_path), Silent())
    assert read_json(meta)["score"] == whole["score"]
    assert weights.stat().st_mtime_ns > at
    assert weights.read_bytes() == before


@pytest.mark.parametrize("name", ["model", "oof", "test"])
@pytest.mark.parametrize("cut", [True, False])
def test_a_fold_without_one_of_its_files_restarts(
    config: RunConfig, data: Path, tmp_path: Path, name: str, cut: bool, stopped: Stop
) -> None:
    folder, notes = stopped(config, data, tmp_path, fold=1), Notes()
    path = folder.fold(0) / f"{name}.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    if not cut:
        path.unlink()
    resume(folder, Workspace.at(tmp_path), notes)
    assert path.read_bytes() == whole
    assert sum("fold 0 restarts: a file in" in words for words in notes.notes) == 1


def test_a_run_of_an_earlier_version_resumes(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop
) -> None:
    """The key `synthetic` of run.json was `sample` once."""
    folder = stopped(config, data, tmp_path, fold=1)
    record = read_json(folder.path / "run.json")
    record["sample"] = record.pop("synthetic")
    write_json(folder.path / "run.json", record)
    assert newest_unfinished(Workspace.at(tmp_path)) == folder
    summary = resume(folder, Workspace.at(tmp_path), Silent())
    assert (summary.synthetic, summary.fold_scores.keys()) == (False, {0, 1})


def test_an_older_run_is_found_behind_a_damaged_one(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop
) -> None:
    folder = stopped(config, data, tmp_path)
    record = folder.record()
    for name, damaged in (("a", {}), ("b", record | {"plan": None}), ("c", record | {"folds": 1})):
        newer = folder.path.with_name(f"9-{name}")
        newer.mkdir()
        write_json(newer / "run.json", damaged)
    assert newest_unfinished(Workspace.at(tmp_path)) == folder
    with pytest.raises(RunError, match=r"run\.json is damaged: competition is missing; restore"):
        resume(RunFolder(folder.path.with_name("9-a")), Workspace.at(tmp_path), Silent())


def test_a_run_resumes_with_its_recorded_threads(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop, whole: RunSummary
) -> None:
    folder, notes = stopped(config, data, tmp_path / "b"), Notes()
    torch.set_num_threads(2)
    again = resume(folder, Workspace.at(tmp_path / "b"), notes)
    assert notes.threads == {1}
    assert not any("changed since the run started" in words for words in notes.notes)
    assert (folder.fold(1) / "model.safetensors").read_bytes() == (
        whole.run_dir / "fold-1" / "model.safetensors"
    ).read_bytes()
    assert again.device == "cpu (1 threads)"
    (resumed,) = folder.record()["resumed"]
    assert (resumed["device"], resumed["precision"]) == ("cpu (1 threads)", "fp32")
    assert resumed["packages"]["torch"] == version("torch")


def test_changes_of_device_and_packages_are_reported(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop
) -> None:
    folder, notes = stopped(config, data, tmp_path, fold=1), Notes()
    environment = folder.record()["environment"]
    packages = environment["packages"] | {"timm": "0.1", "kaggle": "0.1"}
    folder.update_record(
        device="cpu (4096 threads)", environment=environment | {"packages": packages}
    )
    assert resume(folder, Workspace.at(tmp_path), notes).fold_scores.keys() == {0, 1}
    (changes_text,) = [
        words for words in notes.notes if words.startswith("changed since the run started")
    ]
    assert "cpu (1 threads) (was cpu (4096 threads)), timm " in changes_text
    assert "(was 0.1); results may differ in their last digits" in changes_text
    assert "kaggle" not in changes_text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"device": "cuda (NVIDIA H100)", "precision": "bf16"},
            "cuda (NVIDIA H100) in bf16, which this machine does not have (no device 'cuda'",
        ),
        (
            {"precision": "fp16"},
            "in fp16, which this machine does not have (precision fp16 needs a CUDA GPU",
        ),
    ],
)
def test_another_device_or_precision_is_refused(
    config: RunConfig,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str],
    words: str,
    stopped: Stop,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    folder = stopped(config.model_copy(update={"device": "auto"}), data, tmp_path, fold=1)
    folder.update_record(**change)
    with pytest.raises(DeviceError, match=f"{re.escape(words)}.*: resume it on a machine that"):
        resume(folder, Workspace.at(tmp_path), Silent())
    folder.update_record(device="cpu (1 threads)", precision="bf16")
    assert resume(folder, Workspace.at(tmp_path), Silent()).precision == "bf16"


def test_a_state_of_another_plan_is_refused(
    config: RunConfig, data: Path, tmp_path: Path, stopped: Stop
) -> None:
    folder = stopped(config, data, tmp_path)
    record = folder.record()
    folder.update_record(config=record["config"] | {"max_steps": 9})
    with pytest.raises(
        RunError, match="belongs to a training of 4 steps, but this training has 9: delete it"
    ):
        resume(folder, Workspace.at(tmp_path), Silent())


@pytest.mark.parametrize(
    "writing",
    [
        "comp.training.checkpoint_writer._write",
        "comp.pipeline.fold.save_weights",
        "comp.pipeline.fold.save_predictions",
        "comp.pipeline.fold.save_meta",
        "comp.pipeline.ensemble.save_predictions",
        "comp.pipeline.ensemble.make_submission",
        "comp.pipeline.ensemble.write_json",
    ],
)
def test_a_disk_that_fills_loses_nothing(
    config: RunConfig,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writing: str,
    whole: RunSummary,
) -> None:
    """Files may not grow beyond 100 bytes from the first call of a function that writes on."""
    workspace = Workspace.at(tmp_path / "b")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    module, _, name = writing.rpartition(".")
    real = getattr(sys.modules[module], name)

    def full(*given: Any, **more: Any) -> Any:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        return real(*given, **more)

    monkeypatch.setattr(writing, full)
    try:
        with pytest.raises(DiskError, match=r"cannot write .*too large.*; raise the limit on"):
            run(config, DataSource(data, False), workspace, Silent())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        monkeypatch.undo()
    folder = newest_unfinished(workspace)
    assert folder.record()["state"] in ("running", "failed")  # run.json could not grow either
    assert not list(tmp_path.rglob("*.part"))
    assert resume(folder, workspace, Silent()).submission.read_bytes() == (
        whole.submission.read_bytes()
    )
    assert folder.oof.read_bytes() == (whole.run_dir / "oof.safetensors").read_bytes()


def test_a_bad_loss_names_its_samples_and_keeps_the_state_before(
    config: RunConfig, data: Path, tmp_path: Path
) -> None:
    wild = config.model_copy(
        update={"optim": config.optim.model_copy(update={"lr": 1e30, "name": "sgd", "warmup": 0.0})}
    )
    workspace = Workspace.at(tmp_path)
    with pytest.raises(RunError) as caught:
        run(wild, DataSource(data, False), workspace, Silent())
    ids = {sample.id for sample in DENOISING.samples(data, "train")}
    words = str(caught.value)
    assert "learning rate" in words
    assert sum(name in words for name in ids) == config.loader.batch_size
    assert "the gradients grew without bound" in words
    folder = newest_unfinished(workspace)
    assert folder.record()["state"] == "failed"
    saved = read_checkpoint(folder.fold(0) / "resume.pt")
    if saved:
        assert all(torch.isfinite(w).all() for w in saved.state["model"].values() if w.ndim)


def test_weights_that_grew_without_bound_cannot_resume(
    config: RunConfig, data: Path, tmp_path: Path
) -> None:
    optim = config.optim.model_copy(update={"lr": 1e30, "warmup": 0.0})
    wild = config.model_copy(update={"optim": optim, "max_steps": 1, "validations": 1})
    workspace = Workspace.at(tmp_path)
    words = r"NaN, the last one after step 1 \(learning rate 1\.00e\+30\): the predictions are not"
    with pytest.raises(RunError, match=words):
        run(wild, DataSource(data, False), workspace, Silent())
    folder = newest_unfinished(workspace)
    assert not (folder.fold(0) / "resume.pt").exists()
    with pytest.raises(RunError, match=words):
        resume(folder, workspace, Silent())


def test_sound_weights_without_a_score_wait_for_a_better_metric(
    config: RunConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace.at(tmp_path)
    monkeypatch.setattr("comp.pipeline.fold_context.FoldContext.validate", lambda *_: float("nan"))
    with pytest.raises(
        RunError, match=r"NaN, the last one after step 4 \(.*: look at the data and"
    ):
        run(config, DataSource(data, False), workspace, Silent())
    monkeypatch.undo()
    folder = newest_unfinished(workspace)
    saved = read_checkpoint(folder.fold(0) / "resume.pt")
    assert saved
    assert (saved.step, saved.validation_pending) == (4, True)
    assert resume(folder, workspace, Silent()).fold_scores.keys() == {0, 1}


def test_out_of_memory_halves_the_batch_once(
    config: RunConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.pipeline import fold

    real, sizes, notes = fold.fit, [], []

    def small_gpu(model: Any, loader: Any, job: Any, *rest: Any) -> Any:
        sizes.append((job.config.loader.batch_size, job.config.optim.accumulate))
        if job.config.loader.batch_size > 1:
            raise torch.OutOfMemoryError
        return real(model, loader, job, *rest)

    monkeypatch.setattr(fold, "fit", small_gpu)
    reporter = Silent()
    monkeypatch.setattr(reporter, "note", notes.append)
    two = config.model_copy(update={"folds": 2})
    summary = run(two, DataSource(data, False), Workspace.at(tmp_path), reporter)
    assert sizes == [(2, 1), (1, 2), (1, 2)]
    assert sum("out of memory: batches of 1 instead of 2" in words for words in notes) == 1
    assert summary.plan == {0: 4, 1: 4}
    assert RunFolder(summary.run_dir).record()["halved"] is True
    assert read_json(summary.run_dir / "fold-1" / "meta.json")["halved"] is True
    monkeypatch.setattr(fold, "fit", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError()))
    with pytest.raises(device.OutOfMemoryError):
        run(two, DataSource(data, False), Workspace.at(tmp_path), Silent(), only=[0])


def test_halved_batches_are_remembered_where_a_fold_is_stopped(
    config: RunConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.pipeline import fold

    real, sizes = fold.fit, []

    def small_gpu(model: Any, loader: Any, job: Any, *rest: Any) -> Any:
        sizes.append(job.config.loader.batch_size)
        if sizes[-1] > 1:
            raise torch.OutOfMemoryError
        return real(model, loader, job, *rest)

    monkeypatch.setattr(fold, "fit", small_gpu)
    workspace = Workspace.at(tmp_path)
    with pytest.raises(Stopped), handle_signals():
        run(config, DataSource(data, False), workspace, Killer(0, 2))
    folder = newest_unfinished(workspace)
    assert folder.record()["halved"] is True
    summary = resume(folder, workspace, Silent())
    assert sizes == [2, 1, 1, 1]
    whole = run(config, DataSource(data, False), Workspace.at(tmp_path / "whole"), Silent())
    assert summary.submission.read_bytes() == whole.submission.read_bytes()


def test_a_budget_is_planned_for_halved_batches(
    config: RunConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.pipeline import fold

    real, sizes, notes = fold.fit, [], []

    def small_gpu(model: Any, loader: Any, job: Any, *rest: Any) -> Any:
        sizes.append(job.config.loader.batch_size)
        if sizes[-1] > 1:
            raise torch.OutOfMemoryError
        return real(model, loader, job, *rest)

    monkeypatch.setattr(fold, "fit", small_gpu)
    reporter = Silent()
    monkeypatch.setattr(reporter, "note", notes.append)
    timely = config.model_copy(update={"max_steps": None, "budget": 600.0})
    monkeypatch.setattr("comp.pipeline.budget_shares.steps_within", lambda *_: 4)
    summary = run(timely, DataSource(data, False), Workspace.at(tmp_path), reporter, only=[0])
    assert sizes.count(2) == 1
    assert sizes.count(1) == len(sizes) - 1 >= 2
    assert sum("out of memory" in words for words in notes) == 1
    assert RunFolder(summary.run_dir).record()["halved"] is True


def test_a_second_signal_breaks_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one waits for the step to end; the second one comes while its state is written."""
    path, flush = tmp_path / "state", os.fsync
    write_bytes(path, b"before")

    def impatient(number: int) -> None:
        flush(number)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(os, "fsync", impatient)

    def stopped_twice() -> None:
        signal.raise_signal(signal.SIGINT)
        assert stop_requested()
        write_bytes(path, b"after, and longer")

    with pytest.raises(Stopped), handle_signals(), defer_signals():
        stopped_twice()
    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == ["state"]


def test_generators_are_restored() -> None:
    states = generator_states(torch.device("cpu"))
    first = (torch.rand(3), np.random.rand(3), np.random.normal())
    set_generator_states(states, torch.device("cpu"))
    second = (torch.rand(3), np.random.rand(3), np.random.normal())
    assert torch.equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert first[2] == second[2]


def signal_in_first_step(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Make the loss send SIGINT; the list gets a value if the step continues afterwards."""
    continued: list[bool] = []

    def loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        signal.raise_signal(signal.SIGINT)
        continued.append(True)
        return (prediction - target).square().mean()

    monkeypatch.setattr("comp.pipeline.fold.make_loss", lambda *_: loss)
    return continued


def test_a_signal_stops_the_measurement_at_once_and_nothing_is_saved(
    config: RunConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    continued = signal_in_first_step(monkeypatch)
    timed = config.model_copy(update={"max_steps": None})
    with pytest.raises(Stopped) as caught, handle_signals():
        run(timed, DataSource(data, False), Workspace.at(tmp_path), Silent())
    assert (continued, caught.value.run) == ([], None)
    assert not (tmp_path / "runs").exists()


def test_a_signal_stops_a_verification_at_once(
    config: RunConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    continued = signal_in_first_step(monkeypatch)
    with pytest.raises(Stopped) as caught, handle_signals():
        verify(config, DataSource(data, True), Workspace.at(tmp_path), Silent())
    assert (continued, caught.value.run) == ([], None)


@pytest.mark.parametrize("name", ["denoising", "cats"])
def test_a_configuration_is_verified(
    config: RunConfig, data: Path, tmp_path: Path, name: str
) -> None:
    if name == "cats":
        root = tmp_path / "cats"
        CATS.draw_synthetic(root, np.random.default_rng(0))
        own = {
            "folds": 2,
            "device": "cpu",
            "image": {"size": 32},
            "freeze": "all",
            "thaw": {"how": "staged"},
            "dropout": 0.3,
            "loader": {"batch_size": 8, "mixup": 0.3},
        }
        config = resolve(CATS.name, [CATS.defaults, CATS.synthetic_defaults, own], CATS.options)
        data = root
    else:
        own_optimizer = config.optim.model_copy(update={"name": "muon"})
        config = config.model_copy(update={"optim": own_optimizer})
    found = verify(config, DataSource(data, True), Workspace.at(tmp_path), Silent())
    assert found.exact, found.differing
    assert found.parts > 6
    assert found.thawing == (name == "cats")


def test_what_is_forgotten_is_noticed(
    config: RunConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof can fail: a training that forgets its optimizer does not resume exactly."""
    from comp.training.state import TrainingState

    real = TrainingState.load_state_dict

    def forget(training: TrainingState, state: dict[str, Any]) -> None:
        fresh = training.optimizer.state_dict()
        real(training, state)
        training.optimizer.load_state_dict(fresh)

    monkeypatch.setattr(TrainingState, "load_state_dict", forget)
    found = verify(config, DataSource(data, True), Workspace.at(tmp_path), Silent())
    assert not found.exact
    assert {"model", "optimizer"} <= set(found.differing)


def test_a_read_only_folder_is_a_mistake_that_can_be_mended(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(DiskError, match="cannot write"):
        write_bytes(tmp_path / "x", b"x")


def test_the_record_of_a_run_says_that_it_is_alive(
    config: RunConfig, data: Path, tmp_path: Path
) -> None:
    seen: list[tuple[str, bool]] = []

    class Watcher(Silent):
        def step(self, step: Step) -> None:
            (path,) = tmp_path.glob("runs/*/*/run.json")
            seen.append((read_json(path)["state"], path.with_name("run.lock").is_file()))

    run(config, DataSource(data, False), Workspace.at(tmp_path), Watcher(), only=[0])
    assert set(seen) == {("running", True)}


def test_the_plan_of_a_repeated_run_is_kept(config: RunConfig, data: Path, tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    with pytest.raises(Stopped), handle_signals():
        run(config, DataSource(data, False), workspace, Killer(0, 2), plan={0: 4, 1: 3})
    assert resume(newest_unfinished(workspace), workspace, Silent()).plan == {0: 4, 1: 3}


def test_a_state_with_a_bad_loss_is_never_kept(
    config: RunConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An infinite loss whose gradients are finite leaves good weights, and is no good state."""
    from comp.training import batch

    real, calls = batch.batch_loss, []

    def third_is_infinite(*given: Any) -> torch.Tensor:
        calls.append(1)
        loss = real(*given)
        return loss + float("inf") if len(calls) == 3 else loss

    monkeypatch.setattr(batch, "batch_loss", third_is_infinite)
    workspace = Workspace.at(tmp_path)
    with pytest.raises(RunError, match="the loss of fold 0 is inf at step 3"):
        run(config, DataSource(data, False), workspace, Silent())
    saved = read_checkpoint(newest_unfinished(workspace).fold(0) / "resume.pt")
    assert saved is not None
    assert saved.step == 2


def test_a_run_that_needs_more_room_than_there_is_is_refused(
    config: RunConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: free)
    with pytest.raises(DiskError, match=r"the run needs about .* GB are free: make room"):
        run(config, DataSource(data, False), Workspace.at(tmp_path), Silent())
    assert not list(tmp_path.glob("runs/*/*"))


def test_older_predictions_stay_until_there_are_more(
    config: RunConfig, data: Path, tmp_path: Path
) -> None:
    workspace = Workspace.at(tmp_path)
    with pytest.raises(Stopped), handle_signals():
        run(
            config.model_copy(update={"folds": 3}), DataSource(data, False), workspace, Killer(2, 2)
        )
    folder = newest_unfinished(workspace)
    before = folder.oof.read_bytes()
    with pytest.raises(Stopped), handle_signals():
        resume(folder, workspace, Killer(2, 4))
    assert folder.oof.read_bytes() == before
