"""Import the big libraries in another process, because an import may crash it.

As a script it takes names of parts as arguments, and prints one JSON array (name, facts) per line.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TIMEOUT_S = 90.0
"""Time limit; the first import of torch from a slow disk can take a minute."""
ProbeFacts = Mapping[str, Mapping[str, Any]]
"""The facts of each part; "error" is the reason if it cannot be used."""


def probed(timeout_s: float = TIMEOUT_S) -> ProbeFacts:
    """Probe all parts in a new process.

    If the process crashes or hangs at a part, that is the error of the part, and another process
    probes the parts after it.
    """
    found: dict[str, Mapping[str, Any]] = {}
    left = list(PARTS)
    while left:
        results, failure = _probe_parts(left, timeout_s)
        found |= results
        left = [part for part in left if part not in found]
        if left:
            found[left[0]] = {"error": failure}
        if left[:1] == ["torch"]:
            found |= {part: {"error": "torch cannot be used"} for part in ON_TORCH}
        left = [part for part in left if part not in found]
    return {part: found[part] for part in PARTS}


def _probe_parts(parts: Sequence[str], timeout_s: float) -> tuple[dict[str, dict[str, Any]], str]:
    """The facts that one process finds, and why it failed before the end, if it did."""
    command = [sys.executable, "-P", __file__, *parts]
    failure = "not reached"
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=timeout_s
        )
        printed = done.stdout
        if done.returncode:
            failure = f"Python crashed, exit code {done.returncode}"
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        printed = output.decode(errors="replace") if isinstance(output, bytes) else output
        failure = f"importing it took longer than {timeout_s:.0f} s"
    return dict(_read(printed)), failure


def _read(printed: str) -> list[tuple[str, dict[str, Any]]]:
    """The (part, facts) in the output, which may contain lines of libraries."""
    found = []
    for line in printed.splitlines():
        try:
            part, facts = json.loads(line)
        except (ValueError, TypeError):
            continue
        if part in PARTS and isinstance(facts, dict):
            found.append((part, facts))
    return found


def _torch() -> dict[str, Any]:
    import torch

    return {
        "version": str(torch.__version__),
        "cuda": torch.version.cuda,
        "hip": getattr(torch.version, "hip", None),
    }


def _numpy() -> dict[str, Any]:
    import numpy

    return {"version": str(numpy.__version__)}


def _bridge() -> dict[str, Any]:
    """Fails if torch cannot use numpy."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.zeros(1).numpy()
    return {}


def _torchvision() -> dict[str, Any]:
    facts: dict[str, Any] = {"version": _version_in_file("torchvision"), "cuda": None}
    try:
        import torch
        import torchvision  # type: ignore[import-untyped]

        facts["version"] = str(torchvision.__version__)
        facts["cuda"] = getattr(torchvision.version, "cuda", None)
        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except Exception as error:  # any error means that it cannot be used
        facts["error"] = _line(error)
    return facts


def _version_in_file(package: str) -> str:
    """The version in version.py of a package that cannot be imported."""
    spec = find_spec(package)
    for place in (spec and spec.submodule_search_locations) or ():
        file = Path(place) / "version.py"
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        if found := re.search(r"^__version__ *= *['\"]([^'\"]+)", text, re.M):
            return found[1]
    return ""


def _cv2() -> dict[str, Any]:
    import cv2

    return {"version": str(cv2.__version__)}


def _gpu() -> dict[str, Any]:
    import torch

    with warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        available = torch.cuda.is_available()
    facts: dict[str, Any] = {
        "devices": [],
        "mps": bool(torch.backends.mps.is_available()),
        "said": str(messages[0].message).splitlines()[0][:200] if messages else "",
    }
    if available:
        for index in range(torch.cuda.device_count()):
            device = torch.cuda.get_device_properties(index)
            facts["devices"].append({"name": device.name, "bytes": device.total_memory})
        facts["bf16"] = bool(torch.cuda.is_bf16_supported(including_emulation=False))
        try:
            float((torch.ones(8, 8, device="cuda") @ torch.ones(8, 8, device="cuda")).sum())
        except RuntimeError as error:
            facts["fault"] = str(error).splitlines()[0][:200]
    return facts


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:200]


PARTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "torch": _torch,
    "numpy": _numpy,
    "bridge": _bridge,
    "torchvision": _torchvision,
    "cv2": _cv2,
    "gpu": _gpu,
}
ON_TORCH = ("bridge", "torchvision", "gpu")
"""Parts that cannot be probed if importing torch crashes."""


def main() -> None:
    """Print the facts of each part in the arguments, one line each."""
    for part in sys.argv[1:]:
        try:
            facts = PARTS[part]()
        except Exception as error:  # any error means that it cannot be used
            facts = {"error": _line(error)}
        sys.stdout.write(f"\n{json.dumps([part, facts])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
