"""Runs the program of a bundle in a process without a network and without comp."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from comp.bundle.isolation import sitecustomize
from comp.report.clock import duration

BLOCKED = (
    *("accelerate", "albumentations", "captum", "cv2", "kaggle", "kagglesdk"),
    *("polars", "pydantic", "scipy", "sklearn"),
)
"""Modules that the program of a plain bundle does not need, so that they do not exist for it."""
OURS = ("comp", "competitions")
PROGRAM = "predict.py"
WHEELS = ("wheels", "code")
"""Folders that only bundles with wheels have."""
_KEPT = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "LANG", "LC_ALL")
"""Variables that the process keeps."""
_POLL_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the process ended."""

    code: int | None
    """The exit code, negative for a signal; None if the time was over."""
    seconds: float
    peak_bytes: int | None
    """The largest memory of the process; None if the system does not tell."""
    network: str
    """"namespace", "sockets", or "" if the process did not start."""
    network_reason: str
    """Why it was not a namespace."""
    out: str
    err: str

    @property
    def problem(self) -> str:
        """Why the process failed, in one line; "" if it ended well."""
        if self.code == 0:
            return "" if self.network else "it was not isolated from network and comp"
        if self.code is None:
            return f"it did not end within {duration(self.seconds)} and was stopped"
        if self.code == -signal.SIGKILL:
            full = f" (it had {self.peak_bytes / 1e9:.1f} GB)" if self.peak_bytes else ""
            return f"the system killed it, mostly because the memory is full{full}"
        if self.code < 0:
            return f"it crashed with signal {-self.code} ({signal.Signals(-self.code).name})"
        lines = self.err.strip().splitlines() or self.out.strip().splitlines() or ["no message"]
        return f"exit code {self.code}: {lines[-1][:300]}"


def run_program(
    bundle: Path,
    mount: Path,
    output: Path,
    arguments: Sequence[str] = (),
    limit_s: float = 3600,
    python: Path | None = None,
) -> Ended:
    """Run predict.py of a bundle on a folder like Kaggle's input.

    The process has no network, an empty home, no packages of the user, and no comp but that inside
    of the bundle.

    Args:
        output: the working folder of the process; it must exist.
        limit_s: seconds after which it is stopped, with the processes that it has started.
        python: the Python that runs it, with its libraries; None: the one of this process.
    """
    command = [str(python or sys.executable), str(bundle / PROGRAM), "--input", str(mount)]
    command += ["--output", str(output), *arguments]
    with TemporaryDirectory(prefix="comp-rehearsal-") as folder:
        scratch = Path(folder)
        status = scratch / "status.json"
        with (scratch / "out").open("wb") as out, (scratch / "err").open("wb") as err:
            started = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=output,
                env=_environment(bundle, scratch, status),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            code, peak = _wait(process, started + limit_s)
            seconds = time.perf_counter() - started
        network, reason = json.loads(status.read_text()) if status.is_file() else ("", "")
        texts = {name: (scratch / name).read_text("utf-8", "replace") for name in ("out", "err")}
        return Ended(
            code=code,
            seconds=seconds,
            peak_bytes=peak,
            network=network,
            network_reason=reason,
            **texts,
        )


def _environment(bundle: Path, scratch: Path, status: Path) -> dict[str, str]:
    """The variables of the process."""
    home = scratch / "home"
    home.mkdir()
    wheels = any((bundle / name).is_dir() for name in WHEELS)
    settings: Mapping[str, Any] = {
        "status": str(status),
        "places": [str(bundle), str(scratch)],  # wheels are unpacked into TMPDIR
        "inside": OURS,
        "blocked": () if wheels else BLOCKED,
    }
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "HOME": str(home),
        "TMPDIR": str(scratch),
        "PYTHONPATH": str(Path(sitecustomize.__file__).parent),
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        sitecustomize.SETTINGS: json.dumps(settings),
    }


def _wait(process: subprocess.Popen[bytes], until: float) -> tuple[int | None, int | None]:
    """Wait for the end of a process; returns its exit code, and its largest memory in bytes. At the
    time `until` it is killed, and the code is None."""
    peak = None
    try:
        while process.poll() is None:
            peak = _memory(process.pid) or peak
            if time.perf_counter() > until:
                _kill(process)
                process.wait()
                return None, peak
            time.sleep(_POLL_S)
    except BaseException:  # Ctrl-C
        _kill(process)
        process.wait()
        raise
    return process.returncode, peak


def _memory(pid: int) -> int | None:
    """The largest memory that a process had so far, in bytes; None if it has ended, or the system
    does not tell. `getrusage` would tell the memory of this process, if that is larger."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and those that it has started, which are in its session."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
