"""A fold that two processes train together, on the CPU, against one process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import comp
from comp.contract import registry
from tests.fakes import forked_comp

PLUGIN = '''
"""Cats and dogs with a network without BatchNorm, and a loss that is no mean over the samples."""

import os
import signal
from dataclasses import replace

from competitions.cats_dogs import COMPETITION as CATS

CALLS = []


def model(_config):
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.GELU(), nn.Flatten(), nn.Linear(4 * 15 * 15, 1))


def loss(raw, shares):
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    CALLS.append(len(raw))
    if torch.distributed.is_initialized() and torch.distributed.get_rank() == 1:
        assert len(raw) == (4 if len(CALLS) == 1 else 8)  # its part in the rehearsal, then all
        if len(CALLS) == 28:  # the batch of step 27
            os.kill(os.getpid(), signal.SIGTERM)
    weights = 1 + 3 * shares[:, 1:]
    losses = cross_entropy(raw, shares[:, 1:], reduction="none")
    return (weights * losses).sum() / weights.sum()


COMPETITION = replace(CATS, name="pairs", model=model, loss=loss, defaults={"backbone": "resnet18"})
'''
CONFIG: dict[str, Any] = {
    "device": "cpu",
    "max_steps": 30,
    "validations": 6,
    "pretrained": False,
    "image": {"size": 32},
    "loader": {"batch_size": 8, "mixup": 0.3},
    "optim": {"ema": 0.9, "clip_norm": 1.0},
}


def start_ranks(
    count: int, *words: str, cwd: Path, **variables: str
) -> list[forked_comp.ForkedProcess]:
    """`comp` in several processes, with the variables that torchrun sets."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    processes = []
    for rank in range(count):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_PORT": port}
        own |= {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
        own |= {"MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
        processes.append(forked_comp.start(*words, cwd=cwd, env=os.environ | own | variables))
    return processes


def history(run: Path) -> list[dict[str, Any]]:
    text = (run / "fold-0" / "history.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def files(folder: Path) -> set[str]:
    """The files of a run folder and what belongs to it, without the name of the run."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@dataclass(frozen=True)
class Trained:
    """What one process, and two processes that were stopped, left behind; `codes` and `outputs` are
    those of the two, and `after_stop` are the files of their run at the stop."""

    alone: Path
    together: Path
    stopped: list[dict[str, Any]]
    codes: list[int]
    outputs: list[tuple[str, str]]
    after_stop: set[str]
    out: Path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "competitions").mkdir()
    (folder / "competitions" / "pairs.py").write_text(PLUGIN)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        data = folder / "data" / "pairs"
        data.mkdir(parents=True)
        registry.get("pairs").draw_synthetic(data, np.random.default_rng(0))
        sets = [f"--set={key}={json.dumps(value)}" for key, value in flat(CONFIG)]
        words = ["run", "pairs", "--fold", "0", "--out", "together", *sets]
        processes = start_ranks(2, *words, cwd=folder)
        outputs = [process.communicate(600) for process in processes]
        codes = [process.wait() for process in processes]
        (run,) = (folder / "together" / "runs" / "pairs").iterdir()
        stopped, after_stop = history(run), files(folder / "together")
        comp.resume(run.name, runs="together", quiet=True)
        alone = comp.run("pairs", fold=0, config=CONFIG, out="alone", quiet=True)
        yield Trained(
            alone=alone.folder,
            together=run,
            stopped=stopped,
            codes=codes,
            outputs=outputs,
            after_stop=after_stop,
            out=folder,
        )


def flat(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys with their values."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def test_two_processes_have_the_losses_of_one(trained: Trained) -> None:
    alone, together = history(trained.alone), trained.stopped
    assert [line["step"] for line in together] == list(range(5, 26, 5))
    losses = [[line["loss"] for line in lines] for lines in (alone[:5], together)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=0, atol=1e-5)
    assert losses[0][0] - losses[0][-1] > 0.01  # it learns


def test_a_signal_to_one_process_stops_all_at_the_same_step(trained: Trained) -> None:
    assert trained.codes == [143, 0]
    assert f"'comp resume {trained.together.name}" in trained.outputs[0][1]
    assert "2 processes on the CPU, 4 samples of every batch on each" in trained.outputs[0][0]


def test_a_run_of_two_processes_resumes_in_one(trained: Trained) -> None:
    alone, together = history(trained.alone), history(trained.together)
    losses = [[line["loss"] for line in lines] for lines in (alone, together)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=0, atol=1e-5)
    record = json.loads((trained.together / "run.json").read_text())
    assert (record["state"], record["processes"]) == ("finished", 2)
    assert "processes" not in record["resumed"][0]


def test_only_one_process_writes(trained: Trained) -> None:
    run = f"runs/pairs/{trained.together.name}"
    fold = {f"{run}/fold-0/{name}" for name in ("history.jsonl", "resume.pt", "batches.json")}
    own_names = ("folds.csv", "progress.json", "run.json", "run.lock", "samples.parquet")
    own = {f"{run}/{name}" for name in (*own_names, "reader/images.json")}
    assert trained.after_stop == fold | own
    assert trained.outputs[1] == ("", "")
    finished = files(trained.out / "together"), files(trained.out / "alone")
    names = (trained.together.name, trained.alone.name)
    together, alone = (
        {name.replace(run_id, "RUN") for name in found}
        for found, run_id in zip(finished, names, strict=True)
    )
    assert together == alone


@pytest.mark.gpu
def test_all_gpus_have_the_losses_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with BatchNorm, whose statistics are those of the whole batch."""
    gpus = torch.cuda.device_count()
    if gpus < 2:
        pytest.skip("one GPU has nothing to be compared with")
    plugin = PLUGIN.replace("nn.GELU()", "nn.BatchNorm2d(4), nn.GELU()")
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "pairs.py").write_text(plugin.replace("assert len", "len"))
    data = tmp_path / "data" / "pairs"
    data.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    registry.get("pairs").draw_synthetic(data, np.random.default_rng(0))
    config = CONFIG | {"device": "cuda", "precision": "fp32", "max_steps": 20, "validations": 4}
    config |= {"loader": {"batch_size": 4 * gpus, "workers": 0, "mixup": 0.3}}
    sets = [f"--set={key}={json.dumps(value)}" for key, value in flat(config)]
    command = [sys.executable, "-m", "comp", "run", "pairs", "--fold", "0", *sets]
    losses = []
    for count in (1, gpus):
        out = f"on-{count}"
        subprocess.run([*command, "--out", out, "--gpus", str(count)], check=True, timeout=600)
        (run,) = (tmp_path / out / "runs" / "pairs").iterdir()
        losses.append([line["loss"] for line in history(run)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)
