"""Single checks of the doctor, on simulated machines."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections import namedtuple
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from short_limits import in_time

from comp.doctor import folders, libraries, machine, services
from comp.doctor.check import Check, run_check
from comp.doctor.probe import PARTS, ProbeFacts, probed
from comp.errors import RunError
from comp.workspace import Workspace

CUDA = {"version": "2.9.0+cu128", "cuda": "12.8", "hip": None}
CPU = {"version": "2.9.0+cpu", "cuda": None, "hip": None}
ROCM = {"version": "2.9.0+rocm6.4", "cuda": None, "hip": "6.4"}
NMS = "RuntimeError: operator torchvision::nms does not exist"
H100 = {"devices": [{"name": "NVIDIA H100", "bytes": 85e9}], "mps": False, "said": "", "bf16": True}
NONE = {"devices": [], "mps": False, "said": "the driver is too old"}


def test_a_check_that_fails_itself_is_a_problem_with_its_reason() -> None:
    def broken() -> Check:
        raise RunError("no [run]\nand more of it")

    found = run_check("runs/", broken)
    assert (found.name, found.state) == ("runs/", "problem")
    assert found.found == "cannot be checked (RunError: no [run])"
    assert found.remedy


@pytest.mark.parametrize(
    ("torch", "vision", "state", "words"),
    [
        (CUDA, {"version": "0.24.0+cu128", "cuda": 12080}, "ok", "built for CUDA"),
        (CPU, {"version": "0.24.0+cpu", "cuda": None}, "ok", "built for the CPU"),
        (ROCM, {"version": "0.24.0+rocm6.4", "cuda": None}, "ok", "0.24.0"),
        (
            CPU,
            {"version": "0.24.0+cu128", "cuda": None, "error": NMS},
            "problem",
            "torchvision 0.24.0+cu128 is built for CUDA, torch 2.9.0+cpu for the CPU",
        ),
        (
            CUDA,
            {"version": "0.24.0+cpu", "cuda": None},
            "problem",
            "torchvision 0.24.0+cpu is built for the CPU, torch 2.9.0+cu128 for CUDA 12.8",
        ),
        (CUDA, {"version": "0.24.0", "error": NMS}, "problem", "its operators are missing"),
        (
            CUDA,
            {"version": "", "error": "ModuleNotFoundError: No module named 'torchvision'"},
            "problem",
            "torchvision cannot be used (ModuleNotFoundError",
        ),
        ({"error": "not reached"}, {"version": "0.24.0+cu128", "error": "x"}, "problem", "(x)"),
    ],
)
def test_torch_and_torchvision_must_be_built_alike(
    torch: Any, vision: Any, state: str, words: str
) -> None:
    found = libraries.torchvision({"torch": torch, "torchvision": vision})
    assert (found.state, words in found.found) == (state, True), found
    assert ("--force-reinstall torch torchvision" in found.remedy) is (state == "problem")


@pytest.mark.parametrize(
    ("torch", "numpy", "bridge", "state", "words"),
    [
        (CPU, {"version": "2.3.1"}, {}, "ok", "2.3.1"),
        (CPU, {"version": "1.26.4"}, {}, "problem", "1.26.4, comp needs 2 or newer"),
        (
            CPU,
            {"version": "2.3.1"},
            {"error": "Numpy is not available"},
            "problem",
            "not available",
        ),
        (CPU, {"error": "ImportError: no numpy"}, {}, "problem", "no numpy"),
        (
            {"error": "x"},
            {"version": "2.3.1"},
            {"error": "x"},
            "note",
            "torch can use it is unknown",
        ),
    ],
)
def test_numpy_must_be_one_that_torch_works_with(
    torch: Any, numpy: Any, bridge: Any, state: str, words: str
) -> None:
    found = libraries.numpy({"torch": torch, "numpy": numpy, "bridge": bridge})
    assert (found.state, words in found.found) == (state, True), found


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A driver that knows a GPU."""
    if os.name != "posix":
        pytest.skip("the program that is made up is a shell script")
    script = tmp_path / "nvidia-smi"
    script.write_text("#!/bin/sh\necho 'NVIDIA T4, 470.82'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return script


def test_a_gpu_that_torch_uses(smi: Path) -> None:
    found = machine.gpu({"torch": CUDA, "gpu": H100})
    assert (found.state, found.found) == ("ok", "NVIDIA H100 (85 GB), driver 470.82")
    assert machine.precision({"gpu": H100}).found == "bf16, fp16, fp32; auto is bf16"
    older = H100 | {"bf16": False}
    assert machine.precision({"gpu": older}).found.startswith("fp16 with gradient scaling")


@pytest.mark.parametrize(
    ("torch", "gpu", "words", "remedy"),
    [
        (CPU, NONE, "NVIDIA T4 exists, but torch is built for the CPU", "from an index for CUDA"),
        (CUDA, NONE, "cannot use NVIDIA T4, driver 470.82 (the driver is", "update the driver"),
        (CUDA, H100 | {"fault": "no kernel image"}, "cannot compute (no kernel", "for this GPU"),
        (CUDA, {"error": "not reached"}, "torch does not work (not reached)", "fix torch"),
    ],
)
def test_a_gpu_that_torch_cannot_use_is_a_problem(
    smi: Path, torch: Any, gpu: Any, words: str, remedy: str
) -> None:
    found = machine.gpu({"torch": torch, "gpu": gpu})
    assert (found.state, words in found.found, remedy in found.remedy) == ("problem", True, True)


def test_a_gpu_that_is_hidden_or_not_there_is_noted(
    smi: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "hidden by CUDA_VISIBLE_DEVICES" in machine.gpu({"torch": CUDA, "gpu": NONE}).found
    smi.unlink()
    found = machine.gpu({"torch": CUDA, "gpu": NONE})
    assert (found.state, "runs use the CPU" in found.found) == ("note", True)
    assert machine.gpu({"torch": CPU, "gpu": NONE | {"mps": True}}).state == "ok"


@pytest.mark.parametrize(
    ("value", "state", "words"),
    [
        (None, "ok", "no environment variable"),
        ("2", "ok", "OMP_NUM_THREADS=2"),
        ("1", "note", "of 2 cores"),
        ("64", "note", "more than the 2 cores"),
        ("many", "note", "are not numbers"),
        ("0", "note", "are not numbers"),
    ],
)
def test_variables_that_limit_threads(
    monkeypatch: pytest.MonkeyPatch, value: str | None, state: str, words: str
) -> None:
    monkeypatch.setattr(machine, "allowed_cores", lambda: 2)
    for name in machine.THREADS:
        monkeypatch.delenv(name, raising=False)
    if value is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", value)
    found = machine.threads()
    assert (found.state, words in found.found) == (state, True), found
    assert (found.remedy == "") is (state == "ok")


@pytest.mark.parametrize(
    ("busy", "policy", "state", "remedy"),
    [
        (0.3, None, "ok", ""),
        (4.0, None, "note", "wait until other programs end"),
        (9.0, "ACTIVE", "note", "OMP_WAIT_POLICY=ACTIVE says how threads wait"),
    ],
)
def test_other_programs_on_the_cores_are_noted(
    monkeypatch: pytest.MonkeyPatch, busy: float, policy: str | None, state: str, remedy: str
) -> None:
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (busy, 0.0, 0.0), raising=False)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 4)
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.delenv(name, raising=False)
    if policy:
        monkeypatch.setenv("OMP_WAIT_POLICY", policy)
    found = machine.load()
    assert (found.state, found.found) == (
        state,
        f"{busy:.1f} busy threads on 4 cores in the last minute",
    )
    assert remedy in found.remedy


@pytest.mark.parametrize(("quota", "more"), [(None, ""), (8.0, ""), (1.5, "comp uses 2")])
def test_cores_whose_time_is_limited(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, more: str
) -> None:
    monkeypatch.setattr(machine, "cores_of_affinity", lambda: 8)
    monkeypatch.setattr(machine, "allowed_cores", lambda: 2)
    monkeypatch.setattr(machine, "cpu_quota", lambda: quota)
    found = machine.cores()
    assert found.state == "ok"
    assert found.found.startswith("8 of ")
    assert found.found.endswith(f", with a CPU quota of 1.5: {more}") is bool(more)


Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("free", "state"), [(64 << 20, "problem"), (500 << 20, "note"), (8 << 30, "ok")]
)
def test_shared_memory_like_that_of_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _place: Usage(free, 0, free))
    found = machine.shared_memory(tmp_path)
    assert found.state == state
    assert ("--shm-size" in found.remedy) is (state != "ok")


@pytest.mark.parametrize(
    ("free", "state"), [(5 * 10**8, "problem"), (5 * 10**9, "note"), (5 * 10**10, "ok")]
)
def test_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _place: Usage(free, 0, free))
    found = folders.free_disk(Workspace.at(tmp_path, tmp_path / "not" / "yet"))
    assert found.state == state
    assert ("comp runs prune" in found.remedy) is (state != "ok")


def test_write_speed_is_measured_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = folders.write_speed(Workspace.at(tmp_path))
    assert "MB/s" in found.found
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(folders, "SLOW_BYTES_PER_S", 1e15)
    assert folders.write_speed(Workspace.at(tmp_path)).state == "note"


def test_folders_that_are_files_or_links_to_nowhere(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    assert "can be created" in folders.folder(workspace, "runs").found
    (tmp_path / "runs").write_text("")
    found = folders.folder(workspace, "runs")
    assert (found.state, found.found) == ("problem", f"{tmp_path / 'runs'} is a file")
    (tmp_path / "data").mkdir()
    assert folders.folder(workspace, "data").found == "is writable"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_folder_that_not_even_the_superuser_can_write_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace = Workspace.at(Path("/proc"))
    assert folders.folder(workspace, "runs").state == "problem"
    data = folders.folder(workspace, "data")
    assert (data.state, str(workspace.cache) in data.remedy) == ("note", True)
    assert "'comp download' needs --out" in data.remedy
    assert "cannot write to /proc" in folders.write_speed(workspace).found
    monkeypatch.setenv("HOME", "/proc")
    assert folders.home().state == "problem"


@pytest.mark.skipif(os.name != "posix", reason="Windows finds HOME elsewhere")
def test_a_home_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "gone"))
    found = folders.home()
    assert (found.state, "it is not a folder" in found.found) == ("problem", True)


class Answering(BaseHTTPRequestHandler):
    """Answers every question with `status`."""

    status = 200

    def do_HEAD(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """A hub of our own."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(("127.0.0.1", 0), Answering) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        address = f"http://127.0.0.1:{running.server_address[1]}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        yield running
        running.shutdown()


@pytest.mark.parametrize(("status", "state"), [(200, "ok"), (404, "ok"), (503, "note")])
def test_the_hub_answers(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch, status: int, state: str
) -> None:
    monkeypatch.setattr(Answering, "status", status)
    found = services.hub()
    assert (found.state, "127.0.0.1" in found.found) == (state, True)
    assert ("it answers 503" in found.found) is (status == 503)


def test_a_hub_that_hangs_is_not_waited_for(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "ANSWER_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        place = f"127.0.0.1:{deaf.getsockname()[1]}/?token=secret"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://{place}")
        found = services.hub()
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://user:secret@{place}")
        other = services.hub()
    assert found.state == other.state == "note"
    assert "no answer within" in found.found
    assert "comp weights NAME" in found.remedy
    assert "secret" not in found.found + other.found


def test_a_hub_that_must_not_be_asked(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in services.hub().found


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.abort()", "Python crashed, exit code"),
        ("raise ImportError('libcudart.so.12: cannot open')", "libcudart.so.12: cannot open"),
        ("import time; print('[1, 2]', flush=True); time.sleep(600)", "took longer than LIMIT s"),
    ],
)
def test_a_library_that_dies_or_hangs_takes_nobody_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    (tmp_path / "torch.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found: list[ProbeFacts] = []

    def probe(limit_s: float) -> ProbeFacts:
        found.append(probed(limit_s))
        return found[-1]

    limit_s, facts = in_time(
        probe,
        lambda: "error" not in found[-1]["cv2"],  # there was time for all but the one that hangs
        [2, 20, 200] if "sleep" in code else [600],
    )
    assert facts.keys() == PARTS.keys()
    assert words.replace("LIMIT", f"{limit_s:.0f}") in libraries.torch(facts).found
    assert libraries.torch(facts).state == "problem"
    assert machine.gpu(facts).state == machine.precision(facts).state == "problem"
    numpy = libraries.numpy(facts)
    assert (numpy.state, numpy.remedy) == ("note", "fix torch first")
    assert "error" not in facts["cv2"]


def test_a_library_that_dies_hides_none_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cv2.py").write_text("import os; os.abort()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    facts = probed()
    assert "Python crashed" in libraries.opencv(facts).found
    assert {part for part in PARTS if "error" in facts[part]} == {"cv2"}
    assert machine.precision(facts).state == libraries.numpy(facts).state == "ok"
