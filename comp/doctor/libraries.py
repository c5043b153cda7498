"""Checks of Python and of the libraries that comp uses."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from importlib.util import find_spec

from comp.doctor.check import Check
from comp.doctor.probe import ProbeFacts
from comp.runs.folder import environment

OPENCV = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
)
"""Distributions that all install the same package, cv2."""
PAIR = (
    "reinstall both from one index: pip install --force-reinstall torch torchvision, with "
    "--index-url https://download.pytorch.org/whl/cpu if there is no GPU"
)


def python() -> Check:
    """Check that comp supports this version of Python."""
    from packaging.specifiers import SpecifierSet

    found = environment()
    words = f"{found['python']} on {found['platform']}, comp {found['comp']}"
    required = _installed("comp") and metadata("comp")["Requires-Python"]
    if required and not SpecifierSet(required).contains(found["python"], prereleases=True):
        return Check("Python", "problem", words, f"use Python {required}")
    return Check("Python", "ok", f"{words}, {sys.executable}")


def packages() -> Check:
    """Check that every package is installed in a version that comp supports."""
    from packaging.requirements import Requirement

    if not _installed("comp"):
        return Check("packages", "note", "comp is not installed", "pip install -e .")
    required = [Requirement(text) for text in requires("comp") or ()]
    required = [each for each in required if not each.marker or each.marker.evaluate({"extra": ""})]
    unmet, remedies = [], []
    for each in required:
        installed = _installed(each.name)
        if not installed or not each.specifier.contains(installed, prereleases=True):
            unmet.append(f"{each.name} {installed or 'is missing'} (needs {each.specifier})")
            remedies.append(f"'{each.name}{each.specifier}'")
    if unmet:
        return Check("packages", "problem", ", ".join(unmet), f"pip install {' '.join(remedies)}")
    known = environment()["packages"]
    names = ", ".join(f"{name} {number}" for name, number in known.items() if number)
    return Check("packages", "ok", f"all {len(required)} have a supported version: {names}")


def torch(facts: ProbeFacts) -> Check:
    """Check that torch can be imported, and for which device it is built."""
    found = facts["torch"]
    if "error" in found:
        words = f"cannot be imported ({found['error']})"
        return Check("torch", "problem", words, "pip install --force-reinstall torch torchvision")
    return Check("torch", "ok", f"{found['version']}, built for {_built(found)}")


def torchvision(facts: ProbeFacts) -> Check:
    """Check that torchvision is built for the same device as torch, and has its operators."""
    torch_facts, found = facts["torch"], facts["torchvision"]
    words = str(found.get("version") or "torchvision")
    reason = found.get("error")
    cuda = bool(found.get("cuda")) or "+cu" in words
    known = (
        "error" not in torch_facts and not torch_facts.get("hip") and (not reason or "+" in words)
    )
    if known and cuda != bool(torch_facts["cuda"]):
        both = (
            f"torchvision {words} is built for {'CUDA' if cuda else 'the CPU'}, torch "
            f"{torch_facts['version']} for {_built(torch_facts)}"
        )
        return Check("torchvision", "problem", f"{both} ({reason})" if reason else both, PAIR)
    if reason and "torchvision::nms" in reason:
        return Check("torchvision", "problem", f"{words}, its operators are missing", PAIR)
    if reason:
        return Check("torchvision", "problem", f"{words} cannot be used ({reason})", PAIR)
    return Check("torchvision", "ok", f"{words}, built for {'CUDA' if cuda else 'the CPU'}")


def _built(torch: dict[str, object] | object) -> str:
    """The device for which torch is built, as text."""
    built = torch if isinstance(torch, dict) else {}
    if built.get("hip"):
        return f"ROCm {built['hip']}"
    return f"CUDA {built['cuda']}" if built.get("cuda") else "the CPU"


def numpy(facts: ProbeFacts) -> Check:
    """Check that torch supports this version of numpy."""
    found, bridge = facts["numpy"], facts["bridge"]
    remedy = "pip install --upgrade 'numpy>=2.0' torch"
    if "error" in found:
        return Check("numpy", "problem", f"cannot be imported ({found['error']})", remedy)
    if int(found["version"].split(".")[0]) < 2:
        return Check("numpy", "problem", f"{found['version']}, comp needs 2 or newer", remedy)
    if "error" in facts["torch"]:
        words = f"{found['version']}, whether torch can use it is unknown"
        return Check("numpy", "note", words, "fix torch first")
    if "error" in bridge:
        words = f"{found['version']}, torch cannot use it ({bridge['error']})"
        return Check("numpy", "problem", words, remedy)
    return Check("numpy", "ok", found["version"])


def six() -> Check:
    """Check that six is installed; Kaggle's client imports it without declaring it."""
    if find_spec("six") is None:
        words = "is missing, and Kaggle's client needs it"
        return Check("six", "problem", words, "pip install six")
    return Check("six", "ok", _installed("six") or "installed")


def albumentations() -> Check:
    """Check that albumentations has the version that the augmentations of comp need."""
    found, other = _installed("albumentations"), _installed("albumentationsx")
    remedy = "pip install albumentations==2.0.8"
    if other:
        return Check(
            "albumentations",
            "problem",
            f"albumentationsx {other} is installed, which replaces it and has the AGPL licence",
            f"pip uninstall -y albumentationsx, then {remedy} --force-reinstall",
        )
    if found != "2.0.8":
        words = f"{found or 'missing'}, comp needs 2.0.8"
        return Check("albumentations", "problem", words, remedy)
    return Check("albumentations", "ok", found)


def opencv(facts: ProbeFacts) -> Check:
    """Check that exactly one OpenCV is installed and can be imported."""
    installed = {name: number for name in OPENCV if (number := _installed(name))}
    names = ", ".join(f"{name} {number}" for name, number in installed.items())
    remedy = f"pip uninstall -y {' '.join(OPENCV)}, then pip install {OPENCV[0]}"
    if len(installed) > 1:
        words = f"{names} are installed and overwrite each other's files"
        return Check("OpenCV", "problem", words, remedy)
    if "error" in facts["cv2"]:
        words = f"{names or 'missing'}, cannot be imported ({facts['cv2']['error']})"
        return Check("OpenCV", "problem", words, remedy)
    return Check("OpenCV", "ok", names or str(facts["cv2"]["version"]))


def trackers() -> Check:
    """Name the trackers that are installed; a run needs none."""
    from comp.trackers.installed import installed

    return Check("trackers", "ok", ", ".join(installed()) or "none is installed")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
