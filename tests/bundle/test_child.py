import json
import re
import time
from pathlib import Path

import pytest
from processes import is_alive
from short_limits import in_time

from comp.bundle.child import Ended, run_program

ASK = """
import importlib.util, json, os, socket, subprocess, sys
from pathlib import Path
found = {name: importlib.util.find_spec(name) is not None for name in sys.argv[5:]}
try:
    socket.create_connection(("192.0.2.1", 80), timeout=2)
    reached = True
except OSError:
    reached = False
inside = subprocess.run([sys.executable, "-c", "import comp"], capture_output=True).returncode
secret = "KAGGLE_KEY" in os.environ
home = os.listdir(Path.home())
Path("answer.json").write_text(json.dumps([found, reached, inside, home, secret]))
"""


def run(folder: Path, program: str, *arguments: str, limit_s: float = 600) -> Ended:
    bundle, mount, output = (folder / name for name in ("bundle", "input", "working"))
    for path in (bundle, mount, output):
        path.mkdir(exist_ok=True)
    (bundle / "predict.py").write_text(program)
    return run_program(bundle, mount, output, arguments, limit_s)


def answer(folder: Path) -> list[object]:
    return list(json.loads((folder / "working" / "answer.json").read_text()))


def test_what_the_program_has_and_has_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    ended = run(tmp_path, ASK, "comp", "competitions", "cv2", "numpy", "torch")
    assert ended.problem == "", ended.err
    found, reached, inside, home, secret = answer(tmp_path)
    assert found == {
        "comp": False,
        "competitions": False,
        "cv2": False,
        "numpy": True,
        "torch": True,
    }
    assert reached is False
    assert inside == 1  # nor has a process that the program starts
    assert home == []
    assert secret is False


def test_with_wheels_there_is_the_comp_of_the_bundle_alone(tmp_path: Path) -> None:
    package = tmp_path / "bundle" / "code" / "comp"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("WHERE = 'bundle'\n")
    program = """
import sys
from pathlib import Path
try:
    import comp
    sys.exit("outside")
except ImportError:
    sys.path.insert(0, str(Path(__file__).parent / "code"))
import comp, cv2
assert comp.WHERE == "bundle"
"""
    assert run(tmp_path, program).problem == ""


def test_the_kind_of_isolation_is_told(tmp_path: Path) -> None:
    ended = run(tmp_path, "pass")
    assert ended.network in ("namespace", "sockets")
    assert bool(ended.network_reason) == (ended.network == "sockets")


def test_a_program_that_was_not_isolated_has_not_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comp.bundle.child.OURS", None)  # a fault before the program starts
    ended = run(tmp_path, "pass")
    assert ended.code == 0
    assert ended.problem == "it was not isolated from network and comp"


def test_memory_is_that_of_the_program_alone(tmp_path: Path) -> None:
    program, there = "x = bytearray(200_000_000); import time; time.sleep(LIMIT)", 200_000_000
    seen: list[int] = [0]

    def peak(sleeps_s: float) -> Ended:
        ended = run(tmp_path, program.replace("LIMIT", str(sleeps_s)))
        seen.append(ended.peak_bytes or 0)
        return ended

    if Path("/proc/self/status").exists():
        _, ended = in_time(peak, lambda: seen[-1] >= there)
        assert ended.peak_bytes
        assert 200e6 < ended.peak_bytes < 260e6


def test_the_last_line_of_an_error(tmp_path: Path) -> None:
    ended = run(tmp_path, "raise ValueError('no such thing')")
    assert ended.problem == "exit code 1: ValueError: no such thing"


def test_a_program_that_the_system_kills(tmp_path: Path) -> None:
    ended = run(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert ended.problem.startswith("the system killed it, mostly because the memory is full")


def test_a_program_that_crashes(tmp_path: Path) -> None:
    ended = run(tmp_path, "import os; os.abort()")
    assert ended.problem == "it crashed with signal 6 (SIGABRT)"


def test_a_program_that_hangs_ends_with_what_it_started(tmp_path: Path) -> None:
    program = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("pid", "w").write(str(child.pid))
time.sleep(600)
"""
    pid = tmp_path / "working" / "pid"
    _, ended = in_time(
        lambda limit_s: run(tmp_path, program, limit_s=limit_s),
        lambda: pid.is_file() and pid.read_text() != "",
        [1, 10, 100],
    )
    assert ended.code is None
    assert re.fullmatch(r"it did not end within .* and was stopped", ended.problem)
    end = time.monotonic() + 300  # the child would sleep longer
    while is_alive(int(pid.read_text())):
        assert time.monotonic() < end
        time.sleep(0.01)
