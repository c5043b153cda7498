"""A look at the big libraries from a process of its own, since importing them may kill it.

Run as a script, it prints a JSON array a line: the name of a part, and what was found of it. Its
arguments name the parts.
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
"""Importing torch for the first time from a slow disk can take a minute."""
ProbeFacts = Mapping[str, Mapping[str, Any]]
"""What is known of each part; "error" holds the reason where it cannot be used."""


def probed(timeout_s: float = TIMEOUT_S) -> ProbeFacts:
    """What a new process finds; a part at which it dies or hangs has that as its error, and another
    process looks at those behind it."""
    found: dict[str, Mapping[str, Any]] = {}
    left = list(PARTS)
    while left:
        came, fate = _asked(left, timeout_s)
        found |= came
        left = [part for part in left if part not in found]
        if left:
            found[left[0]] = {"error": fate}
        if left[:1] == ["torch"]:
            found |= {part: {"error": "torch cannot be used"} for part in ON_TORCH}
        left = [part for part in left if part not in found]
    return {part: found[part] for part in PARTS}


def _asked(parts: Sequence[str], timeout_s: float) -> tuple[dict[str, dict[str, Any]], str]:
    """What a process finds of these parts, and what became of it if it did not reach their end."""
    command = [sys.executable, "-P", __file__, *parts]
    fate = "not reached"
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=timeout_s
        )
        printed = done.stdout
        if done.returncode:
            fate = f"Python died of it, exit code {done.returncode}"
    except subprocess.TimeoutExpired as error:
        came = error.stdout or b""
        printed = came.decode(errors="replace") if isinstance(came, bytes) else came
        fate = f"importing it took longer than {timeout_s:.0f} s"
    return dict(_read(printed)), fate


def _read(printed: str) -> list[tuple[str, dict[str, Any]]]:
    """The parts in what was printed; libraries may print as well."""
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
    """Whether torch can use numpy."""
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
    except Exception as error:  # whatever is wrong with it, it cannot be used
        facts["error"] = _line(error)
    return facts


def _version_in_file(package: str) -> str:
    """The version in a package's version.py, for one that cannot be imported."""
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

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        there = torch.cuda.is_available()
    facts: dict[str, Any] = {
        "devices": [],
        "mps": bool(torch.backends.mps.is_available()),
        "said": str(said[0].message).splitlines()[0][:200] if said else "",
    }
    if there:
        for index in range(torch.cuda.device_count()):
            known = torch.cuda.get_device_properties(index)
            facts["devices"].append({"name": known.name, "bytes": known.total_memory})
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
"""Parts that cannot be looked at where importing torch kills the process."""


def main() -> None:
    """Print what is found, a line a part as soon as it is known."""
    for part in sys.argv[1:]:
        try:
            facts = PARTS[part]()
        except Exception as error:  # whatever is wrong with it, it cannot be used
            facts = {"error": _line(error)}
        sys.stdout.write(f"\n{json.dumps([part, facts])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
