"""Processes of `comp` that do not import the large libraries again.

A new Python takes seconds of CPU time to import torch and timm. A server imports them once and is
forked for each command. Such a process imports comp itself and has its own working folder,
variables, streams and signals, as one that a shell starts; but it has the hash seed of the server.
What a test says of imports, hash seeds or the start of Python needs a new Python.
"""

from __future__ import annotations

import atexit
import gc
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any

LIBRARIES = ["kagglesdk", "numpy", "pydantic", "requests", "rich.progress", "rich.table", "typer"]
"""Not polars, which starts threads at its import: they would not be in a forked process."""
TRAINING_LIBRARIES = [
    *("accelerate", "albumentations", "cv2", "PIL.Image", "safetensors.torch", "scipy"),
    *("sklearn.metrics", "sklearn.model_selection", "timm.data", "timm.optim", "timm.scheduler"),
    *("timm.utils", "torch._dynamo"),
]
TRAINING = {"explain-config", "grade", "predict", "resume", "run"}
"""Commands that need the second list."""
WIDTH = 16
"""Bytes of a number that the server sends: first of the process, then the exit code."""


class ForkedProcess:
    """A command that runs, with a part of what `subprocess.Popen` has."""

    def __init__(self, connection: socket.socket, files: Sequence[IO[bytes] | None]) -> None:
        self._connection, self._files = connection, files
        self.pid = int(connection.recv(WIDTH))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._receive(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code.

        Raises:
            TimeoutError: it still runs after so many seconds.
        """
        code = self._receive(timeout)
        if code is None:
            raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it printed on stdout and stderr; empty for a stream that was given."""
        self.wait(timeout)
        texts = []
        for file in self._files:
            if file:
                with file:
                    file.seek(0)
                    texts.append(file.read().decode())
            else:
                texts.append("")
        return texts[0], texts[1]

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)  # if it ends now, no other process has its number yet

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _receive(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._connection.settimeout(timeout)
            with suppress(BlockingIOError, TimeoutError):
                self.returncode = int(self._connection.recv(WIDTH))
                self._connection.close()  # the server forgets the process
        return self.returncode


def start(
    *words: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    out: IO[bytes] | None = None,
    err: IO[bytes] | None = None,
    new_session: bool = False,
    constants: Mapping[str, float] | None = None,
    skip_waits: bool = False,
) -> ForkedProcess:
    """Start `comp` with the words of a command line, without stdin.

    `out` and `err` are open files, by default temporary ones, which `communicate` reads.
    `constants` are other values of constants of modules, such as "comp.kaggle.submit.BOARD_S".
    With `skip_waits`, the pauses between requests take no time, as `spend` says.
    """
    files = [None if given else tempfile.TemporaryFile() for given in (out, err)]  # noqa: SIM115
    ours, theirs = socket.socketpair()
    with Path(os.devnull).open("rb") as null, theirs:
        streams = [null, out or files[0], err or files[1], theirs]
        socket.send_fds(
            _server(words[0] in TRAINING), [b"+"], [stream.fileno() for stream in streams if stream]
        )
    request = {"words": words, "cwd": str(cwd), "env": dict(os.environ if env is None else env)}
    request |= {"new_session": new_session, "constants": dict(constants or {})}
    request |= {"skip_waits": skip_waits}
    ours.sendall(json.dumps(request).encode() + b"\n")
    return ForkedProcess(ours, files)


def run(
    *words: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
    skip_waits: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run `comp` to its end, like `subprocess.run` with `capture_output` and `text`."""
    process = start(*words, cwd=cwd, env=env, skip_waits=skip_waits)
    try:
        out, err = process.communicate(timeout)
    finally:
        process.kill()
    return subprocess.CompletedProcess(words, process.wait(), out, err)


@cache
def _server(training: bool) -> socket.socket:
    """The server of this process; it ends with it."""
    libraries = [*LIBRARIES, *(TRAINING_LIBRARIES if training else [])]
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno()), *libraries],
            env=os.environ | {"OMP_NUM_THREADS": "1", "NO_ALBUMENTATIONS_UPDATE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    atexit.register(process.wait)
    atexit.register(ours.close)  # which comes first, and ends the server
    return ours


def _serve(server: socket.socket, libraries: Sequence[str]) -> dict[str, Any]:
    """Fork for each request; returns the request in the process that shall do it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C in the terminal of the tests
    gc.disable()
    for name in libraries:
        import_module(name)
    gc.collect()
    gc.freeze()  # else each process gets its own copy of their pages
    gc.enable()
    while True:
        message, numbers, _, _ = socket.recv_fds(server, 1, 4)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not message:
            sys.exit()
        if os.fork() == 0:
            server.close()
            return _watch(socket.socket(fileno=numbers[3]), numbers[:3])
        for number in numbers:
            os.close(number)


def _watch(connection: socket.socket, streams: list[int]) -> dict[str, Any]:
    """Fork once more, and report the exit code."""
    with connection.makefile("rb") as lines:
        request: dict[str, Any] = json.loads(lines.readline())
    pid = os.fork()
    if pid == 0:
        connection.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return request
    for stream in streams:
        os.close(stream)
    connection.sendall(b"%*d" % (WIDTH, pid))
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # no other process gets its number
    assert ended
    code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    with suppress(OSError):
        connection.sendall(b"%*d" % (WIDTH, code))
        connection.recv(1)  # until the other side knows the code
    os.waitpid(pid, 0)
    os._exit(0)


def _become(request: dict[str, Any]) -> None:
    """Be as a new Python with `-m comp`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if request["new_session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    import numpy as np

    np.random.seed()
    sys.path[0] = request["cwd"]
    sys.argv = ["comp", *request["words"]]
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    unbuffered = bool(request["env"].get("PYTHONUNBUFFERED"))
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(
        os.fdopen(1, "wb", 0 if unbuffered else -1, closefd=False), write_through=unbuffered
    )
    sys.stderr = sys.__stderr__ = os.fdopen(
        2, "w", buffering=1, errors="backslashreplace", closefd=False
    )
    for name, value in request["constants"].items():
        module, _, constant = name.rpartition(".")
        assert hasattr(import_module(module), constant), name
        setattr(import_module(module), constant, value)
    if request["skip_waits"]:
        from comp.kaggle.client.deadline import Deadline

        Deadline.sleep = spend  # type: ignore[method-assign]


def spend(deadline: Any, seconds: float) -> None:
    """In place of `Deadline.sleep`: it takes no time, and the deadline comes nearer."""
    deadline._end -= min(seconds, deadline.left)


def _comp() -> int:
    """Run `comp`; returns the exit code. Python's own end would touch all that was imported."""
    code: object = 0
    try:
        runpy.run_module("comp", run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        code = stop.code
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except ValueError:  # it is closed
            pass
        except OSError:
            code = 120  # as Python does
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    _become(_serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:]))
    os._exit(_comp())
